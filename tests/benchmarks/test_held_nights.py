"""The tables of held nights count what they say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from held_nights import Outcome, breaks_table, honest_table, rate

HONEST = Outcome("walks", 0, 200, "2026-01-01", ("campaign",), held=False, warned=False, findings=(), seconds=1.0)
BROKEN = replace(HONEST, kind="half missing", rows_changed=0.5)


def test_rate_has_its_exact_interval() -> None:
    """The interval is that of Clopper and Pearson."""
    assert rate(1, 200) == "1 of 200, 0.50 % (0.01 to 2.75 %)"
    assert rate(0, 0) == "none"


def test_honest_nights_are_counted_by_remark_and_finding() -> None:
    """A night with two remarks counts for both, and a finding once a night."""
    held = replace(HONEST, held=True, remarks=("campaign", "late"), findings=("customers new", "customers new"))
    warned = replace(HONEST, remarks=(), warned=True, findings=("unchanged",))
    lines = honest_table([HONEST, held, warned, replace(BROKEN, held=True)])
    assert any(line.startswith("| all | 1 of 3, ") for line in lines)
    assert any(line.startswith("| with campaign | 1 of 2, ") for line in lines)
    assert any(line.startswith("| with late | 1 of 1, ") for line in lines)
    assert "| customers new | 1 | 0 |" in lines
    assert "| unchanged | 0 | 1 |" in lines


@pytest.mark.parametrize(("rows", "labels", "counts"), [(0.01, 0.0, True), (0.0, 0.01, True), (0.009, 0.009, False)])
def test_break_counts_from_a_hundredth_on(rows: float, labels: float, counts: bool) -> None:
    """Rows or labels, whichever changed more."""
    assert replace(BROKEN, rows_changed=rows, labels_changed=labels).counts is counts


def test_breaks_are_counted_by_kind_and_size_and_final_ones_apart() -> None:
    """What does not count is in no rate, nor is an unchanged source, whose warning is declared; other warnings are."""
    outcomes = [
        HONEST,
        replace(BROKEN, held=True),
        BROKEN,
        replace(BROKEN, size=20_000, warned=True),
        replace(BROKEN, kind="gross in place of net", final=True, held=True),
        replace(BROKEN, kind="yesterday's copy", rows_changed=0.0),
        replace(BROKEN, kind="a copy", warned=True, findings=("warn: unchanged rows",)),
    ]
    text = "\n".join(breaks_table(outcomes))
    assert "| half missing | 1 of 2 | 0 of 1, 1 warned |" in text
    assert "| yesterday's copy | does not count | - |" in text
    assert "kinds to tune with, 200 customers: held 1 of 2, 50.00 % (1.26 to 98.74 %); 1 more are an unchanged" in text
    assert "kinds to tune with, 20,000 customers: held 0 of 1, 0.00 %" in text
    assert "kinds kept for the end, 200 customers: held 1 of 1, 100.00 %" in text
