"""Cuts of one hierarchy of densities from a small `eps` to a large one, and how long what they show lasts.

The cut that agrees best with persistent clusters may hold at one `eps` alone: long thin groups fall to pieces that
persist by themselves. A partition that stays over a long range of `eps` is the other finalist (the lifetime criterion;
Fred & Jain, 2005). What lasts is the number of large clusters, since small ones come and go:

>>> counts, merits = np.array([0, 9, 8, 0, 2, 2, 2, 0]), np.array([0, 0.7, 0.6, 0, 0.5, 0.5, 0.5, 0])
>>> sweep = Sweep(5, np.geomspace(0.1, 1, 8), merits, counts)
>>> sweep.best, sweep.duration(sweep.best), sweep.lasting, sweep.duration(sweep.lasting)
(1, 1, 5, 3)

A cut amid such a range holds at a smaller and at a larger `eps` too:

>>> round(sweep.margin(sweep.tried[5]), 2), sweep.margin(sweep.tried[4]), sweep.margin(sweep.tried[1])
(1.39, 1.0, 1.0)
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatVector, Settings

SHORT = 4  # cuts: no range of `eps` to rely on


@dataclass(frozen=True, eq=False)
class Sweep:
    """Cuts at `tried` (c,): how well each agrees with persistent clusters, 0 with red flags, and its large clusters."""

    min_samples: int
    tried: FloatVector
    merits: FloatVector
    counts: NDArray[np.intp]

    @property
    def merit(self) -> float:
        """That of the best cut, 0 where all have red flags."""
        return float(self.merits.max())

    @property
    def best(self) -> int:
        """The place of the cut that agrees best; of ties the middle."""
        plateau = np.flatnonzero(self.merits == self.merits.max())
        return int(plateau[len(plateau) // 2])

    @property
    def lasting(self) -> int:
        """The place in the middle of the longest run of cuts with as many large clusters, of two or more."""
        first, end = max(self._runs, key=lambda run: (self.counts[run[0]] > 1, run[1] - run[0]))
        return (first + end - 1) // 2

    def duration(self, place: int) -> int:
        """Return how many cuts around a place have as many large clusters; 0 for fewer than two clusters."""
        first, end = self._run(place)
        return end - first if self.counts[place] > 1 else 0

    def margin(self, eps: float) -> float:
        """Return the factor by which `eps` may be smaller or larger with as many large clusters, of two or more.

        It is that of the nearest `eps` that was tried, and 1 beyond what was tried.
        """
        place = int(np.abs(self.tried - eps).argmin())
        first, end = self._run(place)
        if self.counts[place] <= 1 or not self.tried[0] <= eps <= self.tried[-1]:
            return 1.0
        return float(min(self.tried[place] / self.tried[first], self.tried[end - 1] / self.tried[place]))

    @property
    def lasts(self) -> bool:
        """Whether the longest run is long enough to rely on: those of noise are short."""
        return self.duration(self.lasting) > SHORT

    def settings(self, place: int) -> Settings:
        """Return the settings of a cut."""
        return {"eps": float(self.tried[place]), "min_samples": self.min_samples}

    def _run(self, place: int) -> tuple[int, int]:
        return next(run for run in self._runs if run[0] <= place < run[1])

    @cached_property
    def _runs(self) -> list[tuple[int, int]]:
        bounds = [0, *(np.flatnonzero(np.diff(self.counts)) + 1).tolist(), len(self.counts)]
        return list(pairwise(bounds))
