"""DBSCAN of many samples of the same rows.

Who is near whom is found once; a sample only says how often each row counts.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, Assigner, FloatMatrix, Labels
from clustering.algorithms.reachability import SLACK, Places, canonical_numbers, joined, tree_of

FEW = 8  # of a point's neighbours connect nearly all that is connected


class NeighbourGraph:
    """Which of the different rows of features (n, d) are neighbours within `eps`, and how far from each other.

    Memory grows with the number of neighbours: some 40 bytes for each pair of rows, where all are within `eps`.
    """

    def __init__(self, features: FloatMatrix, eps: float) -> None:
        self._features = features
        self.points, self._place = np.unique(features, axis=0, return_inverse=True)
        tree = tree_of(self.points)
        graph = tree.sparse_distance_matrix(tree, eps * SLACK, output_type="coo_matrix").tocsr()
        left = np.repeat(np.arange(len(self.points)), np.diff(graph.indptr))
        within = graph.data <= eps
        self._left, self._right, self._distances = (
            left[within],
            graph.indices[within].astype(np.intp),
            graph.data[within],
        )
        self._first = np.searchsorted(self._left, np.arange(len(self.points)))
        once = self._left < self._right
        self._edges = self._left[once], self._right[once]
        few = np.flatnonzero(np.arange(len(self._left)) - self._first[self._left] < FEW)
        self._few = self._left[few], self._right[few]

    def core(self, rows: Places, min_samples: int) -> NDArray[np.bool_]:
        """Return which points (p,) are core in a sample of `rows` (m,)."""
        counts = np.bincount(self._place[rows], minlength=len(self.points))
        return (counts > 0) & (np.add.reduceat(counts[self._right], self._first) >= min_samples)

    def clusters(self, rows: Places, core: NDArray[np.bool_]) -> Labels:
        """Return the labels (p,) of the core points of a sample of `rows` (m,), noise for all others."""
        numbers = np.arange(len(core))
        for left, right in (self._few, self._edges):
            apart = np.flatnonzero(numbers[left] != numbers[right])
            edges = apart[core[left[apart]] & core[right[apart]]]
            numbers = joined(numbers[left[edges]], numbers[right[edges]], len(core))[numbers]
        places = self._place[rows]
        rows, places = rows[core[places]], places[core[places]]
        numbers[core] = np.unique(numbers[core], return_inverse=True)[1]
        labels = np.full(len(core), NOISE, dtype=np.int32)
        labels[core] = canonical_numbers(self._features[rows], numbers[places])[numbers[core]]
        return labels

    def label(self, clusters: Labels, assigner: Callable[[], Assigner]) -> Labels:
        """Return the labels (n,) of all rows: those of the nearest core points, which have `clusters` (p,).

        Where several are equally near, the assigner that is made on demand decides.
        """
        labels, core = clusters.copy(), clusters != NOISE
        edges = np.flatnonzero(core[self._right] & ~core[self._left])
        if len(edges):
            first = np.flatnonzero(np.diff(self._left[edges], prepend=-1))
            distances = self._distances[edges]
            nearest = np.repeat(np.minimum.reduceat(distances, first), np.diff(first, append=len(edges)))
            edges = edges[distances == nearest]
            points, found = self._left[edges], clusters[self._right[edges]]
            labels[points] = found
            tied = np.unique(points[labels[points] != found])
            if len(tied):
                labels[tied] = assigner()(self.points[tied]).labels
        return labels[self._place]
