"""K-Means: the nearest centroid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.attraction import Attraction
from clustering.algorithms.base import (
    GAP,
    Algorithm,
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
    Standardised,
    canonical_order,
)
from clustering.algorithms.blocks import assign_in_blocks, squared_distances
from clustering.algorithms.cluster_checks import require_different_rows, require_every_cluster, small_clusters
from clustering.algorithms.finer import numbers_to_try
from clustering.algorithms.lloyd import fit_centroids, gaps, memberships, nearest_two, steps, with_ones
from clustering.algorithms.threads import one_thread
from clustering.config import KMeansSpec

MAX_ITERATIONS = 1000
START_ROWS = 2_000  # of a fit that replicates are compared with
SEPARATION = "separation"
FLAG_VALUES = 2


class KMeans(Algorithm[KMeansSpec]):
    """K-Means; of the parameters, `centroids` is (k, d)."""

    specification = KMeansSpec
    replicate_rows = 5_000
    proposes_by_sample = True
    least_errors = MappingProxyType({(SEPARATION, "uniform"): 3.0, (GAP, "unimodal"): 3.0})

    def propose(self, features: FloatMatrix, spec: KMeansSpec, *, share: float = 1.0) -> list[Settings]:
        """Return one candidate for every number of clusters to try, also beyond a declared range."""
        return [{"n_clusters": number} for number in numbers_to_try(features, spec.clusters, seed=spec.seed)]

    def is_declared(self, settings: Settings, spec: KMeansSpec) -> bool:
        """Whether the number of clusters is within the range, where there is one."""
        return spec.clusters is None or spec.clusters[0] <= int(settings["n_clusters"]) <= spec.clusters[1]

    def declaration(self, settings: Settings) -> str:
        """Return the number of clusters as a model's file declares it."""
        return f"clusters: {settings['n_clusters']}"

    def fit(
        self, features: FloatMatrix, settings: Settings, spec: KMeansSpec, *, start: Fitted | None = None
    ) -> Fitted:
        """Fit centroids with `spec.n_init` starts from `spec.seed`, or from the centroids of `start` alone.

        Raises TrainingError for fewer different rows than clusters.
        """
        clusters = int(settings["n_clusters"])
        require_different_rows(features, clusters)
        with one_thread():  # threads add their partial sums in the order in which they finish
            begun = start.parameters["centroids"] if start else _begun(features, clusters, spec)
            centroids = _settled(features, begun)
        parameters = {"centroids": np.ascontiguousarray(centroids[canonical_order(centroids)])}
        labels = self.assigner(parameters)(features).labels
        require_every_cluster(labels, clusters)
        estimator = partial(_estimator, features, parameters["centroids"], labels, spec.seed)
        return Fitted(estimator, settings, parameters, labels)

    def doubts(self, fitted: Fitted, spec: KMeansSpec) -> list[str]:
        """Return a doubt for a single cluster and for a very small one."""
        return small_clusters(
            fitted.labels, clusters=len(fitted.parameters["centroids"]), least_share=spec.gate.min_share
        )

    def assigner(self, parameters: Parameters) -> Assigner:
        """Return the assigner of `centroids` (k, d).

        The confidence is the simplified silhouette 1 − d₁/d₂ of the distances to the nearest two centroids (Hruschka,
        Campello & de Castro, 2004), and 1 where there is only one.
        """
        kernel = partial(_nearest, np.asarray(parameters["centroids"], dtype=np.float64))

        def assign(features: FloatMatrix, /) -> Assignment:
            return assign_in_blocks(features, kernel)

        return assign

    def attractions(self, parameters: Parameters) -> list[Attraction]:
        """Return the squared distances from the centroids: p the centroid, F the identity, c = 0."""
        centroids = parameters["centroids"]
        return [Attraction(label, centroids[label : label + 1], None, 0.0) for label in range(len(centroids))]

    def values_for_groups(self, features: FloatMatrix, names: Sequence[str]) -> list[str]:
        """Return a reason for each column of two values, as a yes or no: standardised, they lie apart like groups.

        A category, whose name stands several times, counts only where other features go along with it.
        """
        return [
            f"{name} takes only 2 different values, which K-Means takes for groups; leave it out of the features"
            for name, column in zip(names, features.T, strict=True)
            if len(np.unique(column)) == FLAG_VALUES and names.count(name) == 1
        ]

    def refits(
        self,
        features: FloatMatrix,
        drawn: NDArray[np.intp],
        settings: Settings,
        spec: KMeansSpec,
        *,
        seeds: Sequence[int],
    ) -> list[Labels | None]:
        """Label all rows (n, d) by centroids of each sample (b, m); None where a centroid has no row of its own."""
        centroids = fit_centroids(features[drawn], int(settings["n_clusters"]), seeds=seeds)
        columns = with_ones(features[np.newaxis])
        found: list[Labels | None] = []
        for rows, each in zip(drawn, centroids, strict=True):
            labels = memberships(columns, each[np.newaxis])[0][0].argmax(axis=0).astype(np.int32)
            found.append(labels if np.bincount(labels[rows], minlength=len(each)).all() else None)
        return found

    def statistics_of(
        self, samples: NDArray[np.float64], settings: Settings, spec: KMeansSpec, *, seeds: Sequence[int]
    ) -> dict[str, FloatVector]:
        """Return the separation and the gap of k centroids against one.

        The separation is the mean simplified silhouette 1 − d₁/d₂ (Hruschka, Campello & de Castro, 2004).
        """
        centroids = fit_centroids(samples, int(settings["n_clusters"]), seeds=seeds)
        nearest, second = nearest_two(samples, centroids)
        ratios = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
        return {SEPARATION: 1.0 - np.sqrt(ratios).mean(axis=1), GAP: gaps(samples, nearest)}

    def rank(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the number of clusters: the largest that passes (Tibshirani & Walther's rule)."""
        return float(clusters)

    def likeliness(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the silhouette."""
        return figures.get("silhouette", 0.0)

    def cost(self, parameters: Parameters, own: Standardised, common: Standardised) -> float:
        """Return the inertia in the common scale (MacQueen, 1967)."""
        from scipy.spatial.distance import cdist  # scoring does not pay for the import

        centroids = (parameters["centroids"] * own.scale + own.mean - common.mean) / common.scale
        return float(cdist(common.features, centroids, "sqeuclidean").min(axis=1).sum())


def _begun(features: FloatMatrix, clusters: int, spec: KMeansSpec) -> FloatMatrix:
    samples = features[np.newaxis]
    found = fit_centroids(samples, clusters, seeds=[spec.seed], starts=spec.n_init, start_rows=START_ROWS)
    centroids: FloatMatrix = found[0]
    return centroids


def _settled(features: FloatMatrix, centroids: FloatMatrix) -> FloatMatrix:
    """Return centroids (k, d) after Lloyd's steps; one that no row is nearest to starts anew at the farthest row."""
    columns = with_ones(features[np.newaxis])
    for _ in centroids:
        centroids = steps(columns, centroids[np.newaxis], iterations=MAX_ITERATIONS)[0]
        members, scores = memberships(columns, centroids[np.newaxis])
        empty = np.flatnonzero(~members[0].any(axis=1))
        if not len(empty):
            break
        farthest = ((features**2).sum(axis=1) - 2 * scores[0]).argmax()
        centroids[empty[0]] = features[farthest]
    return centroids


def _estimator(features: FloatMatrix, centroids: FloatMatrix, labels: Labels, seed: int) -> Any:
    from sklearn import cluster

    with one_thread():
        estimator = cluster.KMeans(len(centroids), init=centroids, n_init=1, random_state=seed, max_iter=1)
        estimator.fit(features)
    estimator.max_iter, estimator.cluster_centers_, estimator.labels_ = MAX_ITERATIONS, centroids.copy(), labels
    return estimator


def _nearest(centroids: FloatMatrix, columns: FloatMatrix) -> tuple[Labels, FloatVector]:
    labels = np.zeros(columns.shape[1], dtype=np.int32)
    nearest = squared_distances(columns, centroids[0])
    second = np.full_like(nearest, np.inf)
    for label, centroid in enumerate(centroids[1:], start=1):
        distances = squared_distances(columns, centroid)
        # The last one that is nearer has the largest number; to write where a mask holds takes five times as long.
        np.maximum(labels, np.multiply(distances < nearest, label, dtype=np.int32), out=labels)
        np.minimum(second, np.maximum(nearest, distances), out=second)
        np.minimum(nearest, distances, out=nearest)
    ratio = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    return labels, 1.0 - np.sqrt(ratio)
