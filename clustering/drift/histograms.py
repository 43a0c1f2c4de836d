"""Counts of numbers in bins, the same whatever the order and the cuts of what is counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.floating[Any]]

TENTHS = np.arange(1, 10) / 10


@dataclass(frozen=True)
class Histogram:
    """How many numbers lie below the first edge, from it to the second, ..., from the last one on."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @classmethod
    def of(cls, values: FloatArray) -> Self:
        """Return (n,) numbers in bins of about a tenth each; fewer bins where many numbers are the same."""
        return cls.between(
            values, np.unique(np.quantile(values, TENTHS, method="higher")).tolist() if len(values) else ()
        )

    @classmethod
    def between(cls, values: FloatArray, edges: Sequence[float]) -> Self:
        """Return (n,) numbers in the bins between these edges, which ascend."""
        return cls(tuple(edges), tuple(count_in_bins(values, edges).tolist()))

    @property
    def rows(self) -> int:
        """How many numbers were counted."""
        return sum(self.counts)

    def to_dict(self) -> dict[str, Any]:
        """Return the histogram as JSON-able values."""
        return {"edges": list(self.edges), "counts": list(self.counts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the histogram that `to_dict` described."""
        return cls(tuple(values["edges"]), tuple(values["counts"]))


def count_in_bins(values: FloatArray, edges: Sequence[float]) -> NDArray[np.int64]:
    """Return how many of (n,) numbers lie in each of the len(edges) + 1 bins; NaN lies in none."""
    # Comparing with one edge after the other is several times faster than a search for every number.
    present = len(values) - int(np.count_nonzero(np.isnan(values)))
    reaching = [present, *(int(np.count_nonzero(values >= edge)) for edge in edges), 0]
    return -np.diff(reaching)
