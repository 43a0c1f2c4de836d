"""Is it more than one group? Clusterings of customers compared with clusterings of customers without groups.

Stability does not tell: four quadrants of uniform noise are found again and again. Two kinds of noise are the measure:
uniform in the smallest box around the customers (Tibshirani, Walther & Hastie, 2001), whether it lies along the
features, along their principal components or askew, and customers who resemble these in all but groups. The latter
have, feature by feature, the unimodal distribution that comes nearest to the customers' own, whatever its skew and
tails, and the customers' rank correlations (a Gaussian copula; Sklar, 1959). A value that many customers share, as no
purchase or a yes or no, keeps its share. Which statistics have to be larger than in which noise, and by how much, is
the algorithm's own: see its `statistics_of` and `least_errors`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import FloatMatrix
from clustering.algorithms.base import FloatVector, Noise, places_by_column
from clustering.training.boxes import smallest_box
from clustering.training.unimodal import QUANTILES, unimodal_quantiles

NOISES: tuple[Noise, ...] = get_args(Noise)


@dataclass(frozen=True)
class Excess:
    """By how much a clustering beats those of noise, and the standard error of that; from `references` of them."""

    value: float
    error: float
    references: int

    @property
    def errors(self) -> float:
        """The excess in standard errors."""
        return self.value / self.error if self.error > 0 else float(np.sign(self.value) * np.inf)

    @property
    def errors_of_errors(self) -> float:
        """By how much `errors` may change with other references: the standard error of a ratio of normal values."""
        count = self.references
        return float(np.sqrt(1 / count + self.errors**2 / (2 * (count - 1))))


def excess_over_noise(observed: float, of_noise: FloatVector) -> Excess:
    """Compare a statistic with the same one of references (b,).

    The error is their standard deviation × √(1 + 1/b), as in the gap statistic.
    """
    error = float(of_noise.std(ddof=1) * np.sqrt(1 + 1 / len(of_noise)))
    return Excess(observed - float(of_noise.mean()), error, len(of_noise))


@dataclass(frozen=True)
class NullModel:
    """Customers without groups who resemble those with features (n, d).

    `names` are the columns (d,), a category's several times: a category has the values of these customers, without
    regard to all else. None stands for numbers alone.
    """

    rows: FloatMatrix
    names: tuple[str, ...] | None = None

    @cached_property
    def features(self) -> FloatMatrix:
        """The numbers among the features (n, p)."""
        return self.rows if len(self._numbers) == self.rows.shape[1] else self.rows[:, self._numbers]

    @cached_property
    def _places(self) -> list[list[int]]:
        """The places of each column's arrays."""
        return list(places_by_column(self.names or tuple(map(str, range(self.rows.shape[1])))).values())

    @property
    def _numbers(self) -> list[int]:
        return [places[0] for places in self._places if len(places) == 1]

    @property
    def _categories(self) -> list[list[int]]:
        return [places for places in self._places if len(places) > 1]

    def draw(self, noise: Noise, *, seeds: Sequence[int]) -> NDArray[np.float64]:
        """Return as many rows of noise as there are features, (b, n, d), for each of the seeds."""
        one = self._unimodal if noise == "unimodal" else self._uniform
        return np.stack([self._with_categories(one, np.random.default_rng(seed)) for seed in seeds])

    def _with_categories(
        self, one: Callable[[np.random.Generator], FloatMatrix], generator: np.random.Generator
    ) -> FloatMatrix:
        numbers = one(generator)
        if not self._categories:
            return numbers
        drawn = np.empty_like(self.rows)
        drawn[:, self._numbers] = numbers
        for places in self._categories:
            drawn[:, places] = self.rows[generator.permutation(len(self.rows))][:, places]
        return drawn

    def _uniform(self, generator: np.random.Generator) -> FloatMatrix:
        axes, low, high = self._box
        rows = generator.uniform(low, high, self.features.shape)
        return np.ascontiguousarray(rows @ axes + self.features.mean(axis=0))

    def _unimodal(self, generator: np.random.Generator) -> FloatMatrix:
        from scipy.special import ndtr

        scores = generator.normal(size=self.features.shape) @ self._correlation_root.T
        places = (ndtr(scores) * QUANTILES).astype(np.intp).clip(0, QUANTILES - 1)
        return np.take_along_axis(self._quantiles, places, axis=0)

    @cached_property
    def _box(self) -> tuple[FloatMatrix, FloatVector, FloatVector]:
        """The axes (d, d) of the box, and its bounds along them."""
        axes = smallest_box(self.features)
        along = (self.features - self.features.mean(axis=0)) @ np.linalg.pinv(axes)
        return axes, along.min(axis=0), along.max(axis=0)

    @cached_property
    def _quantiles(self) -> FloatMatrix:
        return np.column_stack([unimodal_quantiles(column) for column in self.features.T])

    @cached_property
    def _correlation_root(self) -> FloatMatrix:
        """A root (d, d) of the correlations of a Gaussian copula with the customers' rank correlations."""
        with np.errstate(invalid="ignore", divide="ignore"):
            ranks = np.nan_to_num(np.atleast_2d(np.corrcoef([_ranks(column) for column in self.features.T])))
        correlations = 2 * np.sin(np.pi / 6 * ranks)  # of normal values with these rank correlations (Pearson, 1907)
        np.fill_diagonal(correlations, 1.0)
        values, vectors = np.linalg.eigh(correlations)
        root: FloatMatrix = vectors * np.sqrt(np.maximum(values, 0.0))
        root /= np.sqrt((root**2).sum(axis=1, keepdims=True))
        return root


def _ranks(values: FloatVector) -> FloatVector:
    """Return the ranks of values (n,), from 1 on; equal values share the mean of theirs.

    >>> _ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatVector = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return ranks
