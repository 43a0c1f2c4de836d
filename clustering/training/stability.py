"""Would the same clusters be found in other customers of the same kind?"""

from __future__ import annotations

import numpy as np

from clustering.algorithms import FloatMatrix, Settings, algorithm
from clustering.algorithms.base import FloatVector, Labels
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.resampling import refit


def bootstrap_jaccard(
    features: FloatMatrix, labels: Labels, clusters: int, settings: Settings, spec: ModelSpec, seed: int
) -> FloatVector:
    """Return how well each of `clusters` in labels (n,) is found again in one bootstrap sample, (k,), 0 to 1.

    The Jaccard similarity of a cluster with the most similar cluster of the bootstrap sample, over the different rows
    in it (Hennig, 2007). 0 where a fit is not possible.
    """
    drawn = np.random.default_rng(seed).integers(0, len(features), len(features))
    try:
        found = refit(features[drawn], settings, spec, seed=seed).labels
    except TrainingError:
        return np.zeros(clusters)
    rows, first = np.unique(drawn, return_index=True)
    similar: FloatVector = _similarities(labels[rows], found[first], clusters).max(axis=1, initial=0.0)
    return similar


def prediction_strength(
    features: FloatMatrix, labels: Labels, clusters: int, settings: Settings, spec: ModelSpec, seed: int
) -> FloatMatrix:
    """Return the prediction strength of each of `clusters` in labels (n,), in both directions of one split, (2, k).

    Each half is clustered by itself. The strength of a test cluster is the share of its pairs of customers that the
    other half's clustering also puts together (Tibshirani & Walther, 2005); a cluster of `labels` has the strength of
    the test cluster most similar to it, so that splits can be averaged cluster by cluster. NaN where a half does not
    tell, 0 where it cannot be fitted.
    """
    half = len(features) // 2
    order = np.random.default_rng(seed).permutation(len(features))
    halves = order[:half], order[half : 2 * half]
    strengths = np.zeros((2, clusters))
    try:
        fits = [refit(features[rows], settings, spec, seed=seed) for rows in halves]
    except TrainingError:
        return strengths
    for test, (rows, own, other) in enumerate(zip(halves, fits, reversed(fits), strict=True)):
        predicted = algorithm(spec.algorithm).assigner(other.parameters)(features[rows]).labels
        pairs = _pairs_kept(own.labels, predicted)
        strengths[test] = pairs[_similarities(labels[rows], own.labels, clusters).argmax(axis=1)]
        strengths[test, np.bincount(labels[rows], minlength=clusters) == 0] = np.nan
    return strengths


def weakest_cluster(strengths: FloatMatrix) -> tuple[float, float]:
    """Return the mean of the cluster with the lowest one, and its standard error, from splits (m, k)."""
    known = np.maximum((~np.isnan(strengths)).sum(axis=0), 1)
    means = np.nansum(strengths, axis=0) / known
    weakest = int(means.argmin())
    values = strengths[~np.isnan(strengths[:, weakest]), weakest]
    error = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return float(means[weakest]), error


def _similarities(labels: Labels, found: Labels, clusters: int) -> FloatMatrix:
    """Return the Jaccard similarity (k, l) of clusters in two labellings of the same rows; noise is no cluster."""
    table = np.zeros((clusters + 1, int(found.max()) + 2))
    np.add.at(table, (labels, found), 1)  # noise, -1, comes last
    both = table[:-1, :-1]
    either = table[:-1].sum(axis=1)[:, np.newaxis] + table[:, :-1].sum(axis=0) - both
    similarities: FloatMatrix = np.divide(both, either, out=np.zeros_like(both), where=either > 0)
    return similarities


def _pairs_kept(clusters: Labels, predicted: Labels) -> FloatVector:
    """Return, for each cluster, the share of its pairs of rows that share a predicted cluster; 1 without a pair."""
    table = np.zeros((int(clusters.max()) + 1, int(predicted.max()) + 1))
    np.add.at(table, (clusters, predicted), 1)
    sizes = table.sum(axis=1)
    pairs = sizes * (sizes - 1)
    kept = (table * (table - 1)).sum(axis=1)
    share: FloatVector = np.divide(kept, pairs, out=np.ones_like(pairs), where=pairs > 0)
    return share
