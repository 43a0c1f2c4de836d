"""The heat map of the Segments page: how the segments' averages lie around those of all customers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clustering.config import Configuration
from clustering.warehouse import Row
from clustering.web.night_rows import ColumnProfile

SHADES = 4  # on either side of the average
FULL_SHADE = 2.0  # standard deviations between segments that get the strongest shade


@dataclass(frozen=True)
class Cell:
    """An average in the heat map; `shade` says how far it lies from that of all customers, from -SHADES to SHADES."""

    mean: float | None
    difference: float | None
    shade: int
    quartiles: tuple[float, float, float] | None
    extremes: tuple[float, float] | None


@dataclass(frozen=True)
class Column:
    """A column of the heat map: the average of all customers, and a cell for each segment."""

    name: str
    description: str
    mean: float | None
    cells: Sequence[Cell]


def heat_map(configuration: Configuration, segments: Sequence[Row], profiles: Sequence[ColumnProfile]) -> list[Column]:
    """Return the averages of every numeric column, shaded by their distance from the average of all customers.

    The distance counts in standard deviations between the segments, weighted by their customers.
    """
    details = {(row.segment_id, row.column_name): row for row in profiles}
    found = []
    for name in configuration.contract.averaged:
        means = [_average(segment, name, details.get((segment.segment_id, name))) for segment in segments]
        known = [(mean, segment.customers) for mean, segment in zip(means, segments, strict=True) if mean is not None]
        total = sum(customers for _, customers in known)
        overall = sum(mean * customers for mean, customers in known) / total if total else None
        spread = _spread(known, overall, total) if overall is not None else 0.0
        cells = [
            _cell(mean, overall, spread, details.get((segment.segment_id, name)))
            for mean, segment in zip(means, segments, strict=True)
        ]
        found.append(Column(name, configuration.contract.columns[name].description, overall, cells))
    return found


def _average(segment: Row, name: str, detail: ColumnProfile | None) -> float | None:
    if detail is not None:
        return detail.mean
    mean: float | None = segment._mapping.get(f"avg_{name}")
    return mean


def _spread(known: Sequence[tuple[float, int]], overall: float, total: int) -> float:
    return math.sqrt(sum(customers * (mean - overall) ** 2 for mean, customers in known) / total)


def _cell(mean: float | None, overall: float | None, spread: float, detail: ColumnProfile | None) -> Cell:
    if mean is None or overall is None:
        return Cell(None, None, 0, None, None)
    shade = round(SHADES * max(-1.0, min(1.0, (mean - overall) / spread / FULL_SHADE))) if spread else 0
    return Cell(
        mean=mean,
        difference=mean / overall - 1 if overall > 0 else None,
        shade=shade,
        quartiles=detail.quartiles if detail else None,
        extremes=detail.extremes if detail else None,
    )
