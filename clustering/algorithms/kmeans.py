"""K-Means: the nearest centroid."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

import numpy as np
from scipy.spatial.distance import cdist

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
    Noise,
    Parameters,
    Settings,
    Standardised,
    assign_in_blocks,
    canonical_order,
    require_different_rows,
    require_every_cluster,
    small_clusters,
    squared_distances,
)
from clustering.algorithms.silhouette import silhouette
from clustering.config import KMeansSpec

MAX_ITERATIONS = 1000
REPLICATE_STARTS = 5
NOISE_SILHOUETTE_ROWS = 1_000


class KMeans(Algorithm[KMeansSpec]):
    """K-Means; of the parameters, `centroids` is (k, d)."""

    specification = KMeansSpec
    replicate_rows = 5_000
    # A lone test at 2 standard errors lets noise pass; where two guard against one noise, one of them may be lenient.
    least_errors = MappingProxyType(
        {(GAP, "uniform"): 2.0, ("silhouette", "uniform"): 3.0, ("silhouette", "gaussian"): 2.0}
    )

    def propose(self, features: FloatMatrix, spec: KMeansSpec, *, share: float = 1.0) -> list[Settings]:
        """Return one candidate for every number of clusters of the specification."""
        low, high = spec.clusters
        return [{"n_clusters": clusters} for clusters in range(low, high + 1)]

    def fit(
        self, features: FloatMatrix, settings: Settings, spec: KMeansSpec, *, start: Fitted | None = None
    ) -> Fitted:
        """Fit centroids with `spec.n_init` starts from `spec.seed`, or from the centroids of `start` alone.

        Raises TrainingError for fewer different rows than clusters.
        """
        from sklearn import cluster
        from threadpoolctl import threadpool_limits

        clusters = int(settings["n_clusters"])
        require_different_rows(features, clusters)
        starts = {"init": start.parameters["centroids"], "n_init": 1} if start else {"n_init": spec.n_init}
        estimator = cluster.KMeans(clusters, random_state=spec.seed, max_iter=MAX_ITERATIONS, **starts)
        with threadpool_limits(limits=1):  # threads add their partial sums in the order in which they finish
            estimator.fit(features)
        centroids = estimator.cluster_centers_
        estimator.cluster_centers_ = np.ascontiguousarray(centroids[canonical_order(centroids)])
        parameters = {"centroids": estimator.cluster_centers_.copy()}
        estimator.labels_ = self.assigner(parameters)(features).labels
        require_every_cluster(estimator.labels_, clusters)
        return Fitted(estimator=estimator, settings=settings, parameters=parameters, labels=estimator.labels_)

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

    def for_replicate(self, spec: KMeansSpec, *, seed: int) -> KMeansSpec:
        """Return the specification with its own seed and at most REPLICATE_STARTS starts."""
        return spec.model_copy(update={"seed": seed, "n_init": min(spec.n_init, REPLICATE_STARTS)})

    def statistics(self, features: FloatMatrix, fitted: Fitted, noise: Noise) -> dict[str, float]:
        """Return the silhouette and, against uniform noise, the gap statistic of k clusters against one.

        The gap is by how much the logarithm of the dispersion is lowered (Tibshirani, Walther & Hastie, 2001).
        """
        found = {"silhouette": silhouette(features, fitted.labels, seed=0, most_rows=NOISE_SILHOUETTE_ROWS)}
        if noise == "uniform":
            around_mean = float(((features - features.mean(axis=0)) ** 2).sum())
            around_centroids = max(-float(fitted.estimator.score(features)), np.finfo(float).tiny)
            found[GAP] = float(np.log(around_mean) - np.log(around_centroids))
        return found

    def rank(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the number of clusters: the largest that passes (Tibshirani & Walther's rule)."""
        return float(clusters)

    def likeliness(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the silhouette."""
        return figures.get("silhouette", 0.0)

    def cost(self, parameters: Parameters, own: Standardised, common: Standardised) -> float:
        """Return the inertia in the common scale (MacQueen, 1967)."""
        centroids = (parameters["centroids"] * own.scale + own.mean - common.mean) / common.scale
        return float(cdist(common.features, centroids, "sqeuclidean").min(axis=1).sum())


def _nearest(centroids: FloatMatrix, columns: FloatMatrix) -> tuple[Labels, FloatVector]:
    labels = np.zeros(columns.shape[1], dtype=np.int32)
    nearest = squared_distances(columns, centroids[0])
    second = np.full_like(nearest, np.inf)
    for label, centroid in enumerate(centroids[1:], start=1):
        distances = squared_distances(columns, centroid)
        np.copyto(labels, label, where=distances < nearest)
        np.minimum(second, np.maximum(nearest, distances), out=second)
        np.minimum(nearest, distances, out=nearest)
    ratio = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    return labels, 1.0 - np.sqrt(ratio)
