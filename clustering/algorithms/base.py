"""The one face of every algorithm: propose → fit → parameters → assign.

A row's assignment never depends, bit for bit, on the rows around it: rows are worked on as the columns of zero-padded
blocks of one fixed size, with elementwise arithmetic or a product of fixed shape that sums term by term.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from clustering.errors import TrainingError

FloatMatrix: TypeAlias = NDArray[np.float64]
FloatVector: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int32]
Settings: TypeAlias = Mapping[str, int | float | str]
Parameters: TypeAlias = Mapping[str, NDArray[Any]]

BLOCK_ROWS = 4096  # a multiple of every width in which processors take numbers: no row falls into a remainder
DECIMALS = 6
FARTHEST = 1e6  # standard deviations; farther out, squares lose the differences that decide, and overflow in the end
NOISE = -1


@dataclass(frozen=True)
class Assignment:
    """Cluster labels and confidences (0 to 1, rounded to 6 decimals) of n rows; noise has the label -1."""

    labels: Labels
    confidence: NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """A trained clustering: what scoring needs as plain arrays, and the estimator for people with notebooks.

    `labels` are those that the assigner gives to the training rows; clusters are numbered by their centres.
    """

    estimator: Any
    settings: Settings
    parameters: Parameters
    labels: Labels


class Assigner(Protocol):
    """Labels rows of standardised features (n, d)."""

    def __call__(self, features: FloatMatrix, /) -> Assignment: ...


Spec = TypeVar("Spec", contravariant=True)


class Algorithm(Protocol[Spec]):
    """What each module of this package offers; `features` are standardised, (n, d), float64.

    `propose` gives settings to try, for all customers, from features of a `share` of them; `for_share` turns settings
    for all into settings for a share. `fit` goes on from the fit `start` with the same settings, where there is one.
    `doubts` gives the reasons why a fit is no cluster structure to rely on; none, when all is well.
    """

    def propose(self, features: FloatMatrix, spec: Spec, *, share: float = 1.0) -> list[Settings]: ...

    def for_share(self, settings: Settings, share: float) -> Settings: ...

    def fit(self, features: FloatMatrix, settings: Settings, spec: Spec, *, start: Fitted | None = None) -> Fitted: ...

    def doubts(self, fitted: Fitted, spec: Spec) -> list[str]: ...

    def assigner(self, parameters: Parameters) -> Assigner: ...


Kernel: TypeAlias = Callable[[FloatMatrix], tuple[Labels, FloatVector]]


def assign_in_blocks(features: FloatMatrix, kernel: Kernel) -> Assignment:
    """Label rows (n, d) with a kernel that takes columns (d, BLOCK_ROWS) and returns labels and confidences.

    The last block is filled with zeros, so that the kernel always sees the same shape. Coordinates count as at most
    FARTHEST, which keeps squares exact enough to compare and free of overflow.
    """
    rows, dimensions = features.shape
    labels = np.empty(rows, dtype=np.int32)
    confidence = np.empty(rows, dtype=np.float32)
    columns = np.zeros((dimensions, BLOCK_ROWS))
    for start in range(0, rows, BLOCK_ROWS):
        block = features[start : start + BLOCK_ROWS]
        filled = slice(start, start + len(block))
        np.clip(block.T, -FARTHEST, FARTHEST, out=columns[:, : len(block)])
        columns[:, len(block) :] = 0.0
        block_labels, block_confidence = kernel(columns)
        labels[filled] = block_labels[: len(block)]
        confidence[filled] = np.round(block_confidence[: len(block)], DECIMALS)
    return Assignment(labels=labels, confidence=confidence)


def squared_distances(columns: FloatMatrix, point: FloatVector) -> FloatVector:
    """Return the squared Euclidean distances of columns (d, n) to a point (d,), summed feature by feature."""
    difference: FloatVector = columns[0] - point[0]
    total: FloatVector = difference * difference
    for column, value in zip(columns[1:], point[1:], strict=True):
        np.subtract(column, value, out=difference)
        np.multiply(difference, difference, out=difference)
        total += difference
    return total


def canonical_order(centres: FloatMatrix) -> NDArray[np.intp]:
    """Return the order of centres (k, d) by their first feature, then the second, and so on.

    >>> canonical_order(np.array([[1.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])).tolist()
    [2, 1, 0]
    """
    return np.lexsort(centres.T[::-1])


def require_different_rows(features: FloatMatrix, clusters: int) -> None:
    """Raise TrainingError unless there are at least as many different rows as clusters."""
    if len(features) < clusters:
        raise TrainingError(f"{clusters} clusters need at least {clusters} customers, there are {len(features)}")
    different = len(np.unique(features, axis=0))
    if different < clusters:
        raise TrainingError(
            f"{clusters} clusters need at least {clusters} customers with different features; "
            f"the {len(features)} customers hold {different} different ones"
        )


def require_every_cluster(labels: Labels, clusters: int) -> None:
    """Raise TrainingError when a cluster holds no row, and so has no profile and no name."""
    held = len(np.unique(labels))
    if held < clusters:
        raise TrainingError(f"{clusters - held} of {clusters} clusters hold no customer; declare fewer clusters")


def small_clusters(labels: Labels, *, clusters: int, least_share: float) -> list[str]:
    """Return a doubt for fewer than two clusters, or for one that holds less than a share of the rows."""
    if clusters < 2:
        return ["there is only one cluster"]
    smallest = int(np.bincount(labels, minlength=clusters).min())
    if smallest < least_share * len(labels):
        return [f"the smallest cluster holds {smallest} of {len(labels)} customers, under {100 * least_share:g} %"]
    return []
