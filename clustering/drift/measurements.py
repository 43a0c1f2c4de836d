"""Measure a night's customers while they are labelled, batch by batch, as their version's training sample was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from clustering.algorithms.base import Assignment, FloatMatrix
from clustering.drift.histograms import count_in_bins
from clustering.drift.reference import Reference, centre_table, measured


class NightMeasure:
    """Customers of one version in the bins of its reference; nothing where the version has none."""

    def __init__(self, reference: Reference | None, columns: Sequence[str]) -> None:
        self._columns = tuple(columns)
        self._histograms = reference.histograms if reference else {}
        self._centres = centre_table(reference.centres, len(columns)) if reference else np.empty((0, 0))
        self._counts = {
            name: np.zeros(len(histogram.counts), dtype=np.int64) for name, histogram in self._histograms.items()
        }

    def add(self, features: FloatMatrix, assignment: Assignment) -> None:
        """Add a batch of customers with features (n, d)."""
        if not self._histograms:
            return
        numbers = measured(features, assignment, columns=self._columns, centres=self._centres)
        for name, histogram in self._histograms.items():
            self._counts[name] += count_in_bins(numbers[name], histogram.edges)

    def to_json(self) -> dict[str, list[int]]:
        """Return the customers in each bin by the name of the histogram."""
        return {name: counts.tolist() for name, counts in self._counts.items()}


def merge_measures(parts: Iterable[Mapping[str, Sequence[int]]]) -> dict[str, list[int]]:
    """Add up what the shards measured of one version; the order does not matter."""
    merged: dict[str, list[int]] = {}
    for part in parts:
        for name, counts in part.items():
            known = merged.get(name, [0] * len(counts))
            merged[name] = [one + other for one, other in zip(known, counts, strict=True)]
    return merged
