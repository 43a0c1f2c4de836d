"""How well a clustering agrees with the clusters that persist: the mean of adjusted Rand indices.

All of them are counted in one table: rows that are in the same persistent clusters throughout are one column.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatVector, Labels

Counts = NDArray[np.int64]


class Persistent:
    """Several labellings (n,) of the same rows, to compare others with.

    Of each, only rows count that are in a cluster. Every noise row of the other counts as a cluster of its own.

    >>> groups = Persistent([np.array([0, 0, 1, 1, -1]), np.array([0, 0, 0, 0, 0])])
    >>> groups.agreements(list(np.array([[0, 0, 1, 1, 2], [0, 0, 0, 0, 0], [0, 0, 1, -1, 2]]))).tolist()
    [0.5, 0.5, 0.2857142857142857]
    """

    def __init__(self, labellings: Sequence[Labels]) -> None:
        self._all = len(labellings)
        kept = [labels for labels in labellings if np.any(labels != NOISE)]
        if not kept:
            self._cell, self._groups = np.zeros(0, dtype=np.intp), np.zeros((0, 0))
            return
        cells, self._cell, counts = _distinct(np.array(kept))
        groups = [np.unique(own[own != NOISE]) for own in cells]
        self._first = np.cumsum([0, *map(len, groups)])[:-1]  # group of each labelling
        belongs = np.hstack([own[:, np.newaxis] == one for own, one in zip(cells, groups, strict=True)])
        self._groups = belongs.astype(np.float64)  # whole numbers, multiplied faster than integers
        sizes = (counts @ self._groups).astype(np.int64)
        self._rows, self._same_group = self._sums(sizes), self._sums(sizes**2)

    def agreements(self, labellings: Sequence[Labels]) -> FloatVector:
        """Return the mean adjusted Rand index with each of some labels (n,); 0 where a labelling has no clusters."""
        if not len(self._cell) or not labellings:
            return np.zeros(len(labellings))
        squares = np.array([self._squares(labels) for labels in labellings])
        indices = _adjusted_rand_indices(self._rows, squares[:, 0], squares[:, 1], self._same_group)
        found: FloatVector = indices.sum(axis=1) / self._all
        return found

    def _squares(self, labels: Labels) -> tuple[Counts, Counts]:
        """Return the squared sizes (l,) of the intersections of clusters and groups, and of the clusters, summed."""
        shape = (int(labels.max()) + 2, len(self._groups))
        codes = (labels - NOISE) * shape[1] + self._cell
        counts = np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape)[1:]  # without noise
        table = (counts @ self._groups).astype(np.int64)
        clusters = self._sums(table)
        alone = self._rows - clusters.sum(axis=0)
        return self._sums(table**2).sum(axis=0) + alone, (clusters**2).sum(axis=0) + alone

    def _sums(self, of_groups: Counts) -> Counts:
        """Return the sums over the groups of each labelling, the last axis."""
        return np.add.reduceat(of_groups, self._first, axis=-1)


def _distinct(labellings: NDArray[np.int32]) -> tuple[NDArray[np.int32], NDArray[np.intp], NDArray[np.int64]]:
    """Return the different columns (l, c) of labellings (l, n), which one each row has, and how many rows each has.

    >>> [found.tolist() for found in _distinct(np.array([[1, -1, 1], [0, 0, 0]]))]
    [[[-1, 1], [0, 0]], [1, 0, 1], [1, 2]]
    """
    codes = np.zeros(labellings.shape[1], dtype=np.int64)
    for labels in labellings:  # numbered anew after each, so that codes stay small
        codes = np.unique(codes * (int(labels.max()) + 2) + labels + 1, return_inverse=True)[1]
    first, counts = np.unique(codes, return_index=True, return_counts=True)[1:]
    return labellings[:, first], codes, counts


def _adjusted_rand_indices(rows: Counts, both: Counts, one: Counts, other: Counts) -> FloatVector:
    """Return the indices (c, l) (Hubert & Arabie, 1985) from the squared sizes, summed over all clusters.

    `both` (c, l) are those of the intersections, `one` and `other` those of the two clusterings. 1 where these are the
    same.
    """
    apart, joined = one - both, other - both
    together, separate = both - rows, rows**2 - one - other + both
    above = 2 * (together * separate - apart * joined)
    below = (together + apart) * (apart + separate) + (together + joined) * (joined + separate)
    indices: FloatVector = np.divide(above, below, out=np.ones(both.shape), where=(apart > 0) | (joined > 0))
    return indices
