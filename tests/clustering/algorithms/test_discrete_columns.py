"""Values that a mixture takes for groups."""

import numpy as np
import pytest

from clustering.algorithms.discrete_columns import discrete_columns, spread


def _columns():
    generator = np.random.default_rng(0)
    return {
        "plain": generator.normal(size=400),
        "whole": np.round(2 * generator.normal(size=400)),
        "zeros": np.where(generator.random(400) < 0.4, 0.0, generator.exponential(size=400)),
        "flag": (generator.random(400) < 0.5).astype(float),
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("plain", None),
        ("whole", None),
        ("zeros", "% of the customers have the same zeros, which a Gaussian mixture takes for a group"),
        ("flag", "flag takes only 2 different values, which a Gaussian mixture takes for groups"),
    ],
)
def test_ties_speak_against_a_column_where_the_values_beside_them_hold_few(name, reason):
    """A column of whole numbers is left to the fits; many at a value among others that are rare are a group."""
    column = _columns()[name]
    found = discrete_columns(column[:, np.newaxis], [name])

    assert np.unique(column, return_counts=True)[1].max() > 40 or name == "plain"
    assert [one for one in found if reason and one.endswith(reason)] == found
    assert len(found) == (reason is not None)


def test_coarse_columns_are_spread_up_to_the_middles_between_values():
    """Others, whose common value has few beside it or which have no common value, stay as they are."""
    columns = _columns()
    features = np.column_stack(list(columns.values()))
    found = spread(features, seed=3)

    assert np.array_equal(found[:, [0, 2]], features[:, [0, 2]])
    assert np.abs(found - features)[:, 1].max() <= 0.5
    assert len(np.unique(found[:, 1])) == len(found)
    assert np.array_equal(np.round(found[:, 3]), features[:, 3])
    assert np.array_equal(found, spread(features, seed=3))
    assert not np.array_equal(found, spread(features, seed=4))


def test_unequal_steps_are_spread_without_gaps():
    """Counts under a logarithm have long steps at the low end."""
    values = np.log1p(np.repeat([0.0, 1.0, 3.0], [300, 200, 100]))
    found = spread(values[:, np.newaxis], seed=0)[:, 0]

    first, second, third = np.log1p([0.0, 1.0, 3.0])
    assert found[:300].min() >= first - (second - first) / 2
    assert found[:300].max() <= (first + second) / 2 <= found[300:500].min()
    assert found[500:].max() <= third + (third - second) / 2
