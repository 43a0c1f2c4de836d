"""DBSCAN of many samples of the same rows.

Who is near whom is found once; a sample only says how often each row counts. All samples are worked on as one graph.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, Assigner, FloatMatrix, FloatVector, Labels
from clustering.algorithms.reachability import SLACK, Places, canonical_numbers, joined, tree_of

FEW = 8  # of a point's neighbours connect nearly all that is connected, and hold the nearest core point of nearly all

TOGETHER = 2**20  # more than a point has neighbours: two sums are one


class NeighbourGraph:
    """Which of the different rows of features (n, d) are neighbours within `eps`, and how far from each other.

    Memory grows with the number of neighbours: some 40 bytes for each pair of rows, where all are within `eps`.
    """

    def __init__(self, features: FloatMatrix, eps: float) -> None:
        self._features = features
        self.points, self._place = np.unique(features, axis=0, return_inverse=True)
        tree = tree_of(self.points)
        found = tree.sparse_distance_matrix(tree, eps * SLACK, output_type="ndarray")
        left, right, distances = found["i"], found["j"], found["v"]
        order = np.argsort(distances)
        order = order[distances[order] <= eps]
        narrow = left[order].astype(np.min_scalar_type(len(self.points)))  # sorted in linear time, where 16 bits do
        order = order[np.argsort(narrow, kind="stable")]  # of each point, the nearest first
        self._left, self._right, self._distances = left[order], right[order], distances[order]
        self._bounds = np.searchsorted(self._left, np.arange(len(self.points) + 1))
        self._has_equal = (np.diff(self._left, append=-1) == 0) & (np.diff(self._distances, append=-1.0) == 0)
        self._near = np.flatnonzero(np.arange(len(order)) - self._bounds[self._left] < FEW)
        self._denser = self._densest_neighbours()

    def core(self, drawn: NDArray[np.intp], min_samples: int) -> NDArray[np.bool_]:
        """Return which points (b, p) are core in samples of rows `drawn` (b, m)."""
        counts = np.stack([np.bincount(self._place[rows], minlength=len(self.points)) for rows in drawn])
        core: NDArray[np.bool_] = (counts > 0) & (self._sums(counts) >= min_samples)
        return core

    def clusters(self, drawn: NDArray[np.intp], core: NDArray[np.bool_]) -> list[Labels]:
        """Return the labels (p,) of the core points of each sample of rows `drawn` (b, m), noise for all others."""
        numbers = self._basins(core)
        narrow = np.where(core, numbers, NOISE).astype(np.int32)  # read faster
        left, right = (narrow.take(one[self._near], axis=1) for one in (self._left, self._right))
        samples, near = np.divmod(np.flatnonzero((left != right) & (np.minimum(left, right) >= 0)), len(self._near))
        numbers = self._joined(core, numbers, samples, self._near[near])
        while len((meeting := np.nonzero(core & self._meets_others(core, numbers)))[0]):
            first = np.unique(numbers[meeting], return_index=True)[1]  # of each number, one is enough to join it
            samples, points = (one[first] for one in meeting)
            degrees = self._bounds[points + 1] - self._bounds[points]
            numbers = self._joined(core, numbers, np.repeat(samples, degrees), self._edges_of(points))
        return [self._canonical(*one) for one in zip(drawn, core, numbers, strict=True)]

    def label(self, clusters: Labels, assigner: Callable[[], Assigner]) -> Labels:
        """Return the labels (n,) of all rows: those of the nearest core points, which have `clusters` (p,).

        Where several are equally near, the assigner that is made on demand decides.
        """
        labels, core = clusters.copy(), clusters != NOISE
        nearest = np.full(len(core), np.nan)
        edges = self._near[~core[self._left[self._near]]]
        for _ in range(2):
            edges = edges[core[self._right[edges]]]
            first = edges[np.flatnonzero(np.diff(self._left[edges], prepend=-1))]
            labels[self._left[first]] = clusters[self._right[first]]
            doubtful = first[self._has_equal[first]]
            nearest[self._left[doubtful]] = self._distances[doubtful]
            edges = self._edges_of(np.flatnonzero(labels == NOISE))
        tied = self._tied(nearest, labels, clusters)
        if len(tied):
            labels[tied] = assigner()(self.points[tied]).labels
        return labels[self._place]

    def _densest_neighbours(self) -> Places:
        """Return the nearest neighbours (p, FEW) of each point, the densest first, itself in place of sparser ones."""
        by_density = np.argsort(-np.diff(self._bounds), kind="stable")
        rank = np.empty(len(by_density), dtype=np.intp)
        rank[by_density] = np.arange(len(by_density))
        ranks = np.repeat(rank[:, np.newaxis], FEW, axis=1)
        points = self._left[self._near]
        ranks[points, self._near - self._bounds[points]] = rank[self._right[self._near]]
        found: Places = by_density[np.sort(np.minimum(ranks, rank[:, np.newaxis]), axis=1)]
        return found

    def _basins(self, core: NDArray[np.bool_]) -> Places:
        """Return numbers (b, p) that are the same only where core points are connected, by their densest neighbours."""
        points = np.arange(core.shape[1])
        first = core[:, self._denser].argmax(axis=2)
        above = np.where(core, self._denser[points, first], points)
        above += np.arange(len(core))[:, np.newaxis] * len(points)
        flat = above.reshape(-1)
        while not np.array_equal(further := flat[flat], flat):
            flat = further
        return flat.reshape(core.shape)

    def _sums(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the sums (b, p) of values (b, p) over the neighbours of each point, itself included."""
        from scipy.sparse import csr_array

        points = len(self.points)
        ones = np.ones(len(self._right), dtype=np.int64)
        graph = csr_array((ones, self._right, self._bounds), shape=(points, points))
        return np.ascontiguousarray((graph @ np.ascontiguousarray(values.T)).T)

    def _meets_others(self, core: NDArray[np.bool_], numbers: Places) -> NDArray[np.bool_]:
        """Return which points (b, p) have core neighbours whose mean number is another: none, where none meets others.

        Among points that are connected, one with the largest number has no such mean only if all have that number.
        """
        own = np.where(core, numbers - numbers.min(axis=1, keepdims=True), 0)
        sums = self._sums(own * TOGETHER + core)
        meets: NDArray[np.bool_] = sums // TOGETHER != (sums % TOGETHER) * own
        return meets

    def _joined(self, core: NDArray[np.bool_], numbers: Places, samples: Places, edges: Places) -> Places:
        """Return numbers (b, p) that are the same where edges (e,) from core points of `samples` (e,) connect them."""
        within = core[samples, self._right[edges]]
        samples, edges = samples[within], edges[within]
        left, right = numbers[samples, self._left[edges]], numbers[samples, self._right[edges]]
        return joined(left, right, core.size)[numbers]

    def _edges_of(self, points: Places) -> Places:
        """Return the places of all edges from some points, in their order."""
        first, counts = self._bounds[points], self._bounds[points + 1] - self._bounds[points]
        places: Places = np.arange(counts.sum()) + np.repeat(first - np.cumsum(counts) + counts, counts)
        return places

    def _canonical(self, rows: Places, core: NDArray[np.bool_], numbers: Places) -> Labels:
        found = np.zeros(len(core), dtype=np.intp)
        found[core] = np.unique(numbers[core], return_inverse=True)[1]
        places = self._place[rows]
        rows, places = rows[core[places]], places[core[places]]
        labels = np.full(len(core), NOISE, dtype=np.int32)
        if len(rows):
            labels[core] = canonical_numbers(self._features[rows], found[places])[found[core]]
        return labels

    def _tied(self, nearest: FloatVector, labels: Labels, clusters: Labels) -> Places:
        """Return the points that core points of several clusters are equally near to, at distances `nearest` (p,)."""
        edges = self._edges_of(np.flatnonzero(~np.isnan(nearest)))
        edges = edges[self._distances[edges] == nearest[self._left[edges]]]
        others = clusters[self._right[edges]]
        return np.unique(self._left[edges[(others != NOISE) & (others != labels[self._left[edges]])]])
