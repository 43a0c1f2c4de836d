"""DBSCAN: the nearest core customer within `eps`.

Settings that nobody gave are found without labels, see `density`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.attraction import Attraction
from clustering.algorithms.base import (
    DECIMALS,
    FARTHEST,
    NOISE,
    Algorithm,
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
)
from clustering.algorithms.cluster_checks import require_different_rows
from clustering.algorithms.density import (
    MIN_SAMPLES_SHARE,
    known_cut,
    layered,
    layers,
    min_samples_to_try,
    red_flags,
    search,
)
from clustering.algorithms.discrete_columns import spread
from clustering.algorithms.lloyd import fit_centroids, gaps, nearest_two
from clustering.algorithms.prominence import several_stand_out
from clustering.algorithms.reachability import (
    SLACK,
    Places,
    canonical_numbers,
    connected,
    core_rows,
    neighbours_together,
)
from clustering.algorithms.refitting import NeighbourGraph
from clustering.algorithms.sampling import draw
from clustering.config import DbscanSpec
from clustering.errors import TrainingError

SEARCH_ROWS = 5_000  # as candidates are fitted to; the eps at which two groups meet is another in a small sample
GAPS = "gaps"
MOST_CENTROIDS, STARTS = 8, 4


class Dbscan(Algorithm[DbscanSpec]):
    """DBSCAN; of the parameters, `core` is (m, d), `core_labels` (m,), and `eps` one number.

    Where its clusters do not stand out by themselves, see `prominence`, the customers have to lie closer together than
    noise does: few of them show no difference of density to rely on. Of what passes, the first that was proposed is
    taken.
    """

    specification = DbscanSpec
    proposes_best_first = True
    least_errors = MappingProxyType({(GAPS, "unimodal"): 4.0})
    compares_settings = False
    personal = ("core", "core_labels")

    def propose(self, features: FloatMatrix, spec: DbscanSpec, *, share: float = 1.0) -> list[Settings]:
        """Return the specification's `eps` and `min_samples`, or the best found from the features, the best first.

        Raises TrainingError for fewer than two different customers, or fewer than `min_samples`.
        """
        require_different_rows(features, 2)
        if spec.eps is not None:
            usual = round(max(2 * features.shape[1], MIN_SAMPLES_SHARE * len(features)) / share)
            return [{"eps": spec.eps, "min_samples": spec.min_samples or usual}]
        rows = draw(features, SEARCH_ROWS, seed=spec.seed)
        share *= len(rows) / len(features)
        tried = min_samples_to_try(*rows.shape)
        if spec.min_samples:
            tried = [max(2, round(spec.min_samples * share))]
        found = search(_apart(rows, spec), tried)
        return [
            {**settings, "min_samples": spec.min_samples or round(int(settings["min_samples"]) / share)}
            for settings in found
        ]

    def for_share(self, settings: Settings, share: float) -> Settings:
        """Return the settings for a share of the customers, which lie less densely by so much."""
        return {**settings, "min_samples": max(2, round(int(settings["min_samples"]) * share))}

    def fit(
        self, features: FloatMatrix, settings: Settings, spec: DbscanSpec, *, start: Fitted | None = None
    ) -> Fitted:
        """Fit DBSCAN; a border customer belongs to the cluster of its nearest core customer.

        Raises TrainingError when no customer has `min_samples` customers within `eps`.
        """
        eps, min_samples = float(settings["eps"]), int(settings["min_samples"])
        if len(features) < min_samples:
            raise TrainingError(
                f"min_samples {min_samples} needs at least as many customers, there are {len(features)}"
            )
        apart = _apart(features, spec)
        known = known_cut(apart, eps, min_samples)
        core = core_rows(apart, eps, min_samples) if known is None else known.core
        if not core.any():
            raise TrainingError(
                f"no customer has {min_samples} customers within eps {eps:.4g}: everything would be noise; "
                "set a larger eps or a smaller min_samples"
            )
        numbers = connected(apart[core], eps) if known is None else known.labels[core]
        parameters = _parameters(features[core], eps, numbers)
        labels = self.assigner(parameters)(features).labels
        margin = np.array(1.0 if known is None else known.margin)
        found = {"core": features[core], "places": np.flatnonzero(core), "apart": apart[core], "margin": margin}
        return Fitted(partial(_estimator, found, labels, eps, min_samples), settings, parameters, labels, found)

    def refits(
        self,
        features: FloatMatrix,
        drawn: NDArray[np.intp],
        settings: Settings,
        spec: DbscanSpec,
        *,
        seeds: Sequence[int],
    ) -> list[Labels | None]:
        """Fit settings to each of the samples whose rows are `drawn` (b, m), and label all rows (n, d) by each fit.

        Neighbours are found once, where the rows are as few as those of a replicate.
        """
        if len(features) > self.replicate_rows:
            return super().refits(features, drawn, settings, spec, seeds=seeds)
        graph = NeighbourGraph(_apart(features, spec), float(settings["eps"]))
        core = graph.core(drawn, int(settings["min_samples"]))
        return [self._labels(graph, clusters, settings) for clusters in graph.clusters(drawn, core)]

    def _labels(self, graph: NeighbourGraph, clusters: Labels, settings: Settings) -> Labels | None:
        core = clusters != NOISE
        if not core.any():
            return None
        eps = np.array(settings["eps"])
        parameters: Parameters = {"core": graph.points[core], "core_labels": clusters[core], "eps": eps}
        return graph.label(clusters, lambda: self.assigner(parameters))

    def figures(self, fitted: Fitted, features: FloatMatrix) -> dict[str, float]:
        """Return the factor by which `eps` may change either way with the same large clusters; 1: unknown."""
        return {"eps_margin": float(fitted.evidence["margin"])}

    def doubts(self, fitted: Fitted, spec: DbscanSpec) -> list[str]:
        """Return red flags of the training rows' labels, and columns whose values were taken for groups."""
        eps = float(fitted.settings["eps"])
        return red_flags(fitted.labels) + layers(fitted.evidence["apart"], eps, spec.features)

    def shows_groups(self, features: FloatMatrix, fitted: Fitted, spec: DbscanSpec) -> bool:
        """Whether two clusters stand out in the columns whose values are no layers."""
        measured = ~layered(fitted.evidence["apart"], fitted.labels[fitted.evidence["places"]])
        return several_stand_out(_apart(features, spec)[:, measured], fitted.labels, seed=spec.seed)

    def statistics_of(
        self, samples: NDArray[np.float64], settings: Settings, spec: DbscanSpec, *, seeds: Sequence[int]
    ) -> dict[str, FloatVector]:
        """Return the mean gap of 2 to MOST_CENTROIDS centroids, which tells of any settings whether there are groups.

        Clusters of any shape are groups that some number of centroids divides better than it divides noise.
        """
        found = []
        for clusters in range(2, MOST_CENTROIDS + 1):
            centroids = fit_centroids(samples, clusters, seeds=seeds, starts=STARTS)
            found.append(gaps(samples, nearest_two(samples, centroids)[0]))
        return {GAPS: np.mean(found, axis=0)}

    def assigner(self, parameters: Parameters) -> Assigner:
        """Return the assigner of `core` (m, d), `core_labels` (m,) and `eps`.

        The confidence is 1 − d/eps of the distance to the nearest core customer; noise has 0.
        """
        from scipy.spatial import cKDTree  # other algorithms do not pay for the import

        core_labels = np.asarray(parameters["core_labels"], dtype=np.int32)
        eps = float(parameters["eps"])
        tree = cKDTree(np.ascontiguousarray(parameters["core"], dtype=np.float64))

        def assign(features: FloatMatrix, /) -> Assignment:
            order = neighbours_together(features, tree)
            near = np.clip(features[order], -FARTHEST, FARTHEST)
            distances, nearest = np.empty(len(features)), np.empty(len(features), dtype=np.intp)
            # the tree's bound is exclusive, so it lies a little farther out and eps itself decides
            distances[order], nearest[order] = tree.query(near, k=1, distance_upper_bound=eps * SLACK)
            within = distances <= eps
            labels = np.full(len(features), NOISE, dtype=np.int32)
            labels[within] = core_labels[nearest[within]]
            confidence = np.where(within, 1.0 - np.minimum(distances, eps) / eps, 0.0)
            return Assignment(labels=labels, confidence=np.round(confidence, DECIMALS).astype(np.float32))

        return assign

    def attractions(self, parameters: Parameters) -> list[Attraction]:
        """Return the squared distances from the core customers: F the identity, c = 0; noise costs eps² everywhere."""
        core, labels = parameters["core"], parameters["core_labels"]
        noise = Attraction(NOISE, core[:0], None, float(parameters["eps"]) ** 2)
        return [noise, *(Attraction(int(label), core[labels == label], None, 0.0) for label in np.unique(labels))]

    def rebuild(self, parameters: Parameters, settings: Settings) -> Any:
        """Return an estimator of the core customers alone."""
        core = {"core": parameters["core"], "places": np.arange(len(parameters["core"]))}
        return _estimator(core, parameters["core_labels"], float(parameters["eps"]), int(settings["min_samples"]))


def _estimator(core: Parameters, labels: Labels, eps: float, min_samples: int) -> Any:
    """Return the estimator of rows with labels (n,), whose core rows (m, d) have their places (m,) among them."""
    from sklearn import cluster

    estimator = cluster.DBSCAN(eps=eps, min_samples=min_samples)
    estimator.core_sample_indices_ = core["places"]
    estimator.components_ = core["core"]
    estimator.labels_ = labels
    estimator.n_features_in_ = core["core"].shape[1]
    return estimator


def _apart(features: FloatMatrix, spec: DbscanSpec) -> FloatMatrix:
    """Return features (n, d) as density sees them: coarse columns are spread, except where the model declares `eps`."""
    return features if spec.is_declared else spread(features, seed=spec.seed)


def _parameters(core: FloatMatrix, eps: float, numbers: Labels | Places) -> dict[str, NDArray[Any]]:
    """Return the different core rows, sorted, with canonical labels: clusters by the mean of their core rows.

    `numbers` (m,) are those of their clusters. Of equal rows that lie in several, the most decide.
    """
    points, place = np.unique(core, axis=0, return_inverse=True)
    clusters = int(numbers.max()) + 1
    both, counts = np.unique(place * clusters + numbers, return_counts=True)
    both = both[np.argsort(counts, kind="stable")]
    of_points = np.empty(len(points), dtype=np.intp)
    of_points[both // clusters] = both % clusters
    of_points = np.unique(of_points, return_inverse=True)[1]
    return {"core": points, "core_labels": canonical_numbers(core, of_points[place])[of_points], "eps": np.array(eps)}
