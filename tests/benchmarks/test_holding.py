"""Honest and broken nights of a company run through the functions of the package."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from held_nights import Outcome
from holding import chosen_kinds, honest_company, run_breaks, run_honest, written
from remembered_nights import Remembered
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
    kinds += ["half of the load is yesterday's", "half of the load is a month old"]
    outcomes = list(run_breaks(honest_company(0, 300), kinds, past=20))
    assert [one.findings for one in outcomes if one.kind is None and one.held] == []
    assert [one.kind for one in outcomes if one.held] == kinds


def test_nights_are_remembered_as_they_were_and_no_more_than_asked() -> None:
    """The latest are last, and none is left on disk."""
    nights = [night.customers for night in honest_company(1, 200).nights(3)]
    with Remembered(2) as remembered:
        for night in nights:
            remembered.append(night)
        assert len(remembered) == 2
        pd.testing.assert_frame_equal(remembered[-1], nights[-1])
        pd.testing.assert_frame_equal(remembered[-2], nights[-2])


def test_outcomes_are_written_as_they_come(tmp_path: Path) -> None:
    """A run that is ended has left what was known by then."""

    def outcomes() -> Iterator[Outcome]:
        yield Outcome(
            "walks", 1, 200, "2026-11-22", (), held=True, warned=False, findings=("hold: rows rows",), seconds=1
        )
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(outcomes(), tmp_path / "out.jsonl")
    assert '"held": true' in (tmp_path / "out.jsonl").read_text()


def test_kinds_for_the_end_run_only_when_asked_for() -> None:
    """And those that need many customers run with many."""
    assert not any(KINDS[name].final for name in chosen_kinds(200, final=False))
    assert set(chosen_kinds(1_000_000, final=True)) == KINDS.keys()
    assert "the mean for what is missing" not in chosen_kinds(200, final=True)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_whole_simulation() -> None:
    """Every kind of break at two hundred customers, and a hundred honest nights of each generator."""
    companies = [honest_company(seed, 200) for seed in (0, 1)]
    broken = [one for company in companies for one in run_breaks(company, chosen_kinds(200, final=True)) if one.kind]
    counted = [one for one in broken if one.counts and not one.is_told_of]
    assert sum(one.held for one in counted) >= 0.95 * len(counted), [one.kind for one in counted if not one.held]
    honest = [one for seed in (2, 3) for one in run_honest(honest_company(seed), 100)]
    assert sum(one.held for one in honest) <= 2
