"""Components of a mixture that describe one group: a group that is no Gaussian takes several.

Between two groups the mixture's density falls, within a group it hardly does (Hennig, 2010, Methods for merging
Gaussian mixture components). It is looked at along the ridgelines between the components' centres, which hold every
peak and pass of two of them (Ray & Lindsay, 2005). From the highest pass down, whatever meets is joined, and the lower
of the two peaks ends there; how far the pass lies below it is its persistence (Chazal, Guibas, Oudot & Skraba, 2013).
Those that stand out are groups; whether they do by chance is for others to judge.

>>> places = np.array([[0.0], [2.5], [9.0]])
>>> coefficients = coefficients_of(np.full(3, 1 / 3), places, np.ones((3, 1, 1)))
>>> merges = Merges(places, np.ones((3, 1, 1)), coefficients)
>>> merges.groups, merges.grouped(2).tolist()
(2, [0, 0, 1])
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix, FloatVector, Parameters, Settings, canonical_order
from clustering.algorithms.gaussian import coefficients_of, monomials  # noqa: F401 (the former in the example)

GROUPS = "groups"  # the setting, and the parameter
PLACES = 17  # of a ridgeline that are looked at
SEVERAL, TWICE, HARDLY = 3, 2.0, 0.85  # of groups that are plain, see `are_plain`
ENOUGH = 2.0  # of a persistence: at an eighth of the peak, a deeper pass says no more


class Merges:
    """Components with means (k, d), covariances (k, d, d) and `coefficients`, and which of them are one group."""

    def __init__(self, means: FloatMatrix, covariances: NDArray[np.float64], coefficients: FloatMatrix) -> None:
        self._means, self._coefficients = means, coefficients
        self._precisions = np.linalg.inv(covariances).astype(np.float64, copy=False)

    @classmethod
    def of(cls, parameters: Parameters) -> Merges:
        """Return those of a fit."""
        return cls(*(parameters[name] for name in ("means", "covariances", "coefficients")))

    @property
    def groups(self) -> int:
        """How many groups stand out: where persistence falls most from one to the next, all down to it."""
        if len(self._means) < 2:
            return 1
        falls = np.diff(np.append(0.0, np.minimum(np.sort(self._persistences), ENOUGH)))[::-1]
        return 2 + int(falls.argmax())

    def persistence(self, groups: int) -> float:
        """Return that of the weakest of so many groups."""
        return float(np.sort(self._persistences)[-(groups - 1)])

    def are_plain(self, groups: int) -> bool:
        """Whether so many groups take SEVERAL components each, between which the density HARDLY falls.

        Each is TWICE as persistent as any within them. Of two normal groups that can just be told apart, 3.6 standard
        deviations from each other, the lower has a persistence of 0.93.
        """
        if len(self._means) < SEVERAL * groups:
            return False
        weakest, within = np.sort(self._persistences)[::-1][[groups - 2, groups - 1]]
        return bool(weakest >= TWICE * within and within <= HARDLY)

    def grouped(self, groups: int) -> NDArray[np.intp]:
        """Return the group (k,) of each component when there are so many, numbered by their first component."""
        found = np.arange(len(self._means))
        for place in np.argsort(-self._persistences, kind="stable")[groups - 1 :]:
            one, other = self._meetings[place]
            found[found == found[other]] = found[one]
        return np.unique(found, return_inverse=True)[1]

    @property
    def _persistences(self) -> FloatVector:
        return self._tree[0]

    @property
    def _meetings(self) -> NDArray[np.intp]:
        return self._tree[1]

    @cached_property
    def _tree(self) -> tuple[FloatVector, NDArray[np.intp]]:
        """The persistences (k - 1,) of the peaks that end, and the components (k - 1, 2) that meet there."""
        first, second = np.triu_indices(len(self._means), 1)
        passes, peaks = self._passes(first, second)
        highest = np.arange(len(self._means))  # the component of the highest peak that each is joined with
        found, meetings = [], []
        for edge in np.argsort(-passes, kind="stable"):
            one, other = highest[first[edge]], highest[second[edge]]
            if one != other:
                lower, higher = (one, other) if peaks[one] < peaks[other] else (other, one)
                found.append(peaks[lower] - passes[edge])
                meetings.append((first[edge], second[edge]))
                highest[highest == lower] = higher
        return np.array(found), np.array(meetings, dtype=np.intp).reshape(-1, 2)

    def _passes(self, first: NDArray[np.intp], second: NDArray[np.intp]) -> tuple[FloatVector, FloatVector]:
        """Return the lowest log density (e,) on the way between two components, and that at each centre (k,)."""
        way = np.linspace(0, 1, PLACES)[1:-1, np.newaxis, np.newaxis]
        linear = self._precisions @ self._means[..., np.newaxis]
        own, others = (each[:, np.newaxis] for each in (self._precisions[first], self._precisions[second]))
        ends = (1 - way) * linear[first][:, np.newaxis] + way * linear[second][:, np.newaxis]
        ridges = np.linalg.solve((1 - way) * own + way * others, ends)[..., 0].astype(np.float64, copy=False)
        between = self._log_density(ridges.reshape(-1, ridges.shape[-1])).reshape(len(first), len(way))
        peaks = self._log_density(self._means)
        return np.minimum(between.min(axis=1, initial=np.inf), np.minimum(peaks[first], peaks[second])), peaks

    def _log_density(self, rows: FloatMatrix) -> FloatVector:
        densities = self._coefficients @ monomials(rows.T)
        found: FloatVector = np.logaddexp.reduce(densities, axis=0)
        return found


def clusters_of(settings: Settings) -> int:
    """Return how many clusters a mixture with these settings has: of merged components, fewer than components."""
    return int(settings.get(GROUPS, settings["n_components"]))


def merged_components(parameters: Parameters, count: int) -> NDArray[np.int32]:
    """Return the cluster (k,) of each component, numbered by the clusters' centres."""
    found = Merges.of(parameters).grouped(count)
    members = found == np.arange(count)[:, np.newaxis]
    weights = members * parameters["weights"]
    centres = weights @ parameters["means"] / weights.sum(axis=1, keepdims=True)
    return np.argsort(canonical_order(centres))[found].astype(np.int32)


def labels_of(parameters: Parameters) -> NDArray[np.int32]:
    """Return the cluster (k,) of each component."""
    found = parameters.get(GROUPS, np.arange(len(parameters["coefficients"])))
    return np.asarray(found, dtype=np.int32)
