"""Honest and broken nights of a company run through the functions of the package."""

from __future__ import annotations

import pytest

from holding import chosen_kinds, honest_company, run_breaks
from sources.breaks import KINDS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize("seed", [0, 1])
def test_breaks_start_from_the_same_honest_past(seed: int) -> None:
    """Each is run once after the past, and the last honest night beside them."""
    *past, tonight, refused = run_breaks(honest_company(seed, 200), ["numbers as text"], past=4)
    assert len({one.as_of for one in past}) == len(past) >= 4
    assert not any(one.held or one.kind for one in [*past, tonight])
    assert (refused.kind, refused.as_of, refused.held) == ("numbers as text", tonight.as_of, True)
    assert refused.rows_changed == refused.labels_changed == 1


def test_broken_nights_are_held_and_honest_ones_are_published() -> None:
    """The breaks that nobody may overlook, after three weeks; `benchmarks/holding.py` runs them all."""
    kinds = ["half missing", "98 % missing", "all doubled with other keys", "money in cents", "keys in lower case"]
    outcomes = run_breaks(honest_company(0, 300), kinds, past=20)
    assert [one.findings for one in outcomes if one.kind is None and one.held] == []
    assert [one.kind for one in outcomes if one.held] == kinds


def test_kinds_for_the_end_run_only_when_asked_for() -> None:
    """And those that need many customers run with many."""
    assert not any(KINDS[name].final for name in chosen_kinds(200, final=False))
    assert set(chosen_kinds(1_000_000, final=True)) == KINDS.keys()
    assert "the mean for what is missing" not in chosen_kinds(200, final=True)
