"""What a customer's distance from a cluster costs: the geometry that explanations are computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatMatrix: TypeAlias = NDArray[np.float64]

NEIGHBOURS = 4  # points looked at, since several can be equally near: the first of them counts


@dataclass(frozen=True)
class Attraction:
    """The cost (x − p)ᵀ F (x − p) + c of a customer x in a cluster, p the nearest of its points.

    `points` is (m, d), without rows for noise, which costs the same everywhere; `form`, F, is (d, d), None for the
    identity; `constant` is c.
    """

    cluster_label: int
    points: FloatMatrix
    form: FloatMatrix | None
    constant: float

    def terms(self, features: FloatMatrix) -> FloatMatrix:
        """Return what each feature of rows (n, d) costs; with the constant, their sum is a row's cost."""
        if not len(self.points):
            return np.zeros_like(features)
        difference = features - self._nearest(features)
        weighed = difference if self.form is None else np.einsum("ni,ij->nj", difference, self.form)
        terms: FloatMatrix = difference * weighed
        return terms

    def _nearest(self, features: FloatMatrix) -> FloatMatrix:
        if len(self.points) == 1:
            return self.points
        from scipy.spatial import cKDTree

        near = cKDTree(self.points).query(features, k=[*range(1, 1 + min(NEIGHBOURS, len(self.points)))])[1]
        near = np.sort(near, axis=1)
        squares = (features[:, np.newaxis] - self.points[near]) ** 2
        nearest: FloatMatrix = self.points[near[np.arange(len(near)), squares.sum(axis=2).argmin(axis=1)]]
        return nearest
