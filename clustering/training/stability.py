"""Would the same clusters be found in other customers of the same kind?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import FloatMatrix, Settings, algorithm
from clustering.algorithms.base import FloatVector, Labels
from clustering.config import ModelSpec


@dataclass(frozen=True)
class Clusters:
    """Labels (n,) of rows (n, d), with `settings` for as many rows, that replicates are compared with."""

    features: FloatMatrix
    labels: Labels
    count: int
    settings: Settings
    spec: ModelSpec

    def refits(self, drawn: NDArray[np.intp], seeds: Sequence[int]) -> list[Labels | None]:
        """Return labels (n,) by a fit to each of the samples with rows `drawn` (b, m), None where there is no fit."""
        return algorithm(self.spec.algorithm).refits(self.features, drawn, self.settings, self.spec, seeds=seeds)


def bootstrap_jaccard(clusters: Clusters, seeds: Sequence[int]) -> FloatMatrix:
    """Return how well each cluster is found again in the bootstrap sample of each seed, (b, k), 0 to 1.

    The Jaccard similarity of a cluster with the most similar cluster of the bootstrap sample, over the different rows
    in it (Hennig, 2007). 0 where a fit is not possible.
    """
    rows = len(clusters.features)
    drawn = np.stack([np.random.default_rng(seed).integers(0, rows, rows) for seed in seeds])
    similar = np.zeros((len(seeds), clusters.count))
    for place, (sample, found) in enumerate(zip(drawn, clusters.refits(drawn, seeds), strict=True)):
        if found is not None:
            inside = np.bincount(sample, minlength=rows) > 0
            table = _similarities(clusters.labels[inside], found[inside], clusters.count)
            similar[place] = table.max(axis=1, initial=0.0)
    return similar


def prediction_strength(clusters: Clusters, seeds: Sequence[int]) -> FloatMatrix:
    """Return the prediction strength of each cluster, in both directions of the split of each seed, (2b, k).

    Each half is clustered by itself. The strength of a test cluster is the share of its pairs of customers that the
    other half's clustering also puts together (Tibshirani & Walther, 2005); a cluster of `labels` has the strength of
    the test cluster most similar to it, so that splits can be averaged cluster by cluster. NaN where a half does not
    tell, 0 where it cannot be fitted.
    """
    half = len(clusters.features) // 2
    orders = [np.random.default_rng(seed).permutation(len(clusters.features)) for seed in seeds]
    drawn = np.stack([rows for order in orders for rows in (order[:half], order[half : 2 * half])])
    fits = clusters.refits(drawn, np.repeat(seeds, 2).tolist())
    strengths = np.zeros((len(drawn), clusters.count))
    for test, (rows, own) in enumerate(zip(drawn, fits, strict=True)):
        other = fits[test ^ 1]  # of the same split
        if own is not None and other is not None:
            strengths[test] = _strengths(clusters.labels[rows], own[rows], other[rows], clusters.count)
    return strengths


def weakest_cluster(values: FloatMatrix) -> tuple[float, float]:
    """Return the mean of the cluster with the lowest one, and its standard error, from replicates (m, k)."""
    known = np.maximum((~np.isnan(values)).sum(axis=0), 1)
    means = np.nansum(values, axis=0) / known
    weakest = int(means.argmin())
    own = values[~np.isnan(values[:, weakest]), weakest]
    error = float(own.std(ddof=1) / np.sqrt(len(own))) if len(own) > 1 else 0.0
    return float(means[weakest]), error


def mean_over_customers(jaccard: FloatVector, labels: Labels) -> float:
    """Return the mean of the clusters' similarities (k,), weighted by their customers with labels (n,).

    >>> mean_over_customers(np.array([1.0, 0.5]), np.array([0, 0, 0, 1, -1]))
    0.875
    """
    sizes = np.bincount(labels[labels >= 0], minlength=len(jaccard))
    return float(jaccard @ sizes / max(sizes.sum(), 1))


def _strengths(labels: Labels, own: Labels, predicted: Labels, clusters: int) -> FloatVector:
    strengths: FloatVector = _pairs_kept(own, predicted)[_similarities(labels, own, clusters).argmax(axis=1)]
    strengths[np.bincount(labels, minlength=clusters) == 0] = np.nan
    return strengths


def _similarities(labels: Labels, found: Labels, clusters: int) -> FloatMatrix:
    """Return the Jaccard similarity (k, l) of clusters in two labellings of the same rows; noise is no cluster."""
    table = _contingency(labels + 1, found + 1, (clusters + 1, int(found.max()) + 2))
    both = table[1:, 1:]
    either = table[1:].sum(axis=1)[:, np.newaxis] + table[:, 1:].sum(axis=0) - both
    similarities: FloatMatrix = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return similarities


def _pairs_kept(clusters: Labels, predicted: Labels) -> FloatVector:
    """Return, for each cluster, the share of its pairs of rows that share a predicted cluster; 1 without a pair."""
    table = _contingency(clusters, predicted, (int(clusters.max()) + 1, int(predicted.max()) + 1))
    sizes = table.sum(axis=1)
    pairs = sizes * (sizes - 1)
    kept = (table * (table - 1)).sum(axis=1)
    share: FloatVector = np.divide(kept, pairs, out=np.ones_like(pairs), where=pairs > 0)
    return share


def _contingency(one: Labels, other: Labels, shape: tuple[int, int]) -> FloatMatrix:
    """Return how many rows have each pair of labels, both from 0 on."""
    counts = np.bincount(one.astype(np.intp) * shape[1] + other, minlength=shape[0] * shape[1])
    return counts.reshape(shape).astype(np.float64)
