"""The hierarchy of densities from nearest neighbours alone, without all distances.

A row belongs to the basin of the neighbour that lies densest, and of its neighbour, and so on to a row that lies denser
than all of its neighbours. It joins that basin at its own core distance, the shortest of its steps, so that only
basins, of which there are few, are left to be connected: by their rows' nearest neighbours, and where two rows that are
no such neighbours might lie nearer to each other than the step by which their basins meet, by a search for such rows.
The result is exact (single linkage of mutual reachability; Campello, Moulavi & Sander, 2013).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix, FloatVector
from clustering.algorithms.reachability import LARGE_LEAF, SLACK, Places, distances_from_box, nearest, tree_of
from clustering.errors import TrainingError

APART = np.finfo(np.float64).max  # of basins that no step is known of


class Neighbours:
    """The `most` nearest rows of each of features (n, d), itself included, the nearest first, and their distances.

    Raises TrainingError where there are fewer rows.
    """

    def __init__(self, features: FloatMatrix, most: int) -> None:
        if len(features) < most:
            raise TrainingError(f"min_samples {most} needs at least as many customers, there are {len(features)}")
        self.features = features
        self.closest: dict[tuple[bytes, bytes], _Closest] = {}  # by two sets of rows that were looked at
        self.near, self.places = nearest(features, tree_of(features, leaf=LARGE_LEAF), most)


def visits(neighbours: Neighbours, min_samples: int) -> tuple[Places, FloatVector]:
    """Return an order (n,) of the rows in which every cluster is a run, and the length (n,) of the step to each."""
    core: FloatVector = neighbours.near[:, min_samples - 1]
    roots, basin = _basins(core, neighbours.places[:, :min_samples])
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


def _basins(core: FloatVector, places: Places) -> tuple[Places, Places]:
    """Return the densest row (b,) of each basin, and the basin (n,) of each row; of equals, the first is denser."""
    by_density = np.argsort(core, kind="stable")
    rank = np.empty(len(core), dtype=np.intp)
    rank[by_density] = np.arange(len(core))
    above = by_density[np.minimum(rank[places].min(axis=1), rank)]
    while not np.array_equal(further := above[above], above):
        above = further
    return np.unique(above, return_inverse=True)


def _listed(neighbours: Neighbours, core: FloatVector, basin: Places, count: int) -> FloatMatrix:
    """Return the shortest steps (b, b) between basins that rows and their nearest neighbours are."""
    near, places = neighbours.near.reshape(-1), neighbours.places.reshape(-1)
    narrow = basin.astype(np.min_scalar_type(count))  # found and compared much faster
    own, met = np.repeat(narrow, neighbours.places.shape[1]), narrow[places]
    across = np.flatnonzero(own != met)
    rows, others = across // neighbours.places.shape[1], places[across]
    steps = np.maximum(np.maximum(near[across], core[rows]), core[others])
    reaches = np.full((count, count), APART)
    np.minimum.at(reaches.reshape(-1), own[across].astype(np.intp) * count + met[across], steps)
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


@dataclass(frozen=True)
class _Closest:
    """A row of ours and one of theirs that are closest of those whose neighbours are all nearer than `step`.

    Infinitely far, where there are none nearer to each other than that.
    """

    step: float
    distance: float = np.inf
    ours: int = 0
    theirs: int = 0


def _closest(neighbours: Neighbours, ours: Places, theirs: Places, step: float) -> _Closest:
    """Return the closest, at most `step`; other basins of the same rows, and longer steps, have asked for it before."""
    beyond = neighbours.near[:, -1]
    key = _packed(ours, len(beyond)), _packed(theirs, len(beyond))
    known = neighbours.closest.get(key)
    if known and step <= known.step and (known.distance >= step or max(beyond[[known.ours, known.theirs]]) < step):
        return known
    found = _search(neighbours.features, ours[beyond[ours] < step], theirs[beyond[theirs] < step], step)
    neighbours.closest[key] = found
    return found


def _packed(rows: Places, count: int) -> bytes:
    found = np.zeros(count, dtype=bool)
    found[rows] = True
    return np.packbits(found).tobytes()


def _search(features: FloatMatrix, ours: Places, theirs: Places, step: float) -> _Closest:
    """Return the closest of some rows; those are looked at that are not too far from the others' box."""
    bound = min(step, _close(features[ours], features[theirs]) * SLACK)
    near_ours = distances_from_box(features[ours], features[theirs]) <= bound
    near_theirs = distances_from_box(features[theirs], features[ours]) <= bound
    ours, theirs = ours[near_ours], theirs[near_theirs]
    if not len(ours) or not len(theirs):
        return _Closest(step)
    distances, places = nearest(features[ours], tree_of(features[theirs]), 1, within=bound)
    one = int(distances.argmin())
    if distances[one, 0] >= step:
        return _Closest(step)
    return _Closest(step, float(distances[one, 0]), int(ours[one]), int(theirs[places[one, 0]]))


def _close(ours: FloatMatrix, theirs: FloatMatrix) -> float:
    """Return how far two rows that are likely near to each other are, one of ours (n, d) and one of theirs (m, d)."""
    towards, distance = ours.mean(axis=0), 0.0
    for rows in (theirs, ours, theirs):
        distances = np.sqrt(((rows - towards) ** 2).sum(axis=1))
        towards, distance = rows[distances.argmin()], float(distances.min())
    return distance


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
