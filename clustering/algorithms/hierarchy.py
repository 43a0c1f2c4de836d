"""Every DBSCAN clustering of some rows with one `min_samples`, and the clusters that persist through all of them.

At any `eps`, DBSCAN's clusters of core rows are what edges of mutual reachability up to `eps` connect: the distance of
two rows, or the core distance of one of them where that is larger (Campello, Moulavi & Sander, 2013). A minimum
spanning tree holds them all. Prim's algorithm visits the rows of such a cluster one after the other, so that the order
of its visits and the length of each step are the whole hierarchy: a cluster is a run of steps no longer than `eps`.

Four customers on one feature; the third one is farther away than the others are from each other:

>>> tree = Hierarchy(Neighbours(np.array([[0.0], [1.0], [9.0], [2.5]]), most=2), min_samples=2)
>>> tree.order.tolist(), tree.steps.tolist()
([0, 1, 3, 2], [inf, 1.0, 1.5, 6.5])
>>> [tree.cut(eps).labels.tolist() for eps in (1.2, 2.0, 7.0)]
[[0, 0, -1, -1], [0, 0, -1, 0], [0, 0, 0, 0]]

Clusters that persist are those of HDBSCAN. Of equal steps, all are taken at once, so that no order of the rows decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatMatrix, FloatVector, Labels
from clustering.algorithms.reachability import Places, nearest, tree_of
from clustering.errors import TrainingError


class Neighbours:
    """The distances (n, n) of features (n, d) from each other, and the `most` nearest rows of each, the nearest first.

    Memory grows with the square of the rows: 8 bytes for each pair.
    """

    def __init__(self, features: FloatMatrix, most: int) -> None:
        if len(features) < most:
            raise TrainingError(f"min_samples {most} needs at least as many customers, there are {len(features)}")
        from scipy.spatial.distance import cdist

        self.distances: FloatMatrix = cdist(features, features)
        self.places = nearest(features, tree_of(features), most)[1]
        self.near = np.take_along_axis(self.distances, self.places, axis=1)  # equal to the last bit


@dataclass(frozen=True)
class Cut:
    """DBSCAN at one `eps`: which rows are core (n,), and every row's cluster (n,), noise -1."""

    core: NDArray[np.bool_]
    labels: Labels


class Hierarchy:
    """Every DBSCAN clustering of rows with one `min_samples`, to be cut at any `eps`."""

    def __init__(self, neighbours: Neighbours, min_samples: int) -> None:
        self.min_samples = min_samples
        self._near = neighbours.near[:, :min_samples]
        self._places = neighbours.places[:, :min_samples]
        self.core_distances: FloatVector = np.ascontiguousarray(self._near[:, -1])
        self.order, self.steps = _visits(neighbours.distances, self.core_distances)

    def cut(self, eps: float) -> Cut:
        """Return DBSCAN at `eps`; a row that is not core is in the cluster of its nearest core row within `eps`."""
        core = self.core_distances <= eps
        runs = np.empty(len(core), dtype=np.intp)
        runs[self.order] = np.cumsum(self.steps > eps) - 1
        numbers = np.zeros(len(core), dtype=np.int32)
        numbers[runs[core]] = 1
        numbers = np.cumsum(numbers, dtype=np.int32) - 1
        labels = np.full(len(core), NOISE, dtype=np.int32)
        labels[core] = numbers[runs[core]]
        border = np.flatnonzero(~core)
        places = self._places[border]  # fewer than min_samples rows lie within eps: all of them are here
        first = core[places].argmax(axis=1)
        nearest = places[np.arange(len(border)), first]
        within = core[nearest] & (self._near[border, first] <= eps)
        labels[border[within]] = labels[nearest[within]]
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


def _visits(distances: FloatMatrix, core: FloatVector) -> tuple[Places, FloatVector]:
    """Return the order (n,) in which Prim's algorithm visits the rows, and the length (n,) of the step to each."""
    order = np.zeros(len(core), dtype=np.intp)
    steps = np.full(len(core), np.inf)
    waiting = core.copy()  # infinite, where a row has been visited
    reached, ahead = np.full(len(core), np.inf), np.empty(len(core))
    row = 0
    for place in range(1, len(core)):
        waiting[row] = np.inf
        np.maximum(distances[row], core[row], out=ahead)
        np.minimum(reached, ahead, out=reached)
        np.maximum(reached, waiting, out=ahead)
        row = int(ahead.argmin())
        order[place], steps[place] = row, ahead[row]
    return order, steps


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
    for step, bounds in joins(steps):
        first, end = bounds[0], bounds[-1]
        if end - first < smallest:
            continue
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


def joins(steps: FloatVector) -> Iterator[tuple[float, list[int]]]:
    """Yield the joins of runs, short steps first: the step, the first visits of all runs it joins, and their end.

    Runs that equal steps connect are joined at once.
    """
    end, start = list(range(1, len(steps) + 1)), list(range(-1, len(steps)))  # of a run, by its first visit, by its end
    pending = sorted(zip(steps[1:].tolist(), range(1, len(steps)), strict=True))
    last = 0
    while last < len(pending):
        step, place = pending[last]
        bounds = [start[place], place, end[place]]
        last += 1
        while last < len(pending) and pending[last] == (step, bounds[-1]):
            bounds.append(end[bounds[-1]])
            last += 1
        end[bounds[0]], start[bounds[-1]] = bounds[-1], bounds[0]
        yield step, bounds


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
