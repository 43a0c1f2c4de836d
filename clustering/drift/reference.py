"""What the customers of a training sample looked like to their version, to compare nights with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, Assignment, FloatMatrix, Labels, places_by_column
from clustering.drift.histograms import Histogram

CONFIDENCE, DISTANCE = "confidence", "distance"
FEATURE = "feature "  # and the column's name

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Reference:
    """A training sample as its version sees it; `rejected` rows were drawn, but are not among its `customers`.

    `missing` counts the values that a column may lack, `clusters` the customers of each cluster label, and `centres`
    holds their mean features. `histograms` are those of every feature, of the distance to the own centre, and of the
    confidence where it means something; customers in no cluster are in the first ones only.
    """

    customers: int
    rejected: int
    missing: Mapping[str, int]
    clusters: Mapping[int, int]
    centres: Mapping[int, tuple[float, ...]]
    histograms: Mapping[str, Histogram]

    def to_dict(self) -> dict[str, Any]:
        """Return the reference as JSON-able values."""
        return {
            "customers": self.customers,
            "rejected": self.rejected,
            "missing": dict(self.missing),
            "clusters": {str(label): count for label, count in self.clusters.items()},
            "centres": {str(label): list(centre) for label, centre in self.centres.items()},
            "histograms": {name: histogram.to_dict() for name, histogram in self.histograms.items()},
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Return the reference that `to_dict` described."""
        return cls(
            customers=values["customers"],
            rejected=values["rejected"],
            missing=values["missing"],
            clusters={int(label): count for label, count in values["clusters"].items()},
            centres={int(label): tuple(centre) for label, centre in values["centres"].items()},
            histograms={name: Histogram.from_dict(value) for name, value in values["histograms"].items()},
        )


def reference_of(
    features: FloatMatrix,
    assignment: Assignment,
    *,
    columns: tuple[str, ...],
    customers: pa.RecordBatch,
    optional: tuple[str, ...],
    rejected: int,
    with_confidence: bool,
) -> Reference:
    """Describe training customers by their features (n, d) of these columns and their assignment.

    A column that stands several times is a category, with an array for each level: its bins are the levels.
    `optional` are the columns that may lack values, `rejected` counts the rows that were drawn and not valid.
    """
    labels = assignment.labels
    found = np.unique(labels)
    centres = {int(label): tuple(features[labels == label].mean(axis=0).tolist()) for label in found if label != NOISE}
    numbers = measured(features, assignment, columns=columns, centres=centre_table(centres, features.shape[1]))
    if not with_confidence:
        del numbers[CONFIDENCE]
    levels = {f"{FEATURE}{name}": len(places) for name, places in places_by_column(columns).items()}
    return Reference(
        customers=len(labels),
        rejected=rejected,
        missing={name: customers.column(name).null_count for name in optional},
        clusters={int(label): int((labels == label).sum()) for label in found},
        centres=centres,
        histograms={
            name: _histogram(values[~np.isnan(values)], levels=levels.get(name, 1)) for name, values in numbers.items()
        },
    )


def _histogram(values: FloatArray, *, levels: int) -> Histogram:
    return (
        Histogram.of(values) if levels == 1 else Histogram.between(values, [place + 0.5 for place in range(levels - 1)])
    )


def measured(
    features: FloatMatrix, assignment: Assignment, *, columns: tuple[str, ...], centres: FloatMatrix
) -> dict[str, FloatArray]:
    """Return the numbers (n,) of each histogram; NaN for the confidence and distance of customers in no cluster."""
    labels = assignment.labels
    numbers: dict[str, FloatArray] = {}
    for name, places in places_by_column(columns).items():
        values = features[:, places[0]] if len(places) == 1 else features[:, places].argmax(axis=1).astype(np.float64)
        numbers[f"{FEATURE}{name}"] = np.ascontiguousarray(values)
    inside = labels != NOISE
    confidence = assignment.confidence
    numbers[CONFIDENCE] = confidence if inside.all() else np.where(inside, confidence, np.float32("nan"))
    numbers[DISTANCE] = _distances(features, labels, centres)
    return numbers


def centre_table(centres: Mapping[int, tuple[float, ...]], dimensions: int) -> FloatMatrix:
    """Return the centres in rows by cluster label + 1; NaN for noise and for clusters that nobody was in."""
    table = np.full((2 + max(centres, default=NOISE), dimensions), np.nan)
    for label, centre in centres.items():
        table[label + 1] = centre
    return table


def _distances(features: FloatMatrix, labels: Labels, centres: FloatMatrix) -> FloatArray:
    """Return the Euclidean distances to the own centres, feature by feature, so that no row depends on others."""
    place = labels.astype(np.intp) + 1
    squared = np.zeros(len(labels))
    with np.errstate(over="ignore"):
        for column, centre in zip(features.T, centres.T, strict=True):
            squared += (column - centre[place]) ** 2
    return np.sqrt(squared)
