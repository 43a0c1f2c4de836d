"""Customers without groups, of many kinds, and customers with groups that are known: what verdicts are judged by."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

ROWS = 2_000
CENTRES = np.array([[86.5, 82.1], [55.3, 49.5], [26.3, 20.9], [88.2, 17.1], [25.7, 79.4]])
UNIT = np.array([26.2, 25.8])  # standard deviations of the Mall customers
SPREAD = 0.405  # within their groups, in that unit
MALL_SHARES = np.array([39, 81, 23, 35, 22]) / 200

Rows = NDArray[np.float64]


def uniform(seed: int) -> Rows:
    return _generator(seed).uniform(size=(ROWS, 2))


def uniform_askew(seed: int) -> Rows:
    askew: Rows = _generator(seed).uniform(-1, 1, size=(ROWS, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
    return askew


def uniform_correlated(seed: int) -> Rows:
    return _correlated_shares(seed, 2)


def isotropic(seed: int) -> Rows:
    return _generator(seed).normal(size=(ROWS, 2))


def five_normals(seed: int) -> Rows:
    return _generator(seed).normal(size=(ROWS, 5))


def correlated(seed: int) -> Rows:
    return _generator(seed).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], ROWS)


def exponential(seed: int) -> Rows:
    return _generator(seed).exponential(size=(ROWS, 2))


def three_exponentials(seed: int) -> Rows:
    return _generator(seed).exponential(size=(ROWS, 3))


def five_exponentials(seed: int) -> Rows:
    return _generator(seed).exponential(size=(ROWS, 5))


def correlated_exponentials(seed: int) -> Rows:
    return -np.log1p(-_correlated_shares(seed, 3))


def log_normal(seed: int) -> Rows:
    return _generator(seed).lognormal(mean=5.0, size=(ROWS, 2))


def small_log_normal(seed: int) -> Rows:
    return _generator(seed).lognormal(size=(ROWS, 2))


def correlated_log_normals(seed: int) -> Rows:
    return np.exp(norm.ppf(_correlated_shares(seed, 3)))


def small_counts(seed: int) -> Rows:
    return _generator(seed).poisson(2.0, size=(ROWS, 2)).astype(float)


def count_beside_normal(seed: int) -> Rows:
    generator = _generator(seed)
    return np.column_stack([generator.poisson(1.0, ROWS), generator.normal(size=ROWS)])


def flag_beside_normal(seed: int) -> Rows:
    generator = _generator(seed)
    return np.column_stack([generator.random(ROWS) < 0.5, generator.normal(size=ROWS)]).astype(float)


def heavy_tails(seed: int) -> Rows:
    return _generator(seed).standard_t(3, size=(ROWS, 2))


def joint_heavy_tails(seed: int) -> Rows:
    generator = _generator(seed)
    return generator.normal(size=(ROWS, 2)) / np.sqrt(generator.chisquare(3, size=(ROWS, 1)) / 3)


def five_groups(seed: int) -> Rows:
    return _groups(seed, rows=ROWS, shares=np.full(5, 0.2))


def five_groups_like_mall(seed: int) -> Rows:
    return _groups(seed, rows=200, shares=MALL_SHARES)


def two_in_one_column(seed: int) -> Rows:
    generator = _generator(seed)
    rows = generator.normal(size=(ROWS, 3))
    rows[:, 0] += 6 * (generator.random(ROWS) < 0.5)
    return rows


def elongated(seed: int) -> Rows:
    generator = _generator(seed)
    rows = generator.normal(size=(ROWS, 2)) * [3.0, 0.4]
    rows[:, 1] += 4 * generator.integers(0, 3, ROWS)
    turned: Rows = rows @ np.array([[0.8, 0.6], [-0.6, 0.8]])
    return turned


def small_group(seed: int) -> Rows:
    generator = _generator(seed)
    group = generator.choice(3, ROWS, p=[0.03, 0.47, 0.5])
    centres = np.array([[6.0, 6.0], [0.0, 0.0], [6.0, 0.0]])
    return centres[group] + generator.normal(scale=0.8, size=(ROWS, 2))


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _correlated_shares(seed: int, columns: int) -> Rows:
    """Return uniform columns with the dependence of normal ones with correlation 0.6."""
    covariance = 0.4 * np.eye(columns) + 0.6
    return norm.cdf(_generator(seed).multivariate_normal(np.zeros(columns), covariance, ROWS))


def _groups(seed: int, *, rows: int, shares: NDArray[np.float64]) -> Rows:
    generator = _generator(seed)
    group = generator.choice(len(CENTRES), size=rows, p=shares)
    return (CENTRES / UNIT)[group] + generator.normal(scale=SPREAD, size=(rows, 2))  # type: ignore[no-any-return]


NOISE: dict[str, Callable[[int], Rows]] = {
    "uniform noise": uniform,
    "uniform, askew": uniform_askew,
    "uniform columns, correlation 0.6": uniform_correlated,
    "isotropic Gaussian": isotropic,
    "5 normal columns": five_normals,
    "Gaussian with correlation 0.6": correlated,
    "2 exponential columns": exponential,
    "3 exponential columns": three_exponentials,
    "5 exponential columns": five_exponentials,
    "3 exponential columns, correlation 0.6": correlated_exponentials,
    "log-normal": small_log_normal,
    "log-normal, declared as log": log_normal,
    "small log-normal, declared as log": small_log_normal,
    "3 log-normals, correlation 0.6, declared as log": correlated_log_normals,
    "small counts": small_counts,
    "a small count beside a normal": count_beside_normal,
    "yes or no beside a normal": flag_beside_normal,
    "heavy tails": heavy_tails,
    "heavy tails together": joint_heavy_tails,
}
GROUPS: dict[str, Callable[[int], Rows]] = {
    "five groups, 2,000 rows": five_groups,
    "five groups of Mall's sizes, 200 rows": five_groups_like_mall,
    "two groups apart in one of 3 columns": two_in_one_column,
    "three elongated groups": elongated,
    "a group of 3 % beside two": small_group,
}
