"""The mean silhouette of a clustering, noise counted against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatMatrix, FloatVector, Labels
from clustering.algorithms.threads import one_thread

SILHOUETTE_ROWS, MEAN_ROWS = 10_000, 1_000  # whose mean lies within 0.004 of that of 5,000 rows, two times in three
DISTANCES_AT_ONCE = 50_000  # what a cache holds


def silhouette(features: FloatMatrix, labels: Labels, *, seed: int, most_rows: int = SILHOUETTE_ROWS) -> float:
    """Return the mean silhouette of rows (n, d) with labels (n,).

    Every noise row counts as a cluster of its own, whose silhouette is 0 by definition (Rousseeuw, 1987); so does
    everything when there are fewer than two clusters. Of more than `most_rows` rows, a stratified sample counts; the
    mean is that of at most MEAN_ROWS of its rows, each beside all others of the sample.
    """
    clustered = np.flatnonzero(labels != NOISE)
    rows = clustered[_stratified(labels[clustered], seed=seed, most_rows=most_rows)]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return 0.0
    with one_thread():
        counted = _stratified(labels[rows], seed=seed, most_rows=MEAN_ROWS)
        values = _silhouettes(features[rows], labels[rows], counted)
    return float(values.mean() * len(clustered) / len(labels))


def _silhouettes(features: FloatMatrix, labels: Labels, counted: NDArray[np.intp]) -> FloatVector:
    """Return the silhouettes (m,) of the rows `counted` (m,) among rows (n, d), 0 of one alone in its cluster."""
    from scipy.spatial.distance import cdist

    _, own, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    members = (own[:, np.newaxis] == np.arange(len(sizes))).astype(np.float64)
    rows = max(1, DISTANCES_AT_ONCE // len(features))
    blocks = [counted[first : first + rows] for first in range(0, len(counted), rows)]
    sums, everyone = (
        np.concatenate([cdist(features[block], features) @ members for block in blocks]),
        np.arange(len(counted)),
    )
    own = own[counted]
    within = sums[everyone, own] / np.maximum(sizes[own] - 1, 1)
    sums /= sizes
    sums[everyone, own] = np.inf
    others = sums.min(axis=1)
    larger = np.maximum(within, others)
    found: FloatVector = np.divide(others - within, larger, out=np.zeros(len(own)), where=larger > 0)
    found[sizes[own] == 1] = 0.0
    return found


def _stratified(labels: Labels, *, seed: int, most_rows: int) -> NDArray[np.intp]:
    """Return the places of at most `most_rows` rows, each cluster with its share of them."""
    if len(labels) <= most_rows:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_cluster = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_cluster[np.arange(most_rows) * len(labels) // most_rows])
