"""What the customers of each cluster have in common, accumulated batch by batch.

Counts, means, minima and maxima are exact: the sum of a column is kept as integers per binary exponent, so that the
result depends neither on the order of the rows nor on how they were cut into batches and shards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_LOW_BITS = 26  # a double's 53-bit mantissa is added up in two halves, each of them exact in float64 and int64


@dataclass(frozen=True)
class ExactColumn:
    """A column's values as mantissa halves and exponents: value = (high * 2**26 + low) * 2**(exponent - 53).

    `exponent` = `lowest` + `offset`; `present` is None where no value is missing.
    """

    values: FloatArray
    high: FloatArray
    low: FloatArray
    offset: npt.NDArray[np.int64]
    lowest: int
    present: npt.NDArray[np.bool_] | None

    @classmethod
    def of(cls, values: FloatArray) -> ExactColumn:
        """Take (n,) values apart, n > 0; NaN means missing."""
        missing = np.isnan(values)
        present = ~missing if missing.any() else None
        mantissa, exponent = np.frexp(values if present is None else np.where(missing, 0.0, values))
        mantissa *= 2.0 ** (53 - _LOW_BITS)
        high = np.floor(mantissa)
        mantissa -= high
        mantissa *= 2.0**_LOW_BITS
        lowest = int(exponent.min())
        return cls(values, high, mantissa, exponent.astype(np.int64) - lowest, lowest, present)


@dataclass(frozen=True)
class Groups:
    """Customers by cluster: `order` (n,) brings those of one cluster together, `starts` (k,) tells where each begins.

    `labels` (k,) are the clusters that hold customers, ascending, and `group` (n,) is each customer's place there.
    """

    labels: npt.NDArray[np.int32]
    group: npt.NDArray[np.int64]
    order: npt.NDArray[np.intp]
    starts: npt.NDArray[np.intp]
    customers: npt.NDArray[np.intp]

    @classmethod
    def of(cls, labels: npt.NDArray[np.int32]) -> Groups:
        """Group customers by their (n,) cluster labels, -1 for noise; n > 0."""
        first = int(labels.min())
        offset = labels.astype(np.intp) - first  # NumPy takes places of this type three times as fast
        counts = np.bincount(offset)
        held = np.flatnonzero(counts)
        place = np.zeros(len(counts), dtype=np.int64)
        place[held] = np.arange(len(held))
        order = np.argsort(labels.astype(np.int16), kind="stable")  # of 16 bits: NumPy counts them, in linear time
        customers = counts[held]
        return cls(
            labels=(held + first).astype(np.int32),
            group=place[offset],
            order=order,
            starts=np.cumsum(customers) - customers,
            customers=customers,
        )


@dataclass(frozen=True)
class Profile:
    """One column over the customers of one cluster; `mean` and the others are None where no value is present."""

    present: int
    total: Fraction = Fraction(0)
    minimum: float | None = None
    maximum: float | None = None

    @property
    def exact_mean(self) -> Fraction | None:
        """The mean, exactly."""
        return self.total / self.present if self.present else None

    @property
    def mean(self) -> float | None:
        """The mean, as the nearest number."""
        return None if self.exact_mean is None else float(self.exact_mean)

    def __add__(self, other: Profile) -> Profile:
        return Profile(
            present=self.present + other.present,
            total=self.total + other.total,
            minimum=min((v for v in (self.minimum, other.minimum) if v is not None), default=None),
            maximum=max((v for v in (self.maximum, other.maximum) if v is not None), default=None),
        )


@dataclass
class ProfileAccumulator:
    """Profiles of every cluster of one version, built up over batches."""

    columns: Sequence[str]
    customers: Counter[int] = field(default_factory=Counter)
    profiles: dict[tuple[int, str], Profile] = field(default_factory=dict)
    sums: Counter[tuple[int, str, int]] = field(default_factory=Counter)  # whole numbers, times 2**exponent

    def add(self, groups: Groups, values: Mapping[str, ExactColumn]) -> None:
        """Add a batch of customers with the (n,) values of each column."""
        for label, count in zip(groups.labels.tolist(), groups.customers.tolist(), strict=True):
            self.customers[label] += count
        for name in self.columns:
            self._add_column(name, groups, values[name])

    def _add_column(self, name: str, groups: Groups, column: ExactColumn) -> None:
        ordered = column.values[groups.order]
        minima, maxima = np.fmin.reduceat(ordered, groups.starts), np.fmax.reduceat(ordered, groups.starts)
        present = groups.customers
        if column.present is not None:
            present = np.bincount(groups.group[column.present], minlength=len(groups.labels))
        found = zip(groups.labels.tolist(), present.tolist(), minima.tolist(), maxima.tolist(), strict=True)
        for label, count, minimum, maximum in found:
            if count:
                part = Profile(count, minimum=minimum, maximum=maximum)
                self.profiles[label, name] = self.profiles.get((label, name), Profile(0)) + part
        for (place, exponent), total in _sums(groups, column):
            self.sums[int(groups.labels[place]), name, exponent] += total

    def to_json(self) -> list[dict[str, Any]]:
        """Return one JSON-able record a cluster; sums are kept exactly, as a whole number and a power of two."""
        totals: dict[tuple[int, str], Fraction] = {}
        for (label, name, exponent), total in self.sums.items():
            totals[label, name] = totals.get((label, name), Fraction(0)) + total * Fraction(2) ** exponent
        return [
            {
                "cluster_label": label,
                "customers": count,
                "columns": {
                    name: _profile_to_json(
                        self.profiles.get((label, name), Profile(0)), totals.get((label, name), Fraction(0))
                    )
                    for name in self.columns
                },
            }
            for label, count in sorted(self.customers.items())
        ]


@dataclass(frozen=True)
class ClusterProfile:
    """One cluster of a whole run: its customers, and the profile of each column."""

    customers: int
    columns: Mapping[str, Profile]


def merge_profiles(parts: Iterable[Sequence[Mapping[str, Any]]]) -> dict[int, ClusterProfile]:
    """Add up what the shards' accumulators returned as JSON; the order does not matter."""
    merged: dict[int, ClusterProfile] = {}
    for record in (record for part in parts for record in part):
        columns = {name: _profile_from_json(value) for name, value in record["columns"].items()}
        known = merged.get(record["cluster_label"], ClusterProfile(0, {}))
        merged[record["cluster_label"]] = ClusterProfile(
            customers=known.customers + record["customers"],
            columns={name: known.columns.get(name, Profile(0)) + profile for name, profile in columns.items()},
        )
    return merged


def _sums(groups: Groups, column: ExactColumn) -> Iterator[tuple[tuple[int, int], int]]:
    """Yield a cluster's place, an exponent, and the whole number that its values of this exponent add up to."""
    width = int(column.offset.max()) + 1
    place = groups.group * width
    place += column.offset
    # Exact: at most 2**26 values of at most 2**27 each. Whole numbers that are not large have no lower half.
    high = np.bincount(place, weights=column.high)
    low = np.bincount(place, weights=column.low) if column.low.any() else np.zeros_like(high)
    for index in np.flatnonzero((high != 0) | (low != 0)).tolist():
        group, offset = divmod(index, width)
        yield (group, column.lowest + offset - 53), (int(high[index]) << _LOW_BITS) + int(low[index])


def _profile_to_json(profile: Profile, total: Fraction) -> dict[str, Any]:
    return {
        "present": profile.present,
        "total": [str(total.numerator), str(total.denominator)],
        "minimum": profile.minimum,
        "maximum": profile.maximum,
    }


def _profile_from_json(value: Mapping[str, Any]) -> Profile:
    numerator, denominator = value["total"]
    return Profile(value["present"], Fraction(int(numerator), int(denominator)), value["minimum"], value["maximum"])
