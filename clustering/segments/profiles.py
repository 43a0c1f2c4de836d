"""What the customers of each cluster have in common, accumulated batch by batch.

Counts, means, minima and maxima are exact: the sum of a column is kept as integers per binary exponent, so that the
result depends neither on the order of the rows nor on how they were cut into batches and shards.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_LOW_BITS = 26  # a double's 53-bit mantissa is added up in two halves, each of them exact in float64 and int64


@dataclass(frozen=True)
class ExactColumn:
    """A column's values as mantissa halves and exponents: value = (high * 2**26 + low) * 2**(exponent - 53)."""

    values: FloatArray
    high: FloatArray
    low: FloatArray
    exponent: npt.NDArray[np.int64]

    @classmethod
    def of(cls, values: FloatArray) -> ExactColumn:
        """Take (n,) values apart; NaN means missing."""
        mantissa, exponent = np.frexp(np.where(np.isnan(values), 0.0, values))
        whole = np.ldexp(mantissa, 53)
        high = np.floor(np.ldexp(whole, -_LOW_BITS))
        return cls(values, high, whole - np.ldexp(high, _LOW_BITS), exponent.astype(np.int64))


@dataclass(frozen=True)
class Profile:
    """One column over the customers of one cluster; `mean` and the others are None where no value is present."""

    present: int
    total: Fraction = Fraction(0)
    minimum: float | None = None
    maximum: float | None = None

    @property
    def mean(self) -> float | None:
        """The exact mean, rounded once."""
        return float(self.total / self.present) if self.present else None

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
    customers: dict[int, int] = field(default_factory=dict)
    profiles: dict[tuple[int, str], Profile] = field(default_factory=dict)

    def add(self, labels: npt.NDArray[np.int32], values: Mapping[str, ExactColumn]) -> None:
        """Add customers: their (n,) cluster labels, -1 for noise, and the (n,) values of each column."""
        if not len(labels):
            return
        first = int(labels.min())
        group = (labels - first).astype(np.int16)
        counts = np.bincount(group)
        order = np.argsort(group, kind="stable")
        occupied = np.flatnonzero(counts)
        starts = np.concatenate(([0], np.cumsum(counts[occupied])[:-1]))
        for number in occupied:
            label = int(number) + first
            self.customers[label] = self.customers.get(label, 0) + int(counts[number])
        for name in self.columns:
            column = values[name]
            ordered = column.values[order]
            minima, maxima = np.fmin.reduceat(ordered, starts), np.fmax.reduceat(ordered, starts)
            present = np.bincount(group, weights=~np.isnan(column.values))
            totals = _totals(group, column)
            for position, number in enumerate(occupied):
                if not present[number]:
                    continue
                part = Profile(
                    int(present[number]), totals[int(number)], float(minima[position]), float(maxima[position])
                )
                place = (int(number) + first, name)
                self.profiles[place] = self.profiles.get(place, Profile(0)) + part

    def to_json(self) -> list[dict[str, Any]]:
        """Return one JSON-able record a cluster; sums are kept exactly, as a whole number and a power of two."""
        return [
            {
                "cluster_label": label,
                "customers": count,
                "columns": {
                    name: _profile_to_json(self.profiles.get((label, name), Profile(0))) for name in self.columns
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


def _totals(group: npt.NDArray[np.int16], column: ExactColumn) -> dict[int, Fraction]:
    lowest = int(column.exponent.min())
    width = int(column.exponent.max()) - lowest + 1
    place = group * np.int64(width) + (column.exponent - lowest)
    high = np.bincount(place, weights=column.high)
    low = np.bincount(place, weights=column.low)
    totals: dict[int, Fraction] = {int(number): Fraction(0) for number in np.unique(place // width)}
    for index in np.flatnonzero((high != 0) | (low != 0)):
        number, offset = divmod(int(index), width)
        whole = (int(high[index]) << _LOW_BITS) + int(low[index])
        totals[number] += Fraction(whole) * Fraction(2) ** (lowest + offset - 53)
    return totals


def _profile_to_json(profile: Profile) -> dict[str, Any]:
    return {
        "present": profile.present,
        "total": [str(profile.total.numerator), str(profile.total.denominator)],
        "minimum": profile.minimum,
        "maximum": profile.maximum,
    }


def _profile_from_json(value: Mapping[str, Any]) -> Profile:
    numerator, denominator = value["total"]
    return Profile(value["present"], Fraction(int(numerator), int(denominator)), value["minimum"], value["maximum"])
