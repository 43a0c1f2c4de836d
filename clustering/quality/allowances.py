"""How far a figure may go: declared limits, what the nights before had, and what chance leaves room for.

Nights share nearly all of their customers and have a rhythm of weeks, so they are no sample to take an extreme quantile
from. What is typical is the median of the logarithms on the same day of the week, or on all days where there are too
few of those; what is usual around it is their median absolute deviation, with a floor under it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

FEWEST_NIGHTS = 14  # before there are so many, declared limits alone hold
SAME_DAYS = 3  # nights of one day of the week that make a rhythm
DEVIATIONS = 6.0  # that a night may lie beyond what is typical
LEAST_DEVIATION = 0.3  # of a logarithm: a factor of 1.35
SMALLEST = 5e-4  # shares below do not differ
AGAIN = 1.5  # times what was published before is no news
CHANCE = 1e-5  # of a false finding by sampling alone, for each figure
_NEARLY_ALL = 0.999  # share from which on a rate says no more
NORMAL = 1.4826  # median absolute deviations in a standard deviation


@dataclass(frozen=True)
class PastFigure:
    """What a figure was on a night that was published, `days` after the night that it was compared with."""

    as_of: date
    days: int
    value: float


@dataclass(frozen=True)
class Limit:
    """What a figure may be at most, and what is typical of it; None while there are too few nights."""

    upper: float
    expected: float | None


def limit_of_share(
    past: Sequence[PastFigure], *, as_of: date, days: int, customers: int, floor: float, ceiling: float
) -> Limit:
    """Return the limit of a share of `customers`, `days` after the night that it is compared with.

    It is never below `floor`, nor above `ceiling`. Up to there it widens with the days, and with what chance brings to
    few customers where the true share is the typical one; and what was published before may come again.
    """
    upper, expected = ceiling, None
    if len(past) >= FEWEST_NIGHTS:
        typical, spread = _typical([(one, math.log(max(one.value / one.days, SMALLEST))) for one in past], as_of)
        expected = math.exp(typical) * days
        usual = math.exp(typical + DEVIATIONS * max(spread, LEAST_DEVIATION)) * days
        seen = AGAIN * max(one.value for one in past)
        upper = min(max(floor, usual, seen, _with_chance(expected, customers)), ceiling)
    return Limit(upper, expected)


def limit_of_changes(
    past: Sequence[PastFigure], *, as_of: date, days: int, customers: int, floor: float, ceiling: float
) -> Limit:
    """Return the limit of a share of customers who do something that each does at a rate, as `limit_of_share` does.

    Six times the rate is not six times the share where the share is large. One customer more is no spread.
    """
    if len(past) < FEWEST_NIGHTS:
        return Limit(ceiling, None)
    least = max(SMALLEST, 1 / max(customers, 1))
    typical, spread = _typical([(one, math.log(max(rate_of(one.value) / one.days, least))) for one in past], as_of)
    often = math.exp(typical) * days
    expected = -math.expm1(-often)
    usual = -math.expm1(-often * math.exp(DEVIATIONS * max(spread, LEAST_DEVIATION)))
    seen = AGAIN * max(one.value for one in past)
    return Limit(min(max(floor, usual, seen, _with_chance(expected, customers)), ceiling), expected)


def rate_of(share: float) -> float:
    """Return how often customers do what this share of them has done at least once, by Poisson.

    >>> round(rate_of(0.5), 3)
    0.693
    """
    return -math.log1p(-min(share, _NEARLY_ALL))


def limit_of_ratio(
    past: Sequence[PastFigure], *, as_of: date, days: int, customers: int, floor: float, ceiling: float
) -> tuple[float, float, float | None]:
    """Return the least, the greatest and the typical logarithm of a ratio to the night that is compared with.

    `floor` and `ceiling` are logarithms too: what is nearer to the typical one than the floor is never beyond the
    limits, what is farther from 0 than the ceiling always.
    """
    if len(past) < FEWEST_NIGHTS:
        return -ceiling, ceiling, None
    typical, spread = _typical([(one, one.value / one.days) for one in past], as_of)
    room = max(floor, DEVIATIONS * spread * days, 5 / math.sqrt(max(customers, 1)))
    middle = typical * days
    seen = [one.value * AGAIN for one in past]
    return (
        max(min(middle - room, *seen), -ceiling),
        min(max(middle + room, *seen), ceiling),
        middle,
    )


def _typical(past: Sequence[tuple[PastFigure, float]], as_of: date) -> tuple[float, float]:
    """Return the median of the same day of the week, or of all days, and the deviation from such medians."""
    by_day: dict[int, list[float]] = {}
    for one, value in past:
        by_day.setdefault(one.as_of.weekday(), []).append(value)
    overall = median(value for _, value in past)
    medians = {day: median(values) if len(values) >= SAME_DAYS else overall for day, values in by_day.items()}
    apart = median(abs(value - medians[one.as_of.weekday()]) for one, value in past)
    return medians.get(as_of.weekday(), overall), NORMAL * apart


def _with_chance(share: float, customers: int) -> float:
    """Return a share that so many customers exceed only rarely by chance where the true one is `share`."""
    if not customers or share >= 1:
        return share
    from scipy.stats import binom  # needed by checks, not by readers

    return float(max(share, binom.isf(CHANCE, customers, share) / customers))
