"""Limits of figures: declared ones, what is usual on a day of the week, and chance."""

from __future__ import annotations

import math
from datetime import date, timedelta

import pytest
from scipy.stats import binom

from clustering.quality.allowances import (
    CHANCE,
    FEWEST_NIGHTS,
    Limit,
    PastFigure,
    limit_of_changes,
    limit_of_ratio,
    limit_of_share,
)

TODAY = date(2026, 11, 22)  # a Sunday


def nights(values: list[float], *, days: int = 1) -> list[PastFigure]:
    """Return a figure's values on the nights before today, the latest last."""
    count = len(values)
    return [PastFigure(TODAY - timedelta(days=count - place), days, value) for place, value in enumerate(values)]


def share(past: list[PastFigure], *, days: int = 1, customers: int = 1_000_000) -> Limit:
    """Return the limit of a share."""
    return limit_of_share(past, as_of=TODAY, days=days, customers=customers, floor=0.01, ceiling=0.2)


def test_few_nights_leave_the_declared_limit_alone() -> None:
    """Before there are fourteen nights nothing is called usual."""
    assert share(nights([0.004] * (FEWEST_NIGHTS - 1))) == Limit(0.2, None)
    assert share(nights([0.004] * FEWEST_NIGHTS)).upper < 0.03


@pytest.mark.parametrize("usual", [0.0, 0.0005, 0.002])
def test_quiet_figures_are_limited_by_the_floor(usual: float) -> None:
    """Where nearly nothing changes, a hundredth still may."""
    assert share(nights([usual] * 30)).upper == pytest.approx(0.0125, abs=0.0026)


def test_limit_is_never_above_the_declared_one() -> None:
    """Whatever was usual, or had been published before, or however few the customers are."""
    assert share(nights([0.15] * 30)).upper == 0.2
    assert share(nights([0.004] * 29 + [0.19])).upper == 0.2
    assert share(nights([0.004] * 30), customers=10).upper == 0.2


def test_rhythm_of_the_week_is_known() -> None:
    """Mondays bring ten times as much: on a Sunday that is too much, on a Monday it is usual."""
    values = [0.05 if (TODAY - timedelta(days=56 - place)).weekday() == 0 else 0.005 for place in range(56)]
    past = [PastFigure(TODAY - timedelta(days=56 - place), 1, value) for place, value in enumerate(values)]
    monday = limit_of_share(past, as_of=TODAY + timedelta(days=1), days=1, customers=1_000_000, floor=0.01, ceiling=0.5)
    sunday = limit_of_share(past[-14:], as_of=TODAY, days=1, customers=1_000_000, floor=0.01, ceiling=0.5)
    assert monday.expected == pytest.approx(0.05)
    assert sunday.expected == pytest.approx(0.005)


def test_what_was_published_may_come_again() -> None:
    """A clean-up that a person released once is no news a quarter later."""
    assert share(nights([0.004] * 29 + [0.08])).upper == pytest.approx(0.12, rel=0.02)


def test_days_without_a_night_widen_what_is_usual() -> None:
    """Three days bring three times as much, up to the declared limit."""
    one, three = share(nights([0.005] * 30)), share(nights([0.005] * 30), days=3)
    assert three.upper == pytest.approx(3 * one.upper, rel=0.02)
    assert share(nights([0.005] * 30), days=30).upper == 0.2


def test_few_customers_are_allowed_what_chance_brings() -> None:
    """Of 200 customers, each gone with the usual probability, more than the limit are so once in 100,000 nights."""
    limit = share(nights([0.005] * 30), customers=200).upper
    assert 0 < binom.sf(round(limit * 200), 200, 0.005) <= CHANCE
    assert limit < 0.05


def test_ratios_have_two_limits_around_the_trend() -> None:
    """Rows grow by half a percent a day: a loss of a tenth and a growth of a tenth are beyond, the trend is not."""
    past = nights([math.log(1.005)] * 30)
    low, high, usual = limit_of_ratio(
        past, as_of=TODAY, days=1, customers=1_000_000, floor=math.log(1.01), ceiling=math.log(1.3)
    )
    assert usual == pytest.approx(math.log(1.005))
    assert math.log(0.9) < low < 0 < math.log(1.005) < high < math.log(1.1)
    assert limit_of_ratio(
        past[:5], as_of=TODAY, days=1, customers=1_000_000, floor=math.log(1.01), ceiling=math.log(1.3)
    ) == (-math.log(1.3), math.log(1.3), None)


def test_many_customers_may_not_change_six_times_as_often() -> None:
    """Where three in ten change on such a day, nine in ten are too many, though thrice as many are not six times."""
    limit = limit_of_changes(nights([0.3] * 30), as_of=TODAY, days=1, customers=10_000, floor=0.01, ceiling=1.0)
    assert limit.expected == pytest.approx(0.3)
    assert limit.upper == pytest.approx(1 - 0.7 ** math.exp(1.8))


def test_one_customer_in_few_is_no_spread() -> None:
    """On some nights one of two hundred, on others nobody: a tenth of them is far beyond what is usual."""
    past = nights([0.0, 0.005, 0.0, 0.0, 0.01] * 6)
    limits = [
        limit(past, as_of=TODAY, days=1, customers=200, floor=0.01, ceiling=0.3).upper
        for limit in (limit_of_changes, limit_of_share)
    ]
    assert limits[0] == pytest.approx(0.035, abs=0.01)
    assert limits[1] > 0.1
