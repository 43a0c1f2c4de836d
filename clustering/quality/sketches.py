"""Distributions of columns as counts in bins of equal ratio, the same whatever the order and the cuts of the rows.

A bin is an eighth of an octave: its ends differ by at most an eighth. So no column needs bounds of its own that were
right only for yesterday's values, and two nights of any version are compared bin by bin. Sketches of that kind are
described by Masson, Rim and Lee (DDSketch, VLDB 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clustering.segments.profiles import ExactColumn

_PART_BITS = 3  # eight parts an octave
_HIGH_BITS = 27  # of the mantissa's upper half in ExactColumn
WIDTH = 2 << _PART_BITS  # numbers of one exponent, of which the upper half is used
_CODES = 2 * WIDTH  # with either sign
LIFT = 2_000  # above any exponent of a double, so that signs of bins are those of their values


@dataclass(frozen=True)
class ColumnCounts:
    """Customers in the bins of a column, by the bins' numbers, which ascend with the values; and those without one."""

    missing: int
    bins: Mapping[int, int]

    @property
    def present(self) -> int:
        """Customers with a value."""
        return sum(self.bins.values())

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-able values."""
        return {"missing": self.missing, "bins": [[number, count] for number, count in sorted(self.bins.items())]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ColumnCounts:
        """Return the counts that `to_json` described."""
        return cls(value["missing"], dict(value["bins"]))

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        return ColumnCounts(self.missing + other.missing, Counter(self.bins) + Counter(other.bins))


NO_COUNTS = ColumnCounts(0, {})


@dataclass
class SketchAccumulator:
    """Counts of every column, built up over batches."""

    columns: Sequence[str]
    counts: dict[str, ColumnCounts] = field(default_factory=dict)

    def add(self, values: Mapping[str, ExactColumn]) -> None:
        """Add a batch of customers with the (n,) values of each column."""
        for name in self.columns:
            self.counts[name] = self.counts.get(name, NO_COUNTS) + _counted(values[name])

    def to_json(self) -> dict[str, Any]:
        """Return the counts of each column as JSON-able values."""
        return {name: counts.to_json() for name, counts in self.counts.items()}


def distance(one: ColumnCounts, other: ColumnCounts) -> float:
    """Return the largest difference of the two cumulative shares of customers with a value, 0 to 1.

    That is the statistic of Kolmogorov and Smirnov, here of binned values: at least this share of the customers must
    have other values, whoever they are. 0 where either night has none.

    >>> distance(ColumnCounts(0, {1: 50, 2: 50}), ColumnCounts(0, {1: 40, 2: 50, 3: 10}))
    0.1
    """
    if not (one.present and other.present):
        return 0.0
    numbers = sorted({*one.bins, *other.bins})
    shares = [np.cumsum([each.bins.get(number, 0) for number in numbers]) / each.present for each in (one, other)]
    return round(float(np.max(np.abs(shares[0] - shares[1]))), 12)


def _counted(column: ExactColumn) -> ColumnCounts:
    part = column.high.astype(np.int64) >> (_HIGH_BITS - 1 - _PART_BITS)  # 8 to 15, or -16 to -8, or 0
    found = np.bincount(column.offset * _CODES + part + _CODES // 2)
    bins: Counter[int] = Counter()
    for place in np.flatnonzero(found).tolist():
        offset, code = divmod(place, _CODES)
        bins[_number(column.lowest + offset, code - _CODES // 2)] += int(found[place])
    missing = 0 if column.present is None else int(np.count_nonzero(~column.present))
    bins[0] -= missing  # they were counted as zeros
    return ColumnCounts(missing, {number: count for number, count in bins.items() if count})


def _number(exponent: int, part: int) -> int:
    """Return the number of a bin, which grows with its values.

    >>> [_number(*one) for one in ((1, -16), (1, -8), (0, -16), (-3, 0), (1, 8), (1, 15), (2, 8))]
    [-32032, -32016, -32016, 0, 32024, 32031, 32040]
    """
    if part == 0:
        return 0
    place = (exponent + LIFT) * WIDTH
    if part > 0:
        return place + part
    return -place if part == -WIDTH // 2 else -(place - part)  # minus a power of two ends the bin below
