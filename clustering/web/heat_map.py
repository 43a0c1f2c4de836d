"""The heat map of the Segments page: how the segments' averages lie around those of all customers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustering.config import Configuration
from clustering.warehouse import Row
from clustering.web.night_rows import ColumnProfile, OverallAverage, SampledSegment

SHADES = 4  # on either side of the average
FULL_SHADE = 2.0  # standard deviations between segments that get the strongest shade
NOT_AVERAGED = "not averaged on this date"


@dataclass(frozen=True)
class Cell:
    """An average in the heat map; `shade` says how far it lies from that of all customers, from -SHADES to SHADES.

    Where a number is None, the reason beside it says why.
    """

    mean: float | None
    empty_because: str | None
    difference: float | None
    shade: int
    quartiles: tuple[float, float, float] | None
    quartiles_empty_because: str | None
    extremes: tuple[float, float] | None
    extremes_empty_because: str | None


@dataclass(frozen=True)
class Column:
    """A column of the heat map: the average of all customers, and a cell for each segment."""

    name: str
    description: str
    mean: float | None
    empty_because: str | None
    cells: Sequence[Cell]
    unit: str = ""
    decimals: int | None = None


def heat_map(
    configuration: Configuration,
    segments: Sequence[Row] | Sequence[SampledSegment],
    profiles: Sequence[ColumnProfile],
    overall: Sequence[OverallAverage],
) -> list[Column]:
    """Return the averages of every numeric column, shaded by their distance from the average of all customers.

    The distance counts in standard deviations between the segments, weighted by their customers.
    """
    details = {(row.segment_id, row.column_name): row for row in profiles}
    averages = {row.column_name: row for row in overall}
    found = []
    for name in configuration.contract.averaged:
        of_all = averages.get(name, OverallAverage(name, None, NOT_AVERAGED))
        held = [details.get((segment.segment_id, name), _unknown(segment, name)) for segment in segments]
        sizes = [segment.customers for segment in segments]
        spread = _spread(held, sizes, of_all.mean)
        cells = [_cell(detail, of_all.mean, spread) for detail in held]
        column = configuration.contract.columns[name]
        shown = (column.unit, column.decimals)
        found.append(Column(name, column.description, of_all.mean, of_all.mean_empty_because, cells, *shown))
    return found


def _unknown(segment: Row | SampledSegment, name: str) -> ColumnProfile:
    """Return the profile of a column that was not averaged when the date was published."""
    reasons = (NOT_AVERAGED, NOT_AVERAGED, NOT_AVERAGED)
    return ColumnProfile(segment.segment_id, name, None, None, None, None, None, None, *reasons)


def _spread(held: Sequence[ColumnProfile], sizes: Sequence[int], overall: float | None) -> float:
    known = [(row.mean, size) for row, size in zip(held, sizes, strict=True) if row.mean is not None]
    total = sum(size for _, size in known)
    if overall is None or not total:
        return 0.0
    return math.hypot(*(math.sqrt(size / total) * (mean - overall) for mean, size in known))  # squares might overflow


def _cell(detail: ColumnProfile, overall: float | None, spread: float) -> Cell:
    shade, difference = 0, None
    if detail.mean is not None and overall is not None:
        apart = detail.mean - overall
        shade = round(SHADES * max(-1.0, min(1.0, apart / spread / FULL_SHADE))) if spread else 0
        difference = apart / overall if overall > 0 else None
    return Cell(
        mean=detail.mean,
        empty_because=detail.mean_empty_because,
        difference=difference,
        shade=shade,
        quartiles=detail.quartiles,
        quartiles_empty_because=detail.quartiles_empty_because,
        extremes=detail.extremes,
        extremes_empty_because=detail.extremes_empty_because,
    )
