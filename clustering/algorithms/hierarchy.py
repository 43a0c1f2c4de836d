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

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatVector, Labels
from clustering.algorithms.basins import Densities, Neighbours, joins, visits
from clustering.algorithms.borders import Borders
from clustering.algorithms.reachability import Places

FEWEST_BOUNDS = 3  # of a join: of two runs


@dataclass(frozen=True)
class Cut:
    """DBSCAN at one `eps`: which rows are core (n,), and every row's cluster (n,), noise -1.

    `margin` is the factor by which `eps` may be smaller or larger with the same large clusters, 1 where nobody looked.
    """

    core: NDArray[np.bool_]
    labels: Labels
    margin: float = 1.0


class Hierarchy:
    """Every DBSCAN clustering of rows with one `min_samples`, to be cut at any `eps`."""

    def __init__(self, neighbours: Neighbours, min_samples: int) -> None:
        self.min_samples = min_samples
        densities = Densities(neighbours, min_samples)
        self.core_distances: FloatVector = densities.core
        self.order, self.steps = visits(neighbours, densities)
        self._borders = Borders(neighbours, densities)
        self._core_from, self._joined_from = np.sort(self.core_distances), np.sort(self.steps)

    def outline(self, eps: float) -> tuple[int, float]:
        """Return how many clusters DBSCAN has at `eps`, and the share of rows that are noise; it is quickly told."""
        core, joined = (np.searchsorted(one, eps, side="right") for one in (self._core_from, self._joined_from))
        return int(core - joined), self._borders.noise(eps) / len(self.order)

    def cut(self, eps: float) -> Cut:
        """Return DBSCAN at `eps`; a row that is not core is in the cluster of its nearest core row within `eps`."""
        return next(self.cuts([eps]))

    def cuts(self, ascending: Sequence[float]) -> Iterator[Cut]:
        """Yield the cut at each `eps`, the smallest first."""
        for eps, nearest in zip(ascending, self._borders.nearest(ascending), strict=True):
            yield self._cut(eps, nearest)

    def _cut(self, eps: float, nearest: Places) -> Cut:
        core = self.core_distances <= eps
        begins = np.flatnonzero(self.steps > eps)
        holds = core[self.order[begins]]  # all rows of a run are core, or it has one
        numbers = np.where(holds, np.cumsum(holds, dtype=np.int32) - 1, np.int32(NOISE))
        labels = np.empty(len(core), dtype=np.int32)
        labels[self.order] = np.repeat(numbers, np.diff(begins, append=len(core)))
        border = np.flatnonzero(~core & (nearest >= 0))
        labels[border] = labels[nearest[border]]
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
        if len(bounds) == FEWEST_BOUNDS and first in at and bounds[1] not in at:  # nearly always: it only grows
            whole = at[first]
            whole.excess += (end - whole.end) * density
            whole.end = end
            continue
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
