"""DBSCAN's two settings, found without labels.

Several values of `min_samples` are tried, each with a range of `eps` around the knee of its k-distances (Sander, Ester,
Kriegel & Xu, 1998). The measure of a clustering is its agreement with the clusters that persist through the whole
hierarchy of densities (HDBSCAN; Campello, Moulavi & Sander, 2013), coarse (excess of mass) and fine (leaves), of every
`min_samples` alike: one hierarchy alone is led astray by its own resolution. Agreement is the adjusted Rand index over
the customers of persistent clusters, times the root of the share of customers that are not noise. Every noise customer
counts as a cluster of its own, so noise can never improve a solution.

Two groups of customers on one feature, the second one twice as wide, and a customer who is far from all:

>>> features = np.array([0, 1, 2, 3, 4, 5, 12, 14, 16, 18, 20, 22, 60.0])[:, None]
>>> hierarchy = Hierarchy(features, min_samples=3)

From this `eps` on, each of them has three customers within it, the customer included, and is core. Sorted, these are
the k-distances, with their knee at 4:

>>> hierarchy.core_distances.tolist()
[2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 2.0, 2.0, 2.0, 2.0, 4.0, 40.0]

A small `eps` loses the wide group, a large one joins both, and between them lies what is looked for:

>>> for eps in (1.0, 3.0, 8.0):
...     print(eps, hierarchy.cut(eps).labels.tolist())
1.0 [0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1]
3.0 [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, -1]
8.0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1]

Nobody says which is right, but both groups persist over a wide range of densities, coarse and fine alike. The first and
the last clustering have red flags and count as 0; the second one agrees, but for one of 13 customers who is noise:

>>> persistent = hierarchy.persistent()
>>> [labels.tolist() for labels in persistent] == 2 * [hierarchy.cut(3.0).labels.tolist()]
True
>>> [round(_agreement(hierarchy.cut(eps).labels, persistent), 3) for eps in (1.0, 3.0, 8.0)]
[0.0, 0.961, 0.0]

Of all the `eps` around the knee that agree best, the middle one is taken:

>>> [round(found["eps"], 2) for found in search(features, min_samples=3)]
[3.78]
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatMatrix, FloatVector, Labels, Settings
from clustering.errors import TrainingError

MIN_SAMPLES_SHARE = 0.01
MIN_SAMPLES_FACTORS = (0.5, 0.75, 1.0, 1.5, 2.0)
PERSISTENT_SHARE = 0.02  # of the customers: the smallest cluster that the hierarchy counts as one
MOST_OF_ALL = 0.8  # of the customers: the largest cluster, or everything that touches would persist as one
KNEE_FACTORS = np.geomspace(0.4, 1.8, 50)
KNEE_POINTS = 2000

LARGEST_SHARE = 0.95
MOST_NOISE = 0.30
LARGEST_LAYER = 0.10  # of the core customers at one value


def search(features: FloatMatrix, *, min_samples: int | None = None) -> list[Settings]:
    """Return the best `eps` for each `min_samples`, or for the one that is given, the best of all first.

    Raises TrainingError when there are fewer customers than `min_samples`.
    """
    usual = min_samples_to_try(*features.shape)
    tried = [min_samples] if min_samples else [one for one in usual if one <= len(features)] or usual[:1]
    hierarchies = [Hierarchy(features, one) for one in tried]
    persistent = [labels for hierarchy in hierarchies for labels in hierarchy.persistent()]
    found = [_best_cut(hierarchy, persistent) for hierarchy in hierarchies]
    order = sorted(range(len(found)), key=lambda place: -found[place][1])
    return [{"eps": found[place][0], "min_samples": tried[place]} for place in order]


def min_samples_to_try(rows: int, dimensions: int) -> list[int]:
    """Return several values around twice the number of features, or around 1 % of many customers.

    A share, since a sample that grows must not need an `eps` that shrinks.

    >>> min_samples_to_try(200, 2), min_samples_to_try(5000, 2)
    ([3, 4, 6, 8], [25, 38, 50, 75, 100])
    """
    usual = max(2 * dimensions, int(MIN_SAMPLES_SHARE * rows))
    return sorted({max(dimensions + 1, math.floor(factor * usual + 0.5)) for factor in MIN_SAMPLES_FACTORS})


def red_flags(labels: Labels) -> list[str]:
    """Return what speaks against a DBSCAN clustering of rows with these labels (Schubert et al., 2017).

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


def layers(core: FloatMatrix, eps: float, names: Sequence[str]) -> list[str]:
    """Return a doubt for each column of core rows (m, d) in which `eps` is less than the step to a common value.

    The customers with that value are a layer of their own there, whatever else they are like.
    """
    doubts = []
    for name, column in zip(names, core.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        steps = np.diff(values, prepend=-np.inf, append=np.inf)
        alone = np.minimum(steps[:-1], steps[1:]) > eps
        common = counts > LARGEST_LAYER * len(core)
        if len(values) > 1 and np.any(alone & common):
            share = counts[alone & common].max() / len(core)
            doubts.append(
                f"{100 * share:.0f} % of the customers have the same {name} and the next value is farther than eps, "
                "so that values are taken for groups"
            )
    return doubts


@dataclass(frozen=True)
class Cut:
    """DBSCAN at one `eps`: which rows are core (n,), their clusters, and every row's cluster (n,), noise -1."""

    core: NDArray[np.bool_]
    core_labels: Labels
    labels: Labels


class Hierarchy:
    """Every DBSCAN clustering of features (n, d) with one `min_samples`, to be cut at any `eps`.

    Memory grows with the number of customers, not with that of their neighbours within `eps`.
    """

    def __init__(self, features: FloatMatrix, min_samples: int) -> None:
        from scipy.spatial import cKDTree  # as below: other algorithms do not pay for the import

        rows = len(features)
        if rows < min_samples:
            raise TrainingError(f"min_samples {min_samples} needs at least as many customers, there are {rows}")
        self._features = features
        self._min_samples = min_samples
        self._tree = self._grow("eom")
        self.core_distances: FloatVector = np.ravel(cKDTree(features).query(features, k=[min_samples])[0])

    def persistent(self) -> list[Labels]:
        """Return the labels of the clusters that hold together longest, and of those that split no further.

        Of the first, none holds more than MOST_OF_ALL of the customers.
        """
        return [self._tree.labels_, self._grow("leaf").labels_]

    def cut(self, eps: float) -> Cut:
        """Return DBSCAN at `eps`; TrainingError when there is no core customer."""
        core = self.core_distances <= eps
        if not core.any():
            raise TrainingError(
                f"no customer has {self._min_samples} customers within eps {eps:.4g}: everything would be noise; "
                "set a larger eps or a smaller min_samples"
            )
        of_core = self._tree.dbscan_clustering(np.nextafter(eps, np.inf), min_cluster_size=1)[core]
        core_labels = np.unique(of_core, return_inverse=True)[1].astype(np.int32)
        labels = np.full(len(core), NOISE, dtype=np.int32)
        labels[core] = core_labels
        border = np.flatnonzero(~core)
        if len(border):
            from scipy.spatial import cKDTree

            distances, nearest = map(np.asarray, cKDTree(self._features[core]).query(self._features[border]))
            within = distances <= eps
            labels[border[within]] = core_labels[nearest[within]]
        return Cut(core, core_labels, labels)

    def _grow(self, method: str) -> Any:
        from sklearn.cluster import HDBSCAN

        rows = len(self._features)
        smallest = min(max(self._min_samples, math.ceil(PERSISTENT_SHARE * rows), 2), rows)
        return HDBSCAN(
            min_cluster_size=smallest,
            min_samples=self._min_samples,
            cluster_selection_method=method,
            algorithm="kd_tree",
            copy=True,
            max_cluster_size=max(int(MOST_OF_ALL * rows), smallest),
        ).fit(self._features)


def _best_cut(hierarchy: Hierarchy, persistent: list[Labels]) -> tuple[float, float]:
    """Return the `eps` around the knee that agrees best with persistent clusters, and how well; of ties the middle."""
    lowest = float(hierarchy.core_distances.min())
    knee = _knee(hierarchy.core_distances)
    tried = np.maximum(knee * KNEE_FACTORS, lowest)
    scores = np.array([_agreement(hierarchy.cut(float(eps)).labels, persistent) for eps in tried])
    if scores.max() <= 0:
        return max(knee, lowest), 0.0
    plateau = np.flatnonzero(scores == scores.max())
    return float(tried[plateau[len(plateau) // 2]]), float(scores.max())


def _agreement(labels: Labels, persistent: list[Labels]) -> float:
    from sklearn.metrics import adjusted_rand_score

    if red_flags(labels):
        return 0.0
    alone = np.where(labels == NOISE, labels.max() + 1 + np.arange(len(labels)), labels)
    indices = [
        adjusted_rand_score(groups[inside], alone[inside]) if inside.any() else 0.0
        for groups in persistent
        for inside in (groups != NOISE,)
    ]
    return float(np.mean(indices) * np.sqrt(np.mean(labels != NOISE)))


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
