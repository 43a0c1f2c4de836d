"""What of the figures is a finding, and what is said of it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from clustering.config import Checks
from clustering.quality.allowances import PastFigure
from clustering.quality.comparisons import Figure
from clustering.quality.findings import Past, judge, judge_unchanged

TODAY = date(2026, 11, 22)


def past(value: float, count: int = 30) -> list[PastFigure]:
    """Return so many nights with the same value."""
    return [PastFigure(TODAY - timedelta(days=place + 1), 1, value) for place in range(count)]


def test_finding_says_what_would_have_passed_and_what_is_usual() -> None:
    """The sentence has the figure, the limit and the usual value; and there is something to do."""
    figure = Figure("gone", "customers", 0.5, 20_000, "10,000 of the 20,000 customers are missing")
    [found] = judge([figure], {figure.key: past(0.002)}, Checks(), as_of=TODAY, days=1)
    assert found.finding == "hold"
    assert found.description.startswith("10,000 of the 20,000 customers are missing; at most 1.")
    assert found.description.endswith("and 0.20% is usual on such a day")
    assert found.advice
    [quiet] = judge([Figure("gone", "customers", 0.002, 20_000, "few")], {}, Checks(), as_of=TODAY, days=1)
    assert (quiet.finding, quiet.advice, quiet.description) == (None, None, "few")


@pytest.mark.parametrize(
    ("check", "value", "finding"),
    [
        ("rows", -0.4, "hold"),
        ("rows", 0.1, None),
        ("segment", -2.0, "hold"),
        ("segment", 0.8, "hold"),
        ("segment", 0.5, None),
        ("moved", 0.31, "hold"),
        ("moved", 0.29, None),
        ("source_age", 30.0, None),
    ],
)
def test_declared_limits_hold_from_the_second_night_on(check: str, value: float, finding: str | None) -> None:
    """Without a past, a figure is judged by the contract alone."""
    [found] = judge([Figure(check, "x", value, 10_000, "words")], {}, Checks(), as_of=TODAY, days=1)
    assert found.finding == finding


def test_age_of_the_source_is_judged_where_a_limit_is_declared() -> None:
    """Nobody knows how old is too old but the owner of the source."""
    figure = Figure("source_age", "rows", 30.0, 0, "30 hours old")
    [found] = judge([figure], {}, Checks(max_source_age_hours=26), as_of=TODAY, days=1)
    assert found.description == "30 hours old; at most 26 hours are allowed"


def stale(*, nights: int, apart: float, customers: int, unchanged: tuple[str, ...] = ("age",)) -> list[str | None]:
    """Return the findings on two columns of which some are unchanged."""
    figures: Past = {
        (None, "stale", "age"): past(0.0, nights),
        (None, "distribution", "age"): past(apart, nights),
    }
    found = judge_unchanged(unchanged, ["age", "income"], figures, same_customers=True, customers=customers)
    return [one.finding for one in found]


def test_column_is_stale_only_where_it_never_was_and_chance_is_out_of_the_question() -> None:
    """Many customers whose ages change every night are; few, or few nights, are not."""
    assert stale(nights=30, apart=0.002, customers=20_000) == ["hold", None]
    assert stale(nights=30, apart=0.002, customers=1_000) == [None, None]
    assert stale(nights=13, apart=0.002, customers=20_000) == [None, None]


def test_source_that_is_unchanged_as_a_whole_is_a_warning() -> None:
    """No column is stale then: a Sunday."""
    assert stale(nights=30, apart=0.002, customers=20_000, unchanged=("age", "income")) == ["warn", None, None]
