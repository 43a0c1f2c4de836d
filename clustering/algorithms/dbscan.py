"""DBSCAN: the nearest core customer within `eps`.

Settings that nobody gave are found without labels. `min_samples` is twice the number of features, and 1 % of the
customers where these are many, since a sample that grows must not need an `eps` that shrinks. For `eps`, the knee of
the k-distances (Sander, Ester, Kriegel & Xu, 1998) is where the search starts. Of the cuts around it, the one is taken
that agrees best with the clusters that persist through the whole hierarchy of densities (HDBSCAN; Campello, Moulavi &
Sander, 2013): the adjusted Rand index over their customers, times the share of customers that are not noise. Every
noise customer counts as a cluster of its own, so noise can never improve a solution.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from clustering.algorithms.base import (
    DECIMALS,
    NOISE,
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
    canonical_order,
    require_different_rows,
)
from clustering.config import DbscanSpec
from clustering.errors import TrainingError

MIN_SAMPLES_SHARE = 0.01
MOST_MIN_SAMPLES = 200  # bounds the memory of the hierarchy: 0.6 GB for 50,000 customers
PERSISTENT_SHARE = 0.02  # of the customers: the smallest cluster that the hierarchy counts as one
KNEE_FACTORS = np.geomspace(0.4, 1.8, 80)
KNEE_POINTS = 2000

LARGEST_SHARE = 0.95
MOST_NOISE = 0.30
MOST_HIERARCHY_NOISE = 0.50  # uniform and Gaussian data reach 0.6 to 0.8, real groups stay under 0.45
LEAST_AGREEMENT = 0.5


def propose(features: FloatMatrix, spec: DbscanSpec) -> list[Settings]:
    """Return the specification's `eps` and `min_samples`, those that are missing found from the features.

    Raises TrainingError when no `eps` around the knee of the k-distances gives a clustering without red flags.
    """
    require_different_rows(features, 2)
    min_samples = spec.min_samples or _min_samples(*features.shape)
    if spec.eps is not None:
        return [{"eps": spec.eps, "min_samples": min_samples}]
    return [{"eps": _search_eps(features, min_samples), "min_samples": min_samples}]


def fit(features: FloatMatrix, settings: Settings, spec: DbscanSpec) -> Fitted:
    """Fit DBSCAN; a border customer belongs to the cluster of its nearest core customer.

    Memory grows with the number of customers, not with that of their neighbours within `eps`.
    Raises TrainingError when no customer has `min_samples` customers within `eps`.
    """
    from sklearn.cluster import DBSCAN

    eps, min_samples = float(settings["eps"]), int(settings["min_samples"])
    cut = Hierarchy(features, min_samples).cut(eps)
    estimator = DBSCAN(eps=eps, min_samples=min_samples)
    estimator.core_sample_indices_ = np.flatnonzero(cut.core)
    estimator.components_ = features[cut.core]
    estimator.labels_ = cut.labels
    estimator.n_features_in_ = features.shape[1]
    return Fitted(estimator=estimator, settings=settings, parameters=cut.parameters, labels=cut.labels)


def doubts(fitted: Fitted, spec: DbscanSpec) -> list[str]:
    """Return the red flags (Schubert, Sander, Ester, Kriegel & Xu, 2017) of the training rows' labels."""
    return red_flags(fitted.labels)


def assigner(parameters: Parameters) -> Assigner:
    """Return the assigner of `core` (m, d), `core_labels` (m,) and `eps`.

    The confidence is 1 − d/eps of the distance to the nearest core customer; noise has 0.
    """
    core_labels = np.asarray(parameters["core_labels"], dtype=np.int32)
    eps = float(parameters["eps"])
    tree = cKDTree(np.ascontiguousarray(parameters["core"], dtype=np.float64))

    def assign(features: FloatMatrix, /) -> Assignment:
        # the tree's bound is exclusive, so it lies a little farther out and eps itself decides
        distances, nearest = map(np.asarray, tree.query(features, k=1, distance_upper_bound=eps * (1 + 1e-9)))
        within = distances <= eps
        labels = np.full(len(features), NOISE, dtype=np.int32)
        labels[within] = core_labels[nearest[within]]
        confidence = np.where(within, 1.0 - np.minimum(distances, eps) / eps, 0.0)
        return Assignment(labels=labels, confidence=np.round(confidence, DECIMALS).astype(np.float32))

    return assign


def red_flags(labels: Labels) -> list[str]:
    """Return what speaks against a DBSCAN clustering of rows with these labels.

    >>> red_flags(np.array([0, 0, 1, -1]))
    []
    >>> red_flags(np.array([0, 0, -1, -1]))
    ['there are fewer than 2 clusters', '50 % of the customers are noise, over 30 %']
    """
    sizes = np.bincount(labels[labels != NOISE], minlength=1)
    noise = float(np.mean(labels == NOISE))
    largest = float(sizes.max()) / len(labels)
    flags = []
    if np.count_nonzero(sizes) < 2:
        flags.append("there are fewer than 2 clusters")
    if largest > LARGEST_SHARE:
        flags.append(f"one cluster holds {100 * largest:.0f} % of the customers, over {100 * LARGEST_SHARE:.0f} %")
    if noise > MOST_NOISE:
        flags.append(f"{100 * noise:.0f} % of the customers are noise, over {100 * MOST_NOISE:.0f} %")
    return flags


@dataclass(frozen=True)
class Cut:
    """DBSCAN at one `eps`: the parameters, which rows are core, and the canonical labels of all rows."""

    parameters: dict[str, NDArray[Any]]
    core: NDArray[np.bool_]
    labels: Labels


class Hierarchy:
    """Every DBSCAN clustering of features (n, d) with one `min_samples`, to be cut at any `eps`.

    `persistent` are the labels of the clusters that hold together longest; what belongs to none is noise.
    """

    def __init__(self, features: FloatMatrix, min_samples: int) -> None:
        from sklearn.cluster import HDBSCAN

        rows = len(features)
        if rows < min_samples:
            raise TrainingError(f"min_samples {min_samples} needs at least as many customers, there are {rows}")
        smallest = min(max(min_samples, math.ceil(PERSISTENT_SHARE * rows), 2), rows)
        self._tree = HDBSCAN(min_cluster_size=smallest, min_samples=min_samples, algorithm="kd_tree", copy=True)
        self._tree.fit(features)
        self._features = features
        self._min_samples = min_samples
        self.persistent: Labels = self._tree.labels_.astype(np.int32)
        self.core_distances: FloatVector = np.ravel(cKDTree(features).query(features, k=[min_samples])[0])

    def cut(self, eps: float) -> Cut:
        """Return DBSCAN at `eps`; TrainingError when there is no core customer."""
        core = self.core_distances <= eps
        if not core.any():
            raise TrainingError(
                f"no customer has {self._min_samples} customers within eps {eps:.4g}: everything would be noise; "
                "set a larger eps or a smaller min_samples"
            )
        labels = self._tree.dbscan_clustering(np.nextafter(eps, np.inf), min_cluster_size=1)
        parameters = _parameters(self._features[core], labels[core], eps)
        return Cut(parameters=parameters, core=core, labels=assigner(parameters)(self._features).labels)


def _parameters(core: FloatMatrix, labels: NDArray[np.intp], eps: float) -> dict[str, NDArray[Any]]:
    """Return the different core rows, sorted, with canonical labels: clusters by the mean of their core rows."""
    numbers = np.unique(labels, return_inverse=True)[1]
    sizes = np.bincount(numbers)
    centres = np.column_stack([np.bincount(numbers, weights=column) / sizes for column in core.T])
    rank = np.empty(len(sizes), dtype=np.int32)
    rank[canonical_order(centres)] = np.arange(len(sizes), dtype=np.int32)
    points, first = np.unique(core, axis=0, return_index=True)
    return {"core": points, "core_labels": rank[numbers[first]], "eps": np.array(eps)}


def _min_samples(rows: int, dimensions: int) -> int:
    return max(2 * dimensions, min(int(MIN_SAMPLES_SHARE * rows), MOST_MIN_SAMPLES))


def _search_eps(features: FloatMatrix, min_samples: int) -> float:
    hierarchy = Hierarchy(features, min_samples)
    noise = float(np.mean(hierarchy.persistent == NOISE))
    if noise > MOST_HIERARCHY_NOISE:
        raise TrainingError(
            f"no groups of density with min_samples {min_samples}: {100 * noise:.0f} % of the customers belong to no "
            f"group at any eps, over {100 * MOST_HIERARCHY_NOISE:.0f} %; set eps to have one nevertheless"
        )
    tried = np.maximum(_knee(hierarchy.core_distances) * KNEE_FACTORS, hierarchy.core_distances.min())
    candidates = [(float(eps), hierarchy.cut(float(eps)).labels) for eps in tried]
    scores = np.array([_score(labels, hierarchy.persistent) for _, labels in candidates])
    best = int(scores.argmax())
    if scores[best] < LEAST_AGREEMENT:
        reasons = "; ".join(red_flags(candidates[best][1])) or f"agreement {scores[best]:.2f}, under {LEAST_AGREEMENT}"
        raise TrainingError(
            f"no eps between {candidates[0][0]:.3g} and {candidates[-1][0]:.3g} separates groups with min_samples "
            f"{min_samples}: at the best, {candidates[best][0]:.3g}, {reasons}; set eps to have it nevertheless"
        )
    plateau = np.flatnonzero(scores == scores[best])
    return candidates[int(plateau[len(plateau) // 2])][0]


def _knee(distances: FloatVector) -> float:
    """Return the knee of the sorted k-distances; their upper decile or largest when the curve has none.

    When every customer has `min_samples` equals, all of these are 0, and the answer is one standard deviation.
    """
    from kneed import KneeLocator

    curve = np.quantile(distances, np.linspace(0, 1, min(len(distances), KNEE_POINTS)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        knee = KneeLocator(np.arange(len(curve)), curve, curve="convex", direction="increasing").knee_y
    return next(float(eps) for eps in (knee, np.quantile(distances, 0.9), distances.max(), 1.0) if eps and eps > 0)


def _score(labels: Labels, persistent: Labels) -> float:
    from sklearn.metrics import adjusted_rand_score

    if red_flags(labels):
        return 0.0
    alone = np.where(labels == NOISE, labels.max() + 1 + np.arange(len(labels)), labels)
    inside = persistent != NOISE
    agreement = adjusted_rand_score(persistent[inside], alone[inside])
    return float(agreement * np.mean(labels != NOISE))
