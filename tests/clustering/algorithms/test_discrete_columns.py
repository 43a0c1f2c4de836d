"""Values that a mixture takes for groups."""

import numpy as np
import pytest

from clustering.algorithms.discrete_columns import discrete_columns


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
