"""Distributions and precision of columns as counts, the same whatever the order and the cuts of the rows.

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

# Of which a value may be a multiple, or be finer.
PLACES = ("thousands", "hundreds", "tens", "units", "tenths", "hundredths")
_APPEARS = 0.1  # of its later share, a precision at most had before that is new; and so for one that has gone
_HUNDREDTHS = 100.0  # in a unit
_NOISE = 1e-9  # what adding up decimal numbers leaves of a value
_LARGEST = 2.0**53  # up to which doubles hold every whole number
_SMALL = 2.0**31 * _HUNDREDTHS  # below it, hundredths are those of whole numbers of 32 bits


@dataclass(frozen=True)
class ColumnCounts:
    """Customers in the bins of a column, by the bins' numbers, which ascend with the values; and those without one.

    `places` are customers by the largest of PLACES of which their value is a multiple, "finer" if of none; a value of 0
    is a multiple of all and is in no place.
    """

    missing: int
    bins: Mapping[int, int]
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def present(self) -> int:
        """Customers with a value."""
        return sum(self.bins.values())

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-able values."""
        return {
            "missing": self.missing,
            "bins": [[number, count] for number, count in sorted(self.bins.items())],
            "places": dict(sorted(self.places.items())),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ColumnCounts:
        """Return the counts that `to_json` described."""
        return cls(value["missing"], dict(value["bins"]), value["places"])

    def __add__(self, other: ColumnCounts) -> ColumnCounts:
        return ColumnCounts(
            self.missing + other.missing,
            Counter(self.bins) + Counter(other.bins),
            Counter(self.places) + Counter(other.places),
        )


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


def beyond(tonight: ColumnCounts, before: ColumnCounts) -> float:
    """Return the share of tonight's values farther from 0, on either side, than double what any was before, 0 to 1.

    0 where either night has no values.

    >>> octave = _number(1, 8), _number(2, 8), _number(5, 8)
    >>> beyond(ColumnCounts(0, {octave[0]: 8, octave[1]: 1, octave[2]: 1}), ColumnCounts(0, {octave[0]: 10}))
    0.1
    """
    if not (tonight.present and before.present):
        return 0.0
    highest, lowest = max(*before.bins, 0), min(*before.bins, 0)
    most, least = (end + sign * WIDTH if end else 0 for end, sign in ((highest, 1), (lowest, -1)))
    out = sum(count for number, count in tonight.bins.items() if number > most or number < least)
    return out / tonight.present


def other_precision(tonight: ColumnCounts, before: ColumnCounts) -> tuple[float, str]:
    """Return the share of customers with a precision that has appeared or gone since, and its place; 0 and "" for none.

    A precision is a place or finer ones. Where both nights have it, its share tells nothing: of a column that counts
    days, those who came together have a multiple of ten together. 0 where either night has no values.

    >>> cents = ColumnCounts(0, {1: 100}, {"tens": 1, "units": 9, "hundredths": 90})
    >>> other_precision(ColumnCounts(0, {1: 100}, {"hundreds": 1, "tens": 9, "units": 90}), cents)
    (0.9, 'hundredths')
    """
    if not (tonight.present and before.present):
        return 0.0, ""
    found, shares = [(0.0, "")], [0.0, 0.0]
    for place in ("finer", *reversed(PLACES[1:])):
        for number, one in enumerate((tonight, before)):
            shares[number] += one.places.get(place, 0) / one.present
        if min(shares) <= _APPEARS * max(shares):
            found.append((round(max(shares) - min(shares), 12), place))
    return max(found, key=lambda one: one[0])  # the finest of several


def _counted(column: ExactColumn) -> ColumnCounts:
    codes = column.high.astype(np.int64)
    codes >>= _HIGH_BITS - 1 - _PART_BITS  # 8 to 15, or -16 to -8, or 0
    codes += column.offset * _CODES + _CODES // 2
    found = np.bincount(codes)
    bins: Counter[int] = Counter()
    for place in np.flatnonzero(found).tolist():
        offset, code = divmod(place, _CODES)
        bins[_number(column.lowest + offset, code - _CODES // 2)] += int(found[place])
    missing = 0 if column.present is None else int(np.count_nonzero(~column.present))
    bins[0] -= missing  # they were counted as zeros
    return ColumnCounts(missing, {number: count for number, count in bins.items() if count}, _places(column))


def _places(column: ExactColumn) -> dict[str, int]:
    """Count values by the largest decimal place that they are multiples of; from 2**53 hundredths on, none is counted.

    >>> _places(ExactColumn.of(np.array([9000.0, 1200.0, 30.0, 7.0, 0.1 + 0.2, 9.99, 1 / 3, 0.0, np.nan])))
    {'thousands': 1, 'hundreds': 1, 'tens': 1, 'units': 1, 'tenths': 1, 'hundredths': 1, 'finer': 1}
    """
    values = column.values if column.present is None else column.values[column.present]
    with np.errstate(over="ignore"):  # infinite is too large, too
        scaled = values * _HUNDREDTHS
    size = np.abs(scaled)
    if not (size.min(initial=1) > 0 and size.max(initial=1) < _LARGEST):
        fits = (size > 0) & (size < _LARGEST)
        values, scaled, size = values[fits], scaled[fits], size[fits]
    found = dict.fromkeys((*PLACES, "finer"), 0)
    looked_at: Sequence[str] = PLACES[:0:-1]
    if (np.rint(values) == values).all():  # as of most columns
        is_small = size.max(initial=1) < _SMALL
        left, looked_at = values.astype(np.int32 if is_small else np.int64), looked_at[looked_at.index("units") :]
    else:
        whole = np.rint(scaled)
        decimal = np.abs(scaled - whole) <= _NOISE * size
        left = whole[decimal].astype(np.int64)
        found["finer"] = int(np.count_nonzero(~decimal))
    for place in looked_at:
        tenth = left // 10
        higher = tenth * 10 == left
        found[place] = len(left) - int(np.count_nonzero(higher))
        left = tenth[higher]
    found[PLACES[0]] = len(left)
    return {place: count for place, count in found.items() if count}


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
