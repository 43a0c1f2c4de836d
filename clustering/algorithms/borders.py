"""Which core row is nearest to a row that is not core itself, at any `eps`.

A row's neighbours become core as `eps` grows, the densest first; of those that are core, the nearest counts. So a
neighbour can only ever count that lies denser than all that are nearer. These are few, and are kept in the order of
their core distances: at one `eps`, the first of them are core, and the last of a row's own is its nearest.

Four customers on one feature, with their two nearest, themselves included:

>>> neighbours = Neighbours(np.array([[0.0], [1.0], [2.5], [9.0]]), most=2)
>>> borders = Borders(neighbours, Densities(neighbours, min_samples=2))
>>> borders.noise(1.0), borders.noise(1.5)
(2, 1)
>>> [found.tolist() for found in borders.nearest([1.0, 1.5])]
[[0, 1, -1, -1], [0, 1, 2, -1]]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from clustering.algorithms.base import FloatVector
from clustering.algorithms.basins import Densities, Neighbours
from clustering.algorithms.reachability import Places


class Borders:
    """The nearest core rows of rows that are not core: such a row has fewer than `min_samples` rows within `eps`."""

    def __init__(self, neighbours: Neighbours, densities: Densities) -> None:
        rows, columns = _denser_than_nearer(densities)
        self._rows, self._cores = rows, neighbours.places[rows, columns]
        self._core_from: FloatVector = densities.core[self._cores]
        self._near: FloatVector = np.append(neighbours.near[rows, columns], np.inf)  # the last one is that of no row
        clustered_from = np.full(len(densities.core), np.inf)
        np.minimum.at(clustered_from, rows, np.maximum(self._near[:-1], self._core_from))
        self._clustered_from: FloatVector = np.sort(clustered_from)

    def noise(self, eps: float) -> int:
        """Return how many rows are farther than `eps` from all core rows."""
        return len(self._clustered_from) - int(np.searchsorted(self._clustered_from, eps, side="right"))

    def nearest(self, ascending: Sequence[float]) -> Iterator[Places]:
        """Yield the nearest core row (n,) of each row at one `eps` after the other, -1 where none is within `eps`."""
        last, known = np.full(len(self._clustered_from), -1), 0
        for eps in ascending:
            core = int(np.searchsorted(self._core_from, eps, side="right"))
            last[self._rows[known:core]] = np.arange(known, core)  # of a row's own, the last one stays
            known = core
            yield np.where(self._near[last] <= eps, self._cores[last], -1)


def _denser_than_nearer(densities: Densities) -> tuple[Places, Places]:
    """Return the rows and columns (e,) of neighbours that lie denser than all nearer ones, the densest first."""
    densest = np.minimum.accumulate(densities.of_neighbours, axis=1)
    found = np.ones(densest.shape, dtype=bool)
    np.not_equal(densest[:, 1:], densest[:, :-1], out=found[:, 1:])
    at = np.flatnonzero(found)
    at = at[np.argsort(densest.reshape(-1)[at], kind="stable")]
    rows, columns = np.divmod(at, densest.shape[1])
    return rows, columns
