"""The two rows of two sets that lie closest to each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustering.algorithms.base import FloatMatrix
from clustering.algorithms.reachability import SLACK, Places, distances_from_box, nearest, tree_of

FEW_ROWS = 128  # are looked at sooner than it is told which of them are near
SHORTEST = 1e-150  # the bound of rows at one place, since bounds are exclusive; its square is more than 0
ROUNDING = 1e-12  # of a sum of products, at the most


@dataclass(frozen=True)
class Closest:
    """A row of ours and one of theirs that are closest, infinitely far where none are nearer than `step`."""

    step: float
    distance: float = np.inf
    ours: int = 0
    theirs: int = 0


def closest_within(features: FloatMatrix, ours: Places, theirs: Places, step: float) -> Closest:
    """Return the closest two of rows (n, d) whose places are `ours` and `theirs`, if nearer to each other than `step`.

    >>> closest_within(np.array([[0.0], [1.0], [3.0], [7.0]]), np.array([0, 1]), np.array([2, 3]), np.inf)
    Closest(step=inf, distance=2.0, ours=1, theirs=2)
    """
    our_rows, their_rows, bound = features[ours], features[theirs], step
    if len(ours) + len(theirs) > FEW_ROWS:
        bound = min(step, max(_close(our_rows, their_rows) * SLACK, SHORTEST))
        near_ours, near_theirs = _within(our_rows, their_rows, bound)
        ours, our_rows = ours[near_ours], our_rows[near_ours]
        theirs, their_rows = theirs[near_theirs], their_rows[near_theirs]
    if not len(ours) or not len(theirs):
        return Closest(step)
    distances, places = nearest(our_rows, tree_of(their_rows), 1, within=bound)
    one = int(distances.argmin())
    if distances[one, 0] >= step:
        return Closest(step)
    return Closest(step, float(distances[one, 0]), int(ours[one]), int(theirs[places[one, 0]]))


def _within(ours: FloatMatrix, theirs: FloatMatrix, bound: float) -> tuple[Places, Places]:
    """Return the places of rows of each that may lie within `bound` of the others.

    The line between their means tells most apart, and quickly; then the box around the others does.
    """
    line = theirs.mean(axis=0) - ours.mean(axis=0)
    line /= max(float(np.sqrt(line @ line)), np.finfo(np.float64).tiny)
    along_ours, along_theirs = ours @ line, theirs @ line
    rounding = ROUNDING * max(float(np.abs(ours).max()), float(np.abs(theirs).max()))
    near_ours = np.flatnonzero(along_ours >= along_theirs.min() - bound - rounding)
    near_theirs = np.flatnonzero(along_theirs <= along_ours.max() + bound + rounding)
    if len(near_ours) and len(near_theirs):
        boxes = ours[near_ours], theirs[near_theirs]
        near_ours = near_ours[distances_from_box(boxes[0], boxes[1]) <= bound]
        near_theirs = near_theirs[distances_from_box(boxes[1], boxes[0]) <= bound]
    return near_ours, near_theirs


def _close(ours: FloatMatrix, theirs: FloatMatrix) -> float:
    """Return how far two rows that are likely near to each other are, one of ours (n, d) and one of theirs (m, d)."""
    towards, distance = ours.mean(axis=0), 0.0
    for rows in (theirs, ours, theirs):
        apart = rows - towards
        distances = np.einsum("ij,ij->i", apart, apart)
        nearest_row = int(distances.argmin())
        towards, distance = rows[nearest_row], float(np.sqrt(distances[nearest_row]))
    return distance
