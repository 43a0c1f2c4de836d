"""Is it more than one group? Clusterings of customers held against clusterings of customers without groups.

Stability does not tell: four quadrants of uniform noise are found again and again. Two kinds of noise are the measure:
uniform in the box along the principal components (Tibshirani, Walther & Hastie, 2001), and one Gaussian with the same
covariance. K-Means must lower the logarithm of its dispersion by more than it does in the first (their gap statistic, k
clusters against one), and reach a higher silhouette than in either. A Gaussian mixture must gain more log likelihood
over one Gaussian than it does in either (the bootstrapped likelihood ratio of McLachlan, 1987).

A mixture without correlations, unlike K-Means, fits a box along the features better than a turned one. It is held
against the smaller of the two boxes, which is turned as the customers are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from clustering.algorithms import Fitted, FloatMatrix, Settings
from clustering.algorithms.base import FloatVector
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.measures import silhouette
from clustering.training.resampling import refit

Noise = Literal["uniform", "gaussian"]
NOISES: tuple[Noise, ...] = get_args(Noise)
SILHOUETTE_ROWS = 1_000


@dataclass(frozen=True)
class Excess:
    """By how much a clustering beats those of noise, and the standard error of that."""

    value: float
    error: float

    @property
    def errors(self) -> float:
        """The excess in standard errors."""
        return self.value / self.error if self.error > 0 else float(np.sign(self.value) * np.inf)


def excess_over_noise(observed: float, of_noise: FloatVector) -> Excess:
    """Compare a statistic with the same one of references (b,).

    The error is their standard deviation × √(1 + 1/b), as in the gap statistic.
    """
    error = float(of_noise.std(ddof=1) * np.sqrt(1 + 1 / len(of_noise)))
    return Excess(observed - float(of_noise.mean()), error)


def statistics(features: FloatMatrix, fitted: Fitted, spec: ModelSpec, noise: Noise) -> dict[str, float]:
    """Return what speaks for the groups of a fit on features (n, d), to compare with `noise`; larger is better."""
    if spec.algorithm != "kmeans":
        return {"likelihood": float(fitted.estimator.score(features)) - _one_gaussian(features)}
    found = {"silhouette": silhouette(features, fitted.labels, seed=0, most_rows=SILHOUETTE_ROWS)}
    if noise == "uniform":
        around_mean = float(((features - features.mean(axis=0)) ** 2).sum())
        around_centroids = max(-float(fitted.estimator.score(features)), np.finfo(float).tiny)
        found["gap"] = float(np.log(around_mean) - np.log(around_centroids))
    return found


def statistics_of_noise(
    features: FloatMatrix, settings: Settings, spec: ModelSpec, noise: Noise, seed: int
) -> dict[str, float]:
    """Return the statistics of a fit on noise that resembles features (n, d) in all but groups; none without a fit."""
    reference = draw_noise(features, noise, seed=seed, smaller_box=spec.algorithm == "gmm")
    try:
        return statistics(reference, refit(reference, settings, spec, seed=seed), spec, noise)
    except TrainingError:
        return {}


def draw_noise(features: FloatMatrix, noise: Noise, *, seed: int, smaller_box: bool = False) -> FloatMatrix:
    """Return as many rows of noise as there are features (n, d), with their mean and extent.

    With `smaller_box`, the box lies along the features where that is smaller than along the principal components.
    """
    generator = np.random.default_rng(seed)
    mean = features.mean(axis=0)
    centred = features - mean
    _, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    if noise == "gaussian":
        rows = generator.normal(size=features.shape) * (lengths / np.sqrt(len(features)))
    else:
        turns = [axes, np.eye(features.shape[1])] if smaller_box else [axes]
        axes = min(turns, key=lambda turn: float(np.prod(np.ptp(centred @ turn.T, axis=0))))
        turned = centred @ axes.T
        rows = generator.uniform(turned.min(axis=0), turned.max(axis=0), features.shape)
    return np.ascontiguousarray(rows @ axes + mean)


def _one_gaussian(features: FloatMatrix) -> float:
    """Return the mean log likelihood of features (n, d) under one Gaussian with their mean and covariance."""
    dimensions = features.shape[1]
    covariance = np.atleast_2d(np.cov(features, rowvar=False, bias=True)) + 1e-9 * np.eye(dimensions)
    return -0.5 * float(dimensions * (1 + np.log(2 * np.pi)) + np.linalg.slogdet(covariance)[1])
