"""DBSCAN's two settings, found without labels.

Several values of `min_samples` are tried, each with a range of `eps` around the knee of its k-distances (Sander, Ester,
Kriegel & Xu, 1998). The measure of a clustering is its agreement with the clusters that persist through the whole
hierarchy of densities (HDBSCAN; Campello, Moulavi & Sander, 2013), coarse (excess of mass) and fine (leaves), of every
`min_samples` alike: one hierarchy alone is led astray by its own resolution. Agreement is the adjusted Rand index over
the customers of persistent clusters, times the root of the share of customers that are not noise. Every noise customer
counts as a cluster of its own, so noise can never improve a solution.

Two groups of customers on one feature, the second one twice as wide, and a customer who is far from all:

>>> features = np.array([0, 1, 2, 3, 4, 5, 12, 14, 16, 18, 20, 22, 60.0])[:, None]
>>> hierarchy = Hierarchy(Neighbours(features, most=3), min_samples=3)

From this `eps` on, each of them has three customers within it, the customer included, and is core. Sorted, these are
the k-distances, with their knee at 4:

>>> hierarchy.core_distances.tolist()
[2.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 2.0, 2.0, 2.0, 2.0, 4.0, 40.0]

A small `eps` loses the wide group, a large one joins both, and between them lies what is looked for:

>>> for eps in (1.0, 3.0, 8.0):
...     print(eps, hierarchy.cut(eps).labels.tolist())
1.0 [0, 0, 0, 0, 0, 0, -1, -1, -1, -1, -1, -1, -1]
3.0 [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, -1]
8.0 [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1]

Nobody says which is right, but both groups persist over a wide range of densities, coarse and fine alike. The first and
the last clustering have red flags and count as 0; the second one agrees, but for one of 13 customers who is noise:

>>> coarse, fine = _persistent(hierarchy)
>>> coarse.tolist() == fine.tolist() == hierarchy.cut(3.0).labels.tolist()
True
>>> _merits([hierarchy.cut(3.0).labels], Persistent([coarse, fine])).round(3).tolist()
[0.961]

Of all the `eps` around the knee that agree best, the middle one is taken. Here it is also in the middle of the longest
range with as many large clusters, which is the other finalist, see `sweep`:

>>> [round(found["eps"], 2) for found in search(features, [3])]
[3.78]
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.agreement import Persistent
from clustering.algorithms.base import NOISE, FloatMatrix, FloatVector, Labels, Settings
from clustering.algorithms.basins import Neighbours
from clustering.algorithms.hierarchy import Cut, Hierarchy
from clustering.algorithms.knee import knee
from clustering.algorithms.sweep import Sweep
from clustering.config import DbscanSpec

MIN_SAMPLES_SHARE = 0.01
MIN_SAMPLES_FACTORS = (0.5, 1.0, 2.0)
PERSISTENT_SHARE = 0.02  # of the customers: the smallest cluster that the hierarchy counts as one
MOST_OF_ALL = 0.8  # of the customers: the largest cluster, or everything that touches would persist as one
KNEE_FACTORS = np.geomspace(0.4, 1.8, 50)
KNEE_POINTS = 2000

_Searched = list[tuple[Hierarchy, Sweep]]
_searched: deque[tuple[FloatMatrix, _Searched]] = deque(maxlen=1)  # what it has found is fitted to the same rows

FEWEST_CLUSTERS = 2
LARGEST_SHARE = 0.95
MOST_NOISE = DbscanSpec.most_noise
LARGEST_LAYER = 0.10  # of the core customers at one value


def search(features: FloatMatrix, min_samples: Sequence[int]) -> list[Settings]:
    """Return the best `eps` for each of several `min_samples`, the best of all first, then those that last longest.

    Where every `eps` has red flags, `min_samples` is left out, unless nothing else is left. Memory grows with the rows
    times `min_samples`. Raises TrainingError when there are fewer than `min_samples`.
    """
    neighbours = Neighbours(features, max(min_samples))
    hierarchies = [Hierarchy(neighbours, one) for one in min_samples]
    persistent = Persistent([labels for hierarchy in hierarchies for labels in _persistent(hierarchy)])
    sweeps = [_swept(hierarchy, persistent) for hierarchy in hierarchies]
    _searched.append((features.copy(), list(zip(hierarchies, sweeps, strict=True))))
    sweeps.sort(key=lambda one: -one.merit)
    sweeps = [one for one in sweeps if one.merit > 0] or sweeps[:1]
    lasting = sorted(sweeps, key=lambda one: -one.duration(one.lasting))
    found = [
        *(one.settings(one.best) for one in sweeps),
        *(one.settings(one.lasting) for one in lasting if one.lasts),
    ]
    return [settings for place, settings in enumerate(found) if settings not in found[:place]]


def known_cut(features: FloatMatrix, eps: float, min_samples: int) -> Cut | None:
    """Return DBSCAN of features (n, d), where the last search was in the same ones and had so many `min_samples`."""
    for searched, found in _searched:
        if np.array_equal(searched, features):
            known = (both for both in found if both[0].min_samples == min_samples)
            return next((replace(one.cut(eps), margin=sweep.margin(eps)) for one, sweep in known), None)
    return None


def min_samples_to_try(rows: int, dimensions: int) -> list[int]:
    """Return several values around twice the number of features, or around 1 % of many customers.

    A share, since a sample that grows must not need an `eps` that shrinks. None is larger than the rows are many, but
    the smallest.

    >>> min_samples_to_try(200, 2), min_samples_to_try(5000, 2)
    ([3, 4, 8], [25, 50, 100])
    """
    usual = max(2 * dimensions, int(MIN_SAMPLES_SHARE * rows))
    values = sorted({max(dimensions + 1, math.floor(factor * usual + 0.5)) for factor in MIN_SAMPLES_FACTORS})
    return [one for one in values if one <= rows] or values[:1]


def red_flags(labels: Labels) -> list[str]:
    """Return what speaks against a DBSCAN clustering of rows with these labels (Schubert et al., 2017).

    >>> red_flags(np.array([0, 0, 1, -1]))
    []
    >>> red_flags(np.array([0, 0, -1, -1]))
    ['there are fewer than 2 clusters', '50 % of the customers are noise, over 30 %']
    """
    return _red_flags(np.bincount(labels + 1, minlength=2))


def _red_flags(counts: NDArray[np.intp]) -> list[str]:
    """Return what speaks against the sizes (1 + k,) of noise and clusters."""
    sizes, rows = counts[1:], counts.sum()
    noise = float(counts[0] / rows)
    largest = float(sizes.max() / rows)
    flags = []
    if np.count_nonzero(sizes) < FEWEST_CLUSTERS:
        flags.append("there are fewer than 2 clusters")
    if largest > LARGEST_SHARE:
        flags.append(f"one cluster holds {100 * largest:.0f} % of the customers, over {100 * LARGEST_SHARE:.0f} %")
    if noise > MOST_NOISE:
        flags.append(f"{100 * noise:.0f} % of the customers are noise, over {100 * MOST_NOISE:.0f} %")
    return flags


def layers(core: FloatMatrix, eps: float, names: Sequence[str]) -> list[str]:
    """Return a doubt for each column of core rows (m, d) in which `eps` is less than the step to a common value.

    The customers with that value are a layer of their own there, whatever else they are like.
    """
    doubts = []
    for name, column in zip(names, core.T, strict=True):
        values, counts = np.unique(column, return_counts=True)
        steps = np.diff(values, prepend=-np.inf, append=np.inf)
        alone = np.minimum(steps[:-1], steps[1:]) > eps
        common = counts > LARGEST_LAYER * len(core)
        if len(values) > 1 and np.any(alone & common):
            share = counts[alone & common].max() / len(core)
            doubts.append(
                f"{100 * share:.0f} % of the customers have the same {name} and the next value is farther than eps, "
                "so that values are taken for groups"
            )
    return doubts


def layered(core: FloatMatrix, labels: Labels) -> NDArray[np.bool_]:
    """Return which columns (d,) of core rows (m, d) have a common value that shares no cluster with another value.

    Clusters with labels (m,) may be that value and no more, even where others are within `eps` of it.

    >>> layered(np.array([[0, 3], [0, 4], [1, 3], [1, 5.0]]), np.array([0, 0, 1, 1])).tolist()
    [True, False]
    """
    found = np.zeros(core.shape[1], dtype=bool)
    for place, column in enumerate(core.T):
        values, counts = np.unique(column, return_counts=True)
        for value in values[counts > LARGEST_LAYER * len(core)]:
            here = column == value
            found[place] |= not here.all() and not np.isin(labels[~here], labels[here]).any()
    return found


def _persistent(hierarchy: Hierarchy) -> list[Labels]:
    rows, smallest = len(hierarchy.order), _smallest(hierarchy)
    return hierarchy.persistent(smallest=smallest, largest=max(int(MOST_OF_ALL * rows), smallest))


def _smallest(hierarchy: Hierarchy) -> int:
    """Return the fewest rows of a cluster that counts."""
    rows = len(hierarchy.order)
    return min(max(hierarchy.min_samples, math.ceil(PERSISTENT_SHARE * rows), 2), rows)


def _swept(hierarchy: Hierarchy, persistent: Persistent) -> Sweep:
    """Cut a hierarchy around the knee of its core distances, except where an outline has red flags."""
    usual, lowest = _usual_eps(hierarchy.core_distances), float(hierarchy.core_distances.min())
    tried = np.maximum(usual * KNEE_FACTORS, lowest)
    merits, counts = np.zeros(len(tried)), np.zeros(len(tried), dtype=np.intp)
    outlines = [hierarchy.outline(eps) for eps in tried.tolist()]
    hopeful = [at for at, (clusters, noise) in enumerate(outlines) if clusters > 1 and noise <= MOST_NOISE]
    sound: dict[int, Labels] = {}
    for place, cut in zip(hopeful, hierarchy.cuts(tried[hopeful].tolist()), strict=True):
        sizes = np.bincount(cut.labels + 1, minlength=2)
        if not _red_flags(sizes):
            sound[place] = cut.labels
            counts[place] = (sizes[1:] >= _smallest(hierarchy)).sum()
    merits[list(sound)] = _merits(list(sound.values()), persistent)
    if merits.max() <= 0:
        tried = np.full(len(tried), max(usual, lowest))
    return Sweep(hierarchy.min_samples, tried, merits, counts)


def _merits(labellings: Sequence[Labels], persistent: Persistent) -> FloatVector:
    """Return those of clusterings without red flags."""
    clustered = [np.mean(labels != NOISE) for labels in labellings]
    merits: FloatVector = persistent.agreements(labellings) * np.sqrt(clustered)
    return merits


def _usual_eps(distances: FloatVector) -> float:
    """Return the knee of the sorted k-distances; their upper decile or largest when the curve has none.

    When every customer has `min_samples` equals, all of these are 0, and the answer is one standard deviation.
    """
    curve = np.sort(distances)
    if len(curve) > KNEE_POINTS:
        curve = np.interp(np.linspace(0, len(curve) - 1, KNEE_POINTS), np.arange(len(curve)), curve)
    usual = (knee(curve), np.quantile(distances, 0.9), distances.max(), 1.0)
    return next(float(eps) for eps in usual if eps and eps > 0)
