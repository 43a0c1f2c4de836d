"""The kinds of groups that settings are judged by are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from accuracy import FINAL, JUDGING, KINDS, SIZES, TUNING, Case, Outcome, table


def test_a_third_of_the_kinds_is_kept_for_the_end_and_seeds_are_apart() -> None:
    """Which ones they are depends on their place alone."""
    assert len(FINAL) * 3 == len(KINDS)
    assert not set(TUNING) & set(JUDGING)


@pytest.mark.parametrize("rows", [SIZES[0], 700])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_groups_of_as_many_rows_as_asked(kind: str, rows: int) -> None:
    """Rows are standardised, two draws with one seed are equal, and no group is a handful."""
    found, groups = Case(kind, rows, 3).draw()
    again, _ = Case(kind, rows, 3).draw()
    other, _ = Case(kind, rows, 4).draw()
    assert len(found) == len(groups) == rows
    assert np.array_equal(found, again)
    assert found.shape != other.shape or not np.array_equal(found, other)
    assert np.abs(found.mean(axis=0)).max() < 1e-9
    assert 2 <= len(set(groups[groups >= 0].tolist())) <= 50
    assert np.bincount(groups[groups >= 0]).min() >= 3


def test_the_table_counts_what_found_no_structure_as_it_is_and_as_nothing() -> None:
    """Both means stand beside each other, and the oracle's beside them."""
    kind = "linked rings"
    outcomes = [
        Outcome(kind, 150, 1, "dbscan", 1.0, structured=True, clusters=2, groups=2),
        Outcome(kind, 150, 2, "dbscan", 0.5, structured=False, clusters=2, groups=2),
        Outcome(kind, 150, 1, "best dbscan", 0.9, structured=True, clusters=2, groups=2),
    ]
    lines = list(table(outcomes))
    assert lines[0] == "| groups | dbscan | best | HDBSCAN |"
    assert lines[2] == "| linked rings (set aside) | 0.75 / 0.50 | 0.90 |  |"
