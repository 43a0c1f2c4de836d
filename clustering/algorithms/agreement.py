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
    >>> [groups.agreement(np.array(labels)) for labels in ([0, 0, 1, 1, 2], [0, 0, 0, 0, 0], [0, 0, 1, -1, 2])]
    [0.5, 0.5, 0.2857142857142857]
    """

    def __init__(self, labellings: Sequence[Labels]) -> None:
        self._all = len(labellings)
        kept = [labels for labels in labellings if np.any(labels != NOISE)]
        if not kept:
            self._cell, self._groups = np.zeros(0, dtype=np.intp), np.zeros((0, 0), dtype=np.int64)
            return
        cells, self._cell, counts = np.unique(kept, axis=1, return_inverse=True, return_counts=True)
        groups = [np.unique(own[own != NOISE]) for own in cells]
        self._first = np.cumsum([0, *map(len, groups)])[:-1]  # group of each labelling
        self._groups = np.hstack([own[:, np.newaxis] == one for own, one in zip(cells, groups, strict=True)]).astype(
            int
        )
        sizes = counts @ self._groups
        self._rows, self._same_group = self._sums(sizes), self._sums(sizes**2)

    def agreement(self, labels: Labels) -> float:
        """Return the mean adjusted Rand index with labels (n,); 0 where a labelling has no clusters."""
        if not len(self._cell):
            return 0.0
        shape = (int(labels.max()) + 1, len(self._groups))
        inside = labels != NOISE
        codes = labels[inside].astype(np.intp) * shape[1] + self._cell[inside]
        table = np.bincount(codes, minlength=shape[0] * shape[1]).reshape(shape) @ self._groups
        clusters = self._sums(table)
        alone = self._rows - clusters.sum(axis=0)
        both = self._sums(table**2).sum(axis=0) + alone
        same_cluster = (clusters**2).sum(axis=0) + alone
        return float(_adjusted_rand_indices(self._rows, both, same_cluster, self._same_group).sum()) / self._all

    def _sums(self, of_groups: Counts) -> Counts:
        """Return the sums over the groups of each labelling, the last axis."""
        return np.add.reduceat(of_groups, self._first, axis=-1)


def _adjusted_rand_indices(rows: Counts, both: Counts, one: Counts, other: Counts) -> FloatVector:
    """Return the indices (Hubert & Arabie, 1985) from the squared sizes, summed over all clusters.

    `both` are those of the intersections, `one` and `other` those of the two clusterings. 1 where these are the same.
    """
    apart, joined = one - both, other - both
    together, separate = both - rows, rows**2 - one - other + both
    above = 2 * (together * separate - apart * joined)
    below = (together + apart) * (apart + separate) + (together + joined) * (joined + separate)
    indices: FloatVector = np.divide(above, below, out=np.ones(len(rows)), where=(apart > 0) | (joined > 0))
    return indices
