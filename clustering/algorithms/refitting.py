"""DBSCAN of many samples of the same rows.

Who is near whom is found once; a sample only says how often each row counts. All samples are worked on as one graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

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
        left, right, distances = _edges(self.points, eps)
        narrow = left.astype(np.min_scalar_type(len(self.points)))  # sorted in linear time, where 16 bits do
        order = np.argsort(narrow, kind="stable")  # of each point, the nearest first
        self._left, self._right, self._distances = left[order], right[order], distances[order]
        self._bounds = np.searchsorted(self._left, np.arange(len(self.points) + 1))
        nearest = self._bounds[:-1, np.newaxis] + np.arange(FEW)
        self._near = nearest[nearest < self._bounds[1:, np.newaxis]]
        self._near_left, self._near_right = self._left[self._near], self._right[self._near]
        self._denser = self._densest_neighbours()

    def core(self, drawn: NDArray[np.intp], min_samples: int) -> NDArray[np.bool_]:
        """Return which points (b, p) are core in samples of rows `drawn` (b, m)."""
        counts = np.stack([np.bincount(self._place[rows], minlength=len(self.points)) for rows in drawn])
        core: NDArray[np.bool_] = (counts > 0) & (self._sums(counts.astype(np.float32)) >= min_samples)
        return core

    def clusters(self, drawn: NDArray[np.intp], core: NDArray[np.bool_]) -> list[Labels]:
        """Return the labels (p,) of the core points of each sample of rows `drawn` (b, m), noise for all others."""
        numbers = self._basins(core)
        narrow = np.where(core, numbers, NOISE).astype(np.int32)  # read faster
        left, right = (narrow.take(ends, axis=1) for ends in (self._near_left, self._near_right))
        samples, near = np.divmod(np.flatnonzero((left != right) & (np.minimum(left, right) >= 0)), len(self._near))
        numbers = self._joined(core, numbers, samples, self._near[near])
        doubtful = np.arange(len(core))
        while len(doubtful):
            meets = core[doubtful] & self._meets_others(core[doubtful], numbers[doubtful])
            meeting = np.nonzero(meets)
            doubtful, samples, points = doubtful[meets.any(axis=1)], doubtful[meeting[0]], meeting[1]
            first = np.unique(numbers[samples, points], return_index=True)[1]  # of each number, one joins it
            samples, points = samples[first], points[first]
            degrees = self._bounds[points + 1] - self._bounds[points]
            numbers = self._joined(core, numbers, np.repeat(samples, degrees), self._edges_of(points))
        return [self._canonical(*one) for one in zip(drawn, core, numbers, strict=True)]

    def label(self, clusters: Labels, assigner: Callable[[], Assigner]) -> Labels:
        """Return the labels (n,) of all rows: those of the nearest core points, which have `clusters` (p,).

        Where several are equally near, the assigner that is made on demand decides.
        """
        labels, core = clusters.copy(), clusters != NOISE
        nearest = np.full(len(core), np.nan)
        edges = self._near[~core[self._near_left]]
        for _ in range(2):
            edges = edges[core[self._right[edges]]]
            first = edges[np.flatnonzero(np.diff(self._left[edges], prepend=-1))]
            labels[self._left[first]] = clusters[self._right[first]]
            doubtful = first[self._has_equal(first)]
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
        ranks[self._near_left, self._near - self._bounds[self._near_left]] = rank[self._near_right]
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

    def _sums(self, values: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        """Return the sums (b, p) of values (b, p) over the neighbours of each point, itself included.

        They are whole numbers, for which floating point is exact, and faster than integers.
        """
        from scipy.sparse import csr_array

        points = len(self.points)
        ones = np.ones(len(self._right), dtype=values.dtype)
        graph = csr_array((ones, self._right, self._bounds), shape=(points, points))
        sums: NDArray[np.floating[Any]] = np.ascontiguousarray((graph @ np.ascontiguousarray(values.T)).T)
        return sums

    def _meets_others(self, core: NDArray[np.bool_], numbers: Places) -> NDArray[np.bool_]:
        """Return which points (b, p) have core neighbours whose mean number is another: none, where none meets others.

        Among points that are connected, one with the largest number has no such mean only if all have that number.
        """
        own = np.where(core, numbers - numbers.min(axis=1, keepdims=True), 0)
        sums = self._sums((own * TOGETHER + core).astype(np.float64))
        of_numbers = np.floor(sums / TOGETHER)
        meets: NDArray[np.bool_] = of_numbers != (sums - of_numbers * TOGETHER) * own
        return meets

    def _joined(self, core: NDArray[np.bool_], numbers: Places, samples: Places, edges: Places) -> Places:
        """Return numbers (b, p) that are the same where edges (e,) from core points of `samples` (e,) connect them."""
        within = core[samples, self._right[edges]]
        samples, edges = samples[within], edges[within]
        left, right = numbers[samples, self._left[edges]], numbers[samples, self._right[edges]]
        return joined(left, right, core.size)[numbers]

    def _has_equal(self, edges: Places) -> NDArray[np.bool_]:
        """Return whether the next edge of the same point is as long."""
        following = np.minimum(edges + 1, len(self._left) - 1)
        same = (self._left[edges] == self._left[following]) & (self._distances[edges] == self._distances[following])
        found: NDArray[np.bool_] = same & (following > edges)
        return found

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


def _edges(points: FloatMatrix, eps: float) -> tuple[Places, Places, FloatVector]:
    """Return the ends (e,) of all steps of at most `eps` between points (p, d), both ways, and their lengths (e,).

    The shortest come first: those from each point to itself.
    """
    pairs = tree_of(points).query_pairs(eps * SLACK, output_type="ndarray")
    one, other = np.ascontiguousarray(pairs.T)
    squares = np.zeros(len(pairs))
    for column in np.ascontiguousarray(points.T):
        apart = column[one]
        apart -= column[other]
        apart *= apart
        squares += apart
    lengths = np.sqrt(squares, out=squares)
    order = np.argsort(lengths)[: np.count_nonzero(lengths <= eps)]
    pairs, everyone = pairs[order], np.arange(len(points))
    return (
        np.concatenate([everyone, pairs.reshape(-1)]),
        np.concatenate([everyone, pairs[:, ::-1].reshape(-1)]),
        np.concatenate([np.zeros(len(points)), np.repeat(lengths[order], 2)]),
    )
