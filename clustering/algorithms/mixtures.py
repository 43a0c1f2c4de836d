"""Gaussian mixtures of many samples of the same size at once, by expectation and maximisation (Dempster et al., 1977).

A few starts take a few steps on few rows, and the likeliest goes on with all rows (Biernacki, Celeux & Govaert, 2003).
All sums of an expectation and a maximisation are products with the monomials of the features, which are made in blocks
of many rows. As with `lloyd`, what becomes of a sample depends, bit for bit, on its own rows and seed alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix
from clustering.algorithms.gaussian import coefficients_of, monomials, pairs
from clustering.algorithms.lloyd import Samples, memberships, starting_centroids, with_ones

STARTS, START_ROWS, START_ITERATIONS = 5, 400, 10
ITERATIONS = 200
TOLERANCE = 1e-3  # of the mean log likelihood, as scikit-learn has it
LEAST_WEIGHT = 1e-9  # of a component that no row belongs to any more
NUMBERS_AT_ONCE = 150_000
BLOCK_ROWS = 20_000  # whose monomials are kept

Products = NDArray[np.float64]  # monomials (b, q, m)


@dataclass(frozen=True)
class Mixtures:
    """Weights (b, k), means (b, k, d), covariances (b, k, d, d), and mean log likelihoods (b,) of samples."""

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    likelihoods: NDArray[np.float64]

    @property
    def coefficients(self) -> NDArray[np.float64]:
        """The logarithms of weighted densities, (b, k, d(d + 3)/2 + 1), on the monomials."""
        precisions = np.linalg.inv(self.covariances).astype(np.float64, copy=False)
        return coefficients_of(self.weights, self.means, precisions)


@dataclass(frozen=True)
class Shape:
    """What a mixture's covariances look like: scikit-learn's type, and what is added to every variance."""

    covariance_type: str
    reg_covar: float

    def covariances(self, weights: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return covariances (b, k, d, d) from weights (b, k) and each component's own covariances."""
        dimensions = squares.shape[-1]
        unit = np.eye(dimensions)
        if self.covariance_type == "tied":
            shared = (weights[..., np.newaxis, np.newaxis] * squares).sum(axis=1, keepdims=True)
            squares = np.broadcast_to(shared, squares.shape)
        elif self.covariance_type == "diag":
            squares = squares * unit
        elif self.covariance_type == "spherical":
            squares = (np.trace(squares, axis1=2, axis2=3) / dimensions)[..., np.newaxis, np.newaxis] * unit
        return squares + self.reg_covar * unit


def fit_mixtures(
    samples: Samples,
    components: int,
    shape: Shape,
    *,
    seeds: Sequence[int],
    starts: int = STARTS,
    start_rows: int = START_ROWS,
) -> Mixtures:
    """Return the mixtures of samples (b, m, d): the likeliest of `starts` on at most `start_rows` rows goes on."""
    rows, dimensions = samples.shape[1:]
    many = max(1, NUMBERS_AT_ONCE // (rows * (components + dimensions * (dimensions + 3) // 2 + 1)))
    parts = [
        _fit(samples[first : first + many], components, shape, seeds[first : first + many], starts, start_rows)
        for first in range(0, len(samples), many)
    ]
    return _joined(parts)


def _fit(
    samples: Samples, components: int, shape: Shape, seeds: Sequence[int], starts: int, start_rows: int
) -> Mixtures:
    few, centroids = starting_centroids(samples, components, seeds=seeds, starts=starts, start_rows=start_rows)
    columns = np.repeat(with_ones(few), starts, axis=0)
    members, _ = memberships(columns, centroids.reshape(-1, *centroids.shape[2:]))
    products = monomials(columns[:, :-1])
    begun = _maximised(members.astype(np.float64) @ np.swapaxes(products, 1, 2), shape)
    tried = _steps(_Rows(columns[:, :-1], products), begun, shape, iterations=START_ITERATIONS)
    best = tried.likelihoods.reshape(len(samples), starts).argmax(axis=1) + np.arange(len(samples)) * starts
    return steps(samples, _taken(tried, best), shape, iterations=ITERATIONS)


def steps(samples: Samples, mixtures: Mixtures, shape: Shape, *, iterations: int) -> Mixtures:
    """Return the mixtures of samples (b, m, d) after at most so many steps."""
    return _steps(_Rows.of(samples), mixtures, shape, iterations=iterations)


def mean_log_likelihood(features: FloatMatrix, coefficients: FloatMatrix) -> float:
    """Return that of rows (n, d) under a mixture with these coefficients (k, d(d + 3)/2 + 1)."""
    return float(_expected(_Rows.of(features[np.newaxis]), coefficients[np.newaxis])[1][0])


@dataclass(frozen=True)
class _Rows:
    """Columns (b, d, m) of samples, and their monomials where one block holds them all."""

    columns: NDArray[np.float64]
    kept: Products | None

    @classmethod
    def of(cls, samples: Samples) -> _Rows:
        columns = np.swapaxes(samples, 1, 2)
        return cls(columns, monomials(columns) if samples.shape[1] <= BLOCK_ROWS else None)

    def taken(self, places: NDArray[np.bool_]) -> _Rows:
        return _Rows(self.columns[places], None if self.kept is None else self.kept[places])

    def blocks(self) -> Iterator[Products]:
        if self.kept is not None:
            yield self.kept
            return
        for first in range(0, self.columns.shape[2], BLOCK_ROWS):
            yield monomials(self.columns[..., first : first + BLOCK_ROWS])


def _steps(rows: _Rows, mixtures: Mixtures, shape: Shape, *, iterations: int) -> Mixtures:
    ended = Mixtures(**{one.name: getattr(mixtures, one.name).copy() for one in fields(Mixtures)})
    going = np.arange(len(rows.columns))
    for _ in range(iterations):
        sums, likelihoods = _expected(rows, mixtures.coefficients)
        moved = _maximised(sums, shape, likelihoods)
        goes_on = np.abs(likelihoods - mixtures.likelihoods) > TOLERANCE
        _put(ended, going, moved)
        if not goes_on.any():
            break
        mixtures = moved
        if not goes_on.all():
            going, rows, mixtures = going[goes_on], rows.taken(goes_on), _taken(moved, goes_on)
    return ended


def _expected(rows: _Rows, coefficients: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sums of monomials (b, k, q) that fall to each component, and the mean log likelihoods (b,)."""
    parts = [_expected_of_block(products, coefficients) for products in rows.blocks()]
    sums, likelihoods = (np.add.reduce(part) for part in zip(*parts, strict=True))
    return sums, likelihoods / rows.columns.shape[2]


def _expected_of_block(
    products: Products, coefficients: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    densities = coefficients @ products
    highest = densities.max(axis=1, keepdims=True)
    densities -= highest
    np.exp(densities, out=densities)
    total = densities.sum(axis=1, keepdims=True)
    densities /= total
    return densities @ np.swapaxes(products, 1, 2), (highest + np.log(total))[:, 0].sum(axis=1)


def _maximised(sums: NDArray[np.float64], shape: Shape, likelihoods: NDArray[np.float64] | None = None) -> Mixtures:
    """Return the mixtures whose components have these sums of monomials (b, k, q)."""
    sizes = np.maximum(sums[..., -1], LEAST_WEIGHT)
    weights = sizes / sizes.sum(axis=1, keepdims=True)
    moments = sums / sizes[..., np.newaxis]
    dimensions = next(d for d in range(1, sums.shape[2]) if d * (d + 3) // 2 + 1 == sums.shape[2])
    means = moments[..., -dimensions - 1 : -1]
    squares = np.empty((*means.shape, dimensions))
    for place, (i, j) in enumerate(pairs(dimensions)):
        squares[..., i, j] = squares[..., j, i] = moments[..., place] - means[..., i] * means[..., j]
    each = np.arange(dimensions)
    squares[..., each, each] = np.maximum(squares[..., each, each], 0.0)
    found = np.full(len(sums), -np.inf) if likelihoods is None else likelihoods
    return Mixtures(weights, means, shape.covariances(weights, squares), found)


def _taken(mixtures: Mixtures, places: NDArray[np.intp] | NDArray[np.bool_]) -> Mixtures:
    return Mixtures(**{one.name: getattr(mixtures, one.name)[places] for one in fields(Mixtures)})


def _put(mixtures: Mixtures, places: NDArray[np.intp], others: Mixtures) -> None:
    for one in fields(Mixtures):
        getattr(mixtures, one.name)[places] = getattr(others, one.name)


def _joined(parts: Sequence[Mixtures]) -> Mixtures:
    return Mixtures(
        **{one.name: np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Mixtures)}
    )
