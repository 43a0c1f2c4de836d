"""Axes of the charts: dates that are said once, and values of a column in its unit, on a logarithmic axis or not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, TypeAlias

from clustering.config import Column

Axis: TypeAlias = dict[str, Any]

FEW_DAYS = 6  # over which plotly.js would say a day several times
MOST_TICKS = 7


def date_axis(dates: Sequence[date]) -> Axis:
    """Return an axis of dates on which none is said twice."""
    axis: Axis = {"type": "date", "tickformat": "%-d %b\n%Y", "hoverformat": "%-d %B %Y"}
    if dates and (max(dates) - min(dates)).days < FEW_DAYS:
        return {**axis, "tickmode": "array", "tickvals": [day.isoformat() for day in sorted(set(dates))]}
    return {**axis, "nticks": FEW_DAYS}


def share_format(shares: Sequence[float]) -> str:
    """Return how shares are written beside an axis from 0 on, so that no two marks read alike.

    >>> share_format([0.4, 0.1]), share_format([0.03]), share_format([0.002])
    ('.0%', '.1%', '.2%')
    """
    most = max(shares, default=1.0)
    return ".0%" if most >= 0.06 else ".1%" if most >= 0.006 else ".2%"


def value_axis(title: str, column: Column | None, values: Sequence[float]) -> Axis:
    """Return an axis of a column, named by its `title`; of one that models see by logarithm, marked by powers."""
    if not is_logarithmic(column):
        return {"title": {"text": title}}
    marks = list(_marks(min(values, default=0.0), max(values, default=1.0)))
    return {
        "title": {"text": f"{title} (logarithmic)"},
        "tickmode": "array",
        "tickvals": [math.log1p(mark) for mark in marks],
        "ticktext": [f"{mark:,g}" if mark < 1e6 else f"{mark:.0e}" for mark in marks],
    }


def is_logarithmic(column: Column | None) -> bool:
    """Return whether a column is drawn as log(1 + value), as models see it; 0 has its place there."""
    return column is not None and column.is_logarithmic


def placed(column: Column | None, values: Sequence[float]) -> list[float]:
    """Return where values stand on the axis of their column."""
    return [math.log1p(value) for value in values] if is_logarithmic(column) else list(values)


def _marks(low: float, high: float) -> Iterator[float]:
    """Yield 0 and round numbers between two values: powers of ten, or where these are few, 1, 2 and 5 times them."""
    powers = range(math.floor(math.log10(max(high, 1.0))) + 1)
    steps = (1, 2, 5) if len(powers) * 3 <= MOST_TICKS else (1,)
    every = max(1, math.ceil(len(powers) / MOST_TICKS))
    marks = [float(step * 10**power) for power in powers[::every] for step in steps]
    yield from (mark for mark in [0.0, *marks] if low <= mark <= high)
