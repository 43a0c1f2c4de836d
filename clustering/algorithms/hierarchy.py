"""Every DBSCAN clustering of some rows with one `min_samples`, and the clusters that persist through all of them.

At any `eps`, DBSCAN's clusters of core rows are what edges of mutual reachability up to `eps` connect: the distance of
two rows, or the core distance of one of them where that is larger (Campello, Moulavi & Sander, 2013). A minimum
spanning tree holds them all. Its rows can be visited so that those of such a cluster come one after the other, as by
Prim's algorithm; then the order of the visits and the length of each step are the whole hierarchy: a cluster is a run
of steps no longer than `eps`.

Four customers on one feature; the third one is farther away than the others are from each other:

>>> tree = Hierarchy(Neighbours(np.array([[0.0], [1.0], [9.0], [2.5]]), most=2), min_samples=2)
>>> tree.order.tolist(), tree.steps.tolist()
([0, 1, 3, 2], [inf, 1.0, 1.5, 6.5])
>>> [tree.cut(eps).labels.tolist() for eps in (1.2, 2.0, 7.0)]
[[0, 0, -1, -1], [0, 0, -1, 0], [0, 0, 0, 0]]

Clusters that persist are those of HDBSCAN. Of equal steps, all are taken at once, so that no order of the rows decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatVector, Labels
from clustering.algorithms.basins import Neighbours, joins, visits

FEW = 8  # neighbours, among which the nearest core row nearly always is


@dataclass(frozen=True)
class Cut:
    """DBSCAN at one `eps`: which rows are core (n,), and every row's cluster (n,), noise -1."""

    core: NDArray[np.bool_]
    labels: Labels


class Hierarchy:
    """Every DBSCAN clustering of rows with one `min_samples`, to be cut at any `eps`."""

    def __init__(self, neighbours: Neighbours, min_samples: int) -> None:
        self.min_samples = min_samples
        self.core_distances: FloatVector = np.ascontiguousarray(neighbours.near[:, min_samples - 1])
        self.order, self.steps = visits(neighbours, min_samples)
        self._near = neighbours.near[:, :min_samples]
        self._places = neighbours.places[:, :min_samples]  # of a row that is not core, fewer lie within any eps
        self._core_from = self.core_distances[self._places].min(axis=1)
        self._noise_until = np.sort(self._core_from)

    def outline(self, eps: float) -> tuple[int, float]:
        """Return how many clusters DBSCAN has at `eps`, and the share of rows that no core row is near enough to.

        It is quickly told; of the rows that are noise, some may be nearer to a core row than that.
        """
        begins = self.order[self.steps > eps]
        far = len(self.order) - np.searchsorted(self._noise_until, eps, side="right")
        return int(np.count_nonzero(self.core_distances[begins] <= eps)), float(far / len(self.order))

    def cut(self, eps: float) -> Cut:
        """Return DBSCAN at `eps`; a row that is not core is in the cluster of its nearest core row within `eps`."""
        core = self.core_distances <= eps
        begins = self.steps > eps
        holds = core[self.order[begins]]  # all rows of a run are core, or it has one
        numbers = np.where(holds, np.cumsum(holds, dtype=np.int32) - 1, np.int32(NOISE))
        labels = np.empty(len(core), dtype=np.int32)
        labels[self.order] = numbers[np.cumsum(begins) - 1]
        border = np.flatnonzero(~core & (self._core_from <= eps))
        for few in (FEW, 4 * FEW, self.min_samples):
            first = core[self._places[:, :few][border]].argmax(axis=1)
            nearest = self._places[border, first]
            found = core[nearest]
            within = found & (self._near[border, first] <= eps)
            labels[border[within]] = labels[nearest[within]]
            border = border[~found]
        return Cut(core, labels)

    def persistent(self, *, smallest: int, largest: int) -> list[Labels]:
        """Return the labels of the clusters that hold together longest, and of those that split no further.

        A cluster has at least `smallest` rows, and none of the first more than `largest`.
        """
        clusters = _condense(self.steps, smallest)
        return [
            self._paint(chosen) for chosen in (_longest(clusters, largest), [one for one in clusters if one.is_leaf])
        ]

    def _paint(self, chosen: list[_Cluster]) -> Labels:
        labels = np.full(len(self.order), NOISE, dtype=np.int32)
        for label, cluster in enumerate(chosen):
            labels[self.order[cluster.first : cluster.end]] = label
        return labels


@dataclass
class _Cluster:
    """A cluster of at least as many rows as count: the run of visits from `first` to before `end`.

    `excess` is its excess of mass: over its rows, the density (1 / eps) at which each leaves it, less that at which
    the cluster itself begins.
    """

    first: int
    end: int
    excess: float
    parts: list[_Cluster]

    @property
    def size(self) -> int:
        return self.end - self.first

    @property
    def is_leaf(self) -> bool:
        return not self.parts


def _condense(steps: FloatVector, smallest: int) -> list[_Cluster]:
    """Return the clusters of at least `smallest` rows, parts before the whole; the one of all rows is left out."""
    found: list[_Cluster] = []
    at: dict[int, _Cluster] = {}  # by the first visit of the run that the cluster has become
    for step, bounds in joins(steps, smallest=smallest):
        first, end = bounds[0], bounds[-1]
        density = 1 / step if step > 0 else np.inf
        parts = [at[start] for start in bounds[:-1] if start in at]
        if len(parts) == 1:
            whole = parts[0]
            whole.excess += (end - first - whole.size) * density
            whole.first, whole.end = first, end
        else:
            for part in parts:
                part.excess -= part.size * density
            whole = _Cluster(first, end, (end - first) * density, parts)
            found.append(whole)
        for start in bounds[1:-1]:
            at.pop(start, None)
        at[first] = whole
    return [one for one in found if one.size < len(steps)]


def _longest(clusters: list[_Cluster], largest: int) -> list[_Cluster]:
    """Return the clusters, of at most `largest` rows and none within another, with the most excess of mass in total."""
    best: dict[int, tuple[float, list[_Cluster]]] = {}
    for cluster in clusters:
        parts = [best.pop(id(part)) for part in cluster.parts]
        inside = sum(excess for excess, _ in parts)
        if cluster.excess >= inside and cluster.size <= largest:
            best[id(cluster)] = cluster.excess, [cluster]
        else:
            best[id(cluster)] = inside, [one for _, chosen in parts for one in chosen]
    return [one for _, chosen in best.values() for one in chosen]
