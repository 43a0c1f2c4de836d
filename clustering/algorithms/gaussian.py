"""Gaussian densities: the logarithm of a weighted density is a product with the features' monomials."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix, FloatVector, Labels
from clustering.arithmetic import exp


def most_probable(coefficients: FloatMatrix, groups: Labels, columns: FloatMatrix) -> tuple[Labels, FloatVector]:
    """Return the group of the component with the highest weighted density of columns (d, n), and its probability.

    The probability of a group is the sum of those of its components; `groups` is (k,).
    """
    # einsum, since the last bits of a BLAS product change with the number of threads and the processor
    densities = np.einsum("km,mn->kn", coefficients, monomials(columns), optimize=False)
    labels = np.full(columns.shape[1], groups[0], dtype=np.int32)
    highest = densities[0].copy()
    for label, density in zip(groups[1:], densities[1:], strict=True):
        np.copyto(labels, label, where=density > highest)
        np.maximum(highest, density, out=highest)
    densities -= highest
    densities = exp(densities)
    own = np.zeros_like(highest)
    for label, density in zip(groups, densities, strict=True):
        np.add(own, density, out=own, where=labels == label)
    return labels, own / densities.sum(axis=0)


def monomials(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return every product of two features, every feature, and 1, of columns (..., d, n)."""
    *samples, dimensions, rows = columns.shape
    found = np.empty((*samples, dimensions * (dimensions + 3) // 2 + 1, rows))
    for place, (i, j) in enumerate(pairs(dimensions)):
        np.multiply(columns[..., i, :], columns[..., j, :], out=found[..., place, :])
    found[..., -dimensions - 1 : -1, :] = columns
    found[..., -1, :] = 1.0
    return found


def pairs(dimensions: int) -> list[tuple[int, int]]:
    """Return the pairs of features in the order of their products."""
    return [(i, j) for i in range(dimensions) for j in range(i, dimensions)]


def coefficients_of(
    weights: NDArray[np.float64], means: NDArray[np.float64], precisions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the coefficients (..., k, d(d + 3)/2 + 1) of log(weight × density) on the monomials.

    Weights are (..., k), means (..., k, d) and precisions (..., k, d, d).
    """
    dimensions = means.shape[-1]
    linear = np.einsum("...ij,...j->...i", precisions, means)
    constant = np.log(weights) + 0.5 * (
        np.linalg.slogdet(precisions)[1] - np.einsum("...i,...i->...", linear, means) - dimensions * np.log(2 * np.pi)
    )
    quadratic = [-(0.5 if i == j else 1.0) * precisions[..., i, j] for i, j in pairs(dimensions)]
    return np.concatenate([np.stack(quadratic, axis=-1), linear, constant[..., np.newaxis]], axis=-1)


def one_gaussian(features: FloatMatrix) -> float:
    """Return the mean log likelihood of features (n, d) under one Gaussian with their mean and covariance."""
    dimensions = features.shape[1]
    covariance = np.atleast_2d(np.cov(features, rowvar=False, bias=True)) + 1e-9 * np.eye(dimensions)
    return -0.5 * float(dimensions * (1 + np.log(2 * np.pi)) + np.linalg.slogdet(covariance)[1])
