"""Axes of the report's charts: from values to places, and the marks beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

DATES, MARKS = 6, 8  # on an axis at most, about


@dataclass(frozen=True)
class Axis:
    """Places of values, 0 to 1, and what is written beside some of them."""

    place: Callable[[float], float]
    ticks: Sequence[tuple[float, str]]


def of_dates(days: Sequence[date]) -> Axis:
    """Return the axis of some dates; a single one is in the middle."""
    first, last = min(days), max(days)
    length = (last - first).days
    if not length:
        return Axis(lambda _: 0.5, [(0.5, _of_day(first))])
    step = max(1, math.ceil(length / (DATES - 1)))
    marked = [first + timedelta(days=number) for number in range(0, length + 1, step)]
    return Axis(
        lambda day: 0.02 + 0.96 * (day - first.toordinal()) / length,
        [(0.02 + 0.96 * (day - first).days / length, _of_day(day)) for day in marked],
    )


def of_numbers(
    values: Sequence[float],
    *,
    from_zero: bool = False,
    percent: bool = False,
    marks: Sequence[tuple[float, str]] | None = None,
) -> Axis:
    """Return the axis of some numbers, with a little room around them; round numbers are marked, or `marks` alone.

    >>> [words for _, words in of_numbers([0.0, 90_000.0]).ticks]
    ['0', '20,000', '40,000', '60,000', '80,000']
    """
    place, rounded = _linear([0.0, *values] if from_zero else values, room=not from_zero)
    if marks is not None:
        return Axis(place, [(place(value), words) for value, words in marks if -0.001 <= place(value) <= 1.001])
    return Axis(place, [(where, _of_number(value, rounded, percent=percent)) for where, value in rounded])


def _linear(
    values: Sequence[float], *, room: bool = True
) -> tuple[Callable[[float], float], list[tuple[float, float]]]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    if high == low:
        low, high = low - abs(low or 1.0) / 2, high + abs(high or 1.0) / 2
    spread = high - low
    low, high = (low - 0.04 * spread if room else low), high + 0.06 * spread
    step = _step((high - low) / MARKS)
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)

    def place(value: float) -> float:
        return (value - low) / (high - low)

    return place, [(place(number * step), number * step) for number in range(first, last + 1)]


def _step(rough: float) -> float:
    """Return the round number from which on marks are far enough from each other.

    >>> [_step(rough) for rough in (0.7, 130.0, 2.0)]
    [1.0, 200.0, 2.0]
    """
    power = 10.0 ** math.floor(math.log10(rough))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= rough * 0.999)


def _of_number(value: float, marks: Sequence[tuple[float, float]], *, percent: bool) -> str:
    """Return a mark with as many decimals as the marks need to be told apart."""
    step = marks[1][1] - marks[0][1] if len(marks) > 1 else 1.0
    if not 1e-6 < step < 1e12:
        return f"{value:.3g}"
    digits = max(0, -math.floor(math.log10(step * (100 if percent else 1)) + 1e-9))
    return f"{value + 0.0:.{digits}%}" if percent else f"{value + 0.0:,.{digits}f}"


def _of_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"
