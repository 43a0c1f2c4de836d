"""DBSCAN at one `eps`: which rows are core, and which of those are connected (Ester, Kriegel, Sander & Xu, 1996).

Distances of exactly `eps` count. Memory grows with the rows, whatever the number of their neighbours within `eps`:
neighbours are counted and not kept, and connected through a few of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix, FloatVector, Labels, canonical_order

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

NEAREST = 4  # connect nearly all that is connected, at a hundredth of the time of all neighbours
FEW_NEIGHBOURS = 32
LARGE_LEAF = 32  # rows, of a tree that many neighbours are asked of
CELLS = 180  # a side; the square fits 16 bits
SLACK = 1 + 1e-9  # the tree's bounds are exclusive or rounded: they lie a little farther out, and eps itself decides

Places = NDArray[np.intp]


def tree_of(points: FloatMatrix, *, leaf: int = 16) -> cKDTree:
    """Return a tree that finds the nearest of points (n, d); many of them are found sooner with LARGE_LEAF."""
    from scipy.spatial import cKDTree  # scoring with another algorithm does not pay for the imports of this module

    return cKDTree(points, leafsize=leaf)


def core_rows(features: FloatMatrix, eps: float, min_samples: int) -> NDArray[np.bool_]:
    """Return which rows of features (n, d) have `min_samples` rows within `eps`, themselves included.

    >>> core_rows(np.array([[0.0], [1.0], [2.0], [5.0]]), eps=1.0, min_samples=3).tolist()
    [False, True, False, False]
    """
    if len(features) < min_samples:
        return np.zeros(len(features), dtype=bool)
    tree = tree_of(features, leaf=LARGE_LEAF)
    core = np.zeros(len(features), dtype=bool)
    if min_samples > FEW_NEIGHBOURS:  # quicker counted than found
        core = np.asarray(tree.query_ball_point(features, eps, return_length=True) >= min_samples)
    doubtful = np.flatnonzero(~core)  # the tree compares squares, which may round past eps
    reached = tree.query(features[doubtful], k=[min_samples], distance_upper_bound=eps * SLACK)[0]
    core[doubtful] = np.ravel(reached) <= eps
    return core


def nearest(points: FloatMatrix, tree: cKDTree, count: int, *, within: float = np.inf) -> tuple[FloatMatrix, Places]:
    """Return the distances and the places (n, count) of the tree's points that are nearest to `points` (n, d).

    Those that are not nearer than `within` are infinitely far.
    """
    near, places = tree.query(points, k=np.arange(1, count + 1), distance_upper_bound=within)
    return np.asarray(near), np.asarray(places)


def neighbours_together(features: FloatMatrix, tree: cKDTree) -> Places:
    """Return an order of the rows (n, d) in which the tree is searched faster: by a grid's cells over two features."""
    low, extent = tree.mins[:2], np.maximum(tree.maxes - tree.mins, np.finfo(np.float64).tiny)[:2]
    with np.errstate(over="ignore"):  # far beyond core customers that hardly differ
        places = np.clip((features[:, :2] - low) / extent, 0.0, 1.0) * (CELLS - 1)
    cells = places.astype(np.int16)  # 16 bits: NumPy sorts them in linear time
    return np.argsort(cells[:, 0] * CELLS + cells[:, -1], kind="stable")


def connected(points: FloatMatrix, eps: float) -> Places:
    """Return the number (m,) of the cluster of each of the core points (m, d): chains of steps within `eps` connect.

    >>> connected(np.array([[0.0], [1.0], [9.0], [2.0]]), eps=1.0).tolist()
    [0, 0, 1, 0]
    """
    points, place = np.unique(points, axis=0, return_inverse=True)
    count = min(NEAREST, len(points))
    near, places = nearest(points, tree_of(points), count, within=eps * SLACK)
    within = near <= eps
    numbers = joined(np.repeat(np.arange(len(points)), within.sum(axis=1)), places[within], len(points))
    while (clusters := int(numbers.max()) + 1) > 1:
        left, right = _bridges(points, numbers, eps)
        if not len(left):
            break
        numbers = joined(numbers[left], numbers[right], clusters)[numbers]
    return numbers[place]


def canonical_numbers(core: FloatMatrix, numbers: Places) -> Labels:
    """Return the label (k,) of each of the clusters whose `numbers` (m,) the core rows (m, d) have, by their means.

    Of equal means, the cluster of the first row comes first.

    >>> canonical_numbers(np.array([[5.0], [1.0], [3.0]]), np.array([0, 1, 0])).tolist()
    [1, 0]
    """
    sizes = np.bincount(numbers)
    first = np.full(len(sizes), len(numbers))
    np.minimum.at(first, numbers, np.arange(len(numbers)))
    centres = [np.bincount(numbers, weights=column) / sizes for column in core.T]
    labels = np.empty(len(sizes), dtype=np.int32)
    labels[canonical_order(np.column_stack([*centres, first]))] = np.arange(len(sizes), dtype=np.int32)
    return labels


def joined(left: Places, right: Places, count: int) -> Places:
    """Return the component (count,) of each of `count` nodes that edges from `left` to `right` (e,) connect."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    edges = coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(count, count))
    return connected_components(edges, directed=False)[1].astype(np.intp)


def _bridges(points: FloatMatrix, numbers: Places, eps: float) -> tuple[Places, Places]:
    """Return pairs of points within `eps` from different clusters: at least one of each that has any.

    Two clusters differ in a bit of their numbers; there, a point of the one finds the other, or something nearer.
    """
    left, right = [], []
    for bit in range(int(numbers.max()).bit_length()):
        own, other = (np.flatnonzero((numbers >> bit & 1) == side) for side in (0, 1))
        own = own[distances_from_box(points[own], points[other]) <= eps * SLACK]
        if not len(own):
            continue
        near, places = nearest(points[own], tree_of(points[other]), 1, within=eps * SLACK)
        within = near[:, 0] <= eps
        left.append(own[within])
        right.append(other[places[within, 0]])
    nobody = np.zeros(0, dtype=np.intp)
    return np.concatenate([nobody, *left]), np.concatenate([nobody, *right])


def distances_from_box(points: FloatMatrix, others: FloatMatrix) -> FloatVector:
    """Return how far points (n, d) are from the box around others (m, d): no farther than from the nearest of them.

    >>> distances_from_box(np.array([[0.5, 0.5], [4.0, 5.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])).tolist()
    [0.0, 5.0]
    """
    outside = np.maximum(np.maximum(others.min(axis=0) - points, points - others.max(axis=0)), 0.0)
    distances: FloatVector = np.sqrt((outside**2).sum(axis=1))
    return distances
