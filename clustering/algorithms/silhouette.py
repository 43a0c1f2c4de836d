"""The mean silhouette of a clustering, noise counted against it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatMatrix, Labels
from clustering.algorithms.threads import one_thread

SILHOUETTE_ROWS = 10_000
WORKING_MEMORY = 64  # MiB of distances at a time


def silhouette(features: FloatMatrix, labels: Labels, *, seed: int, most_rows: int = SILHOUETTE_ROWS) -> float:
    """Return the mean silhouette of rows (n, d) with labels (n,).

    Every noise row counts as a cluster of its own, whose silhouette is 0 by definition (Rousseeuw, 1987); so does
    everything when there are fewer than two clusters. Taken from a stratified sample of at most `most_rows` rows.
    """
    from sklearn import config_context
    from sklearn.metrics import silhouette_samples

    clustered = np.flatnonzero(labels != NOISE)
    rows = clustered[_stratified(labels[clustered], seed=seed, most_rows=most_rows)]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return 0.0
    with config_context(working_memory=WORKING_MEMORY), one_thread():
        values = silhouette_samples(features[rows], labels[rows])
    return float(values.mean() * len(clustered) / len(labels))


def _stratified(labels: Labels, *, seed: int, most_rows: int) -> NDArray[np.intp]:
    """Return the places of at most `most_rows` rows, each cluster with its share of them."""
    if len(labels) <= most_rows:
        return np.arange(len(labels))
    shuffled = np.random.default_rng(seed).permutation(len(labels))
    by_cluster = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return np.sort(by_cluster[np.arange(most_rows) * len(labels) // most_rows])
