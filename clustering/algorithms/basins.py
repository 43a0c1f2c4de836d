"""The hierarchy of densities from nearest neighbours alone, without all distances.

A row belongs to the basin of the neighbour that lies densest, and of its neighbour, and so on to a row that lies denser
than all of its neighbours. It joins that basin at its own core distance, the shortest of its steps, so that only
basins, of which there are few, are left to be connected: by their rows' nearest neighbours, and where two rows that are
no such neighbours might lie nearer to each other than the step by which their basins meet, by a search for such rows.
The result is exact (single linkage of mutual reachability; Campello, Moulavi & Sander, 2013).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix, FloatVector
from clustering.algorithms.closest import Closest, closest_within
from clustering.algorithms.reachability import LARGE_LEAF, Places, nearest, tree_of
from clustering.errors import TrainingError

APART = np.finfo(np.float64).max  # of basins that no step is known of
ROWS_AT_ONCE = 500  # whose many neighbours fit a cache


class Neighbours:
    """The `most` nearest rows of each of features (n, d), itself included, the nearest first, and their distances.

    Raises TrainingError where there are fewer rows.
    """

    def __init__(self, features: FloatMatrix, most: int) -> None:
        if len(features) < most:
            raise TrainingError(f"min_samples {most} needs at least as many customers, there are {len(features)}")
        self.features = features
        self.closest: dict[tuple[bytes, bytes], Closest] = {}  # by two sets of rows that were looked at
        self.near, self.places = nearest(features, tree_of(features, leaf=LARGE_LEAF), most)


class Densities:
    """How densely rows lie, for one `min_samples`: `core` (n,) are their core distances.

    `rank` (n,) counts them from the densest; of equals, the first is denser. `of_neighbours` (n, min_samples) are those
    of each row's nearest, the row included.
    """

    def __init__(self, neighbours: Neighbours, min_samples: int) -> None:
        self.core: FloatVector = np.ascontiguousarray(neighbours.near[:, min_samples - 1])
        self.by_density = np.argsort(self.core, kind="stable")
        narrow = np.min_scalar_type(len(self.core))  # read faster, and sorted in linear time
        self.rank = np.empty(len(self.core), dtype=narrow)
        self.rank[self.by_density] = np.arange(len(self.core), dtype=narrow)
        self.of_neighbours = self.rank.take(neighbours.places[:, :min_samples])


def visits(neighbours: Neighbours, densities: Densities) -> tuple[Places, FloatVector]:
    """Return an order (n,) of the rows in which every cluster is a run, and the length (n,) of the step to each."""
    core = densities.core
    roots, basin = _basins(densities)
    reaches = _listed(neighbours, core, basin, len(roots))
    order, steps = _shortest(reaches)
    while _shorten(reaches, neighbours, basin, order, steps):
        order, steps = _shortest(reaches)
    return _with_rows(core, basin, roots, order, steps)


def joins(steps: FloatVector, *, smallest: int = 2) -> Iterator[tuple[float, list[int]]]:
    """Yield the joins, short steps first: the step, the first visits of all runs it joins, and their end.

    Runs that equal steps connect are joined at once. Joins to runs of fewer than `smallest` rows are left out.
    """
    end, start = list(range(1, len(steps) + 1)), list(range(-1, len(steps)))  # of a run, by its first visit, by its end
    places = np.argsort(steps[1:], kind="stable") + 1
    pending = zip(steps[places].tolist(), places.tolist(), strict=True)
    following = next(pending, None)
    while following:
        step, place = following
        first, after = start[place], end[place]
        between = [place]
        while (following := next(pending, None)) == (step, after):
            between.append(after)
            after = end[after]
        end[first], start[after] = after, first
        if after - first >= smallest:
            yield step, [first, *between, after]


def _basins(densities: Densities) -> tuple[Places, Places]:
    """Return the densest row (b,) of each basin, and the basin (n,) of each row."""
    above = densities.by_density[np.minimum(densities.of_neighbours.min(axis=1), densities.rank)]
    while not np.array_equal(further := above[above], above):
        above = further
    return np.unique(above, return_inverse=True)


def _listed(neighbours: Neighbours, core: FloatVector, basin: Places, count: int) -> FloatMatrix:
    """Return the shortest steps (b, b) between basins that rows and their nearest neighbours are."""
    narrow = basin.astype(np.min_scalar_type(count))  # found and compared much faster
    reaches = np.full((count, count), APART)
    for first in range(0, len(core), ROWS_AT_ONCE):
        here = slice(first, first + ROWS_AT_ONCE)
        near, places = neighbours.near[here].reshape(-1), neighbours.places[here]
        met = narrow.take(places)
        across = np.flatnonzero(met != narrow[here, np.newaxis])
        rows, others = first + across // places.shape[1], places.reshape(-1)[across]
        steps = np.maximum(np.maximum(near[across], core[rows]), core[others])
        np.minimum.at(reaches.reshape(-1), basin[rows] * count + met.reshape(-1)[across], steps)
    np.minimum(reaches, reaches.T.copy(), out=reaches)
    return reaches


def _shortest(reaches: FloatMatrix) -> tuple[Places, FloatVector]:
    """Return the order (b,) in which Prim's algorithm visits basins, and the length (b,) of the step to each."""
    count = len(reaches)
    order, steps = np.zeros(count, dtype=np.intp), np.full(count, np.inf)
    reached, ahead, visited = np.full(count, APART), np.empty(count), np.zeros(count)
    basin = 0
    for place in range(1, count):
        visited[basin] = np.inf
        np.minimum(reached, reaches[basin], out=reached)
        np.maximum(reached, visited, out=ahead)
        basin = int(ahead.argmin())
        order[place], steps[place] = basin, ahead[basin]
    return order, steps


def _shorten(reaches: FloatMatrix, neighbours: Neighbours, basin: Places, order: Places, steps: FloatVector) -> bool:
    """Shorten steps between basins by rows that are not each other's nearest neighbours; return whether any was.

    Such rows lie farther from each other than from all of their neighbours.
    """
    position = np.empty(len(order), dtype=np.intp)
    position[order] = np.arange(len(order))
    rows = np.argsort(position[basin], kind="stable")
    begins = np.searchsorted(position[basin[rows]], np.arange(len(order) + 1))
    beyond = neighbours.near[rows, -1]
    found = False
    for step, bounds in joins(steps):
        for place, end in pairwise(bounds[1:]):
            first, middle, last = begins[[bounds[0], place, end]]
            if beyond[first:middle].min() < step and beyond[middle:last].min() < step:
                pair = _closest(neighbours, rows[first:middle], rows[middle:last], step)
                if pair.distance < step:
                    one, other = basin[[pair.ours, pair.theirs]]
                    reaches[one, other] = reaches[other, one] = pair.distance
                    found = True
    return found


def _closest(neighbours: Neighbours, ours: Places, theirs: Places, step: float) -> Closest:
    """Return the closest, at most `step`; other basins of the same rows, and longer steps, have asked for it before."""
    beyond = neighbours.near[:, -1]
    key = _packed(ours, len(beyond)), _packed(theirs, len(beyond))
    known = neighbours.closest.get(key)
    if known and step <= known.step and (known.distance >= step or max(beyond[[known.ours, known.theirs]]) < step):
        return known
    found = closest_within(neighbours.features, ours[beyond[ours] < step], theirs[beyond[theirs] < step], step)
    neighbours.closest[key] = found
    return found


def _packed(rows: Places, count: int) -> bytes:
    found = np.zeros(count, dtype=bool)
    found[rows] = True
    return np.packbits(found).tobytes()


def _with_rows(
    core: FloatVector, basin: Places, roots: Places, order: Places, steps: FloatVector
) -> tuple[Places, FloatVector]:
    """Return the order and steps of all rows: each behind all that its cluster holds when it joins."""
    position = np.empty(len(order), dtype=np.intp)
    position[order] = np.arange(len(order))
    ends = position[basin] + 1
    beyond, bounds = _next_longer(steps), np.append(steps, np.inf)
    inner = np.ones(len(core), dtype=bool)
    inner[roots] = False
    open_ = np.flatnonzero(inner & (bounds[ends] <= core))
    while len(open_):
        ends[open_] = beyond[ends[open_]]
        open_ = open_[bounds[ends[open_]] <= core[open_]]
    found = np.lexsort((core, inner, ends))
    lengths = core.copy()
    lengths[roots[order]] = steps
    return found, lengths[found]


def _next_longer(steps: FloatVector) -> NDArray[np.intp]:
    """Return the place (b,) of the next step that is longer, their number where there is none."""
    values = steps.tolist()
    found = [len(values)] * len(values)
    for place in range(len(values) - 2, -1, -1):
        after = place + 1
        while after < len(values) and values[after] <= values[place]:
            after = found[after]
        found[place] = after
    return np.array(found, dtype=np.intp)
