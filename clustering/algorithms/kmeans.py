"""K-Means: the nearest centroid."""

from __future__ import annotations

from functools import partial

import numpy as np

from clustering.algorithms.base import (
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
    assign_in_blocks,
    canonical_order,
    require_different_rows,
    require_every_cluster,
    small_clusters,
    squared_distances,
)
from clustering.config import KMeansSpec

MAX_ITERATIONS = 1000


def propose(features: FloatMatrix, spec: KMeansSpec, *, share: float = 1.0) -> list[Settings]:
    """Return one candidate for every number of clusters of the specification."""
    low, high = spec.clusters
    return [{"n_clusters": clusters} for clusters in range(low, high + 1)]


def for_share(settings: Settings, share: float) -> Settings:
    """Return the settings: the number of clusters is the same for a share of the customers."""
    return settings


def fit(features: FloatMatrix, settings: Settings, spec: KMeansSpec, *, start: Fitted | None = None) -> Fitted:
    """Fit centroids with `spec.n_init` starts from `spec.seed`, or from the centroids of `start` alone.

    Raises TrainingError for fewer different rows than clusters.
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    clusters = int(settings["n_clusters"])
    require_different_rows(features, clusters)
    starts = {"init": start.parameters["centroids"], "n_init": 1} if start else {"n_init": spec.n_init}
    estimator = KMeans(clusters, random_state=spec.seed, max_iter=MAX_ITERATIONS, **starts)
    with threadpool_limits(limits=1):  # threads add their partial sums in the order in which they finish
        estimator.fit(features)
    centroids = estimator.cluster_centers_
    estimator.cluster_centers_ = np.ascontiguousarray(centroids[canonical_order(centroids)])
    parameters = {"centroids": estimator.cluster_centers_.copy()}
    estimator.labels_ = assigner(parameters)(features).labels
    require_every_cluster(estimator.labels_, clusters)
    return Fitted(estimator=estimator, settings=settings, parameters=parameters, labels=estimator.labels_)


def doubts(fitted: Fitted, spec: KMeansSpec) -> list[str]:
    """Return a doubt for a single cluster and for a very small one."""
    return small_clusters(fitted.labels, clusters=len(fitted.parameters["centroids"]), least_share=spec.gate.min_share)


def assigner(parameters: Parameters) -> Assigner:
    """Return the assigner of `centroids` (k, d).

    The confidence is the simplified silhouette 1 − d₁/d₂ of the distances to the nearest two centroids (Hruschka,
    Campello & de Castro, 2004), and 1 where there is only one.
    """
    kernel = partial(_nearest, np.asarray(parameters["centroids"], dtype=np.float64))

    def assign(features: FloatMatrix, /) -> Assignment:
        return assign_in_blocks(features, kernel)

    return assign


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
