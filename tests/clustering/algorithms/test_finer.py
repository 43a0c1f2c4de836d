"""Numbers of clusters beyond the usual ones, where customers call for them."""

import numpy as np
import pytest

from clustering.algorithms.finer import numbers_to_try, sharper_numbers
from kinds import NOISE


def _groups(count, *, seed=0, rows=600):
    generator = np.random.default_rng(seed)
    places = np.array([[x, y] for x in range(5) for y in range(-(-count // 5))])[:count]
    return 5.0 * places[np.arange(rows) % count] + generator.normal(0, 0.5, (rows, 2))


@pytest.mark.parametrize("count", [13, 20, 30])
def test_many_groups_call_for_their_number(count):
    """It is among the few that are proposed."""
    assert count in sharper_numbers(_groups(count), seed=0)


@pytest.mark.parametrize("kind", [kind for kind in NOISE if "count" not in kind])
def test_noise_calls_for_nothing(kind):
    """Whatever its skew and tails, of few customers or of many."""
    for rows in (NOISE[kind](1)[:200], NOISE[kind](1)):
        assert sharper_numbers((rows - rows.mean(axis=0)) / rows.std(axis=0), seed=0) == []


def test_few_different_customers_call_for_nothing():
    """Their values would be taken for groups."""
    assert sharper_numbers(np.repeat(np.arange(60.0)[:, np.newaxis], 10, axis=0), seed=0) == []


def test_a_declared_range_is_tried_as_it_stands():
    """To its end, however long it is, and what is called for beyond it; a single number alone."""
    rows = _groups(30)

    assert numbers_to_try(rows, (4, 4), seed=0) == [4]
    assert numbers_to_try(rows, (12, 15), seed=0)[:4] == [12, 13, 14, 15]
    assert numbers_to_try(rows, (2, 60), seed=0) == list(range(2, 61))
    assert numbers_to_try(rows, (2, 28), seed=0)[:27] == list(range(2, 29))
