"""Gaussian mixture: the component with the highest posterior probability."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import (
    Assigner,
    Assignment,
    Fitted,
    FloatMatrix,
    FloatVector,
    Labels,
    Parameters,
    Settings,
    assign_in_blocks,
    canonical_order,
    require_different_rows,
    require_every_cluster,
    small_clusters,
)
from clustering.config import GaussianMixtureSpec

MAX_ITERATIONS = 500
NEAR_REGULARISATION = 1.1


def propose(features: FloatMatrix, spec: GaussianMixtureSpec, *, share: float = 1.0) -> list[Settings]:
    """Return one candidate for every covariance type and number of components of the specification."""
    low, high = spec.components
    return [
        {"n_components": components, "covariance_type": covariance_type}
        for covariance_type in spec.covariance_types
        for components in range(low, high + 1)
    ]


def for_share(settings: Settings, share: float) -> Settings:
    """Return the settings: they are the same for a share of the customers."""
    return settings


def fit(features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec, *, start: Fitted | None = None) -> Fitted:
    """Fit a mixture with `spec.reg_covar` on every variance, by `spec.n_init` starts from `spec.seed`, or from `start`.

    Raises TrainingError for fewer different rows than components, and for a component that wins no row.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    components = int(settings["n_components"])
    require_different_rows(features, max(components, 2))
    estimator = GaussianMixture(
        components,
        covariance_type=settings["covariance_type"],
        reg_covar=spec.reg_covar,
        random_state=spec.seed,
        max_iter=MAX_ITERATIONS,
        **(_from(start) if start else {"n_init": spec.n_init}),
    )
    with threadpool_limits(limits=1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(features)
    _reorder(estimator, canonical_order(estimator.means_))
    parameters = _parameters(estimator)
    labels = assigner(parameters)(features).labels
    require_every_cluster(labels, components)
    return Fitted(estimator=estimator, settings=settings, parameters=parameters, labels=labels)


def doubts(fitted: Fitted, spec: GaussianMixtureSpec) -> list[str]:
    """Return doubts for small components, and for a variance that only `reg_covar` keeps from vanishing.

    Such a component has found a discrete or duplicated direction instead of a group.
    """
    least = spec.gate.min_share
    found = small_clusters(fitted.labels, clusters=len(fitted.parameters["means"]), least_share=least)
    weight = float(fitted.parameters["weights"].min())
    if weight < least:
        found.append(f"the smallest component weighs {100 * weight:.2f} %, under {100 * least:g} %")
    variance = float(np.linalg.eigvalsh(fitted.parameters["covariances"]).min())
    if variance <= NEAR_REGULARISATION * spec.reg_covar:
        found.append(f"the smallest variance, {variance:.3g}, is that of reg_covar, {spec.reg_covar:g}")
    return found


def assigner(parameters: Parameters) -> Assigner:
    """Return the assigner of `coefficients` (k, d(d + 3)/2 + 1).

    The logarithm of a component's weighted density is a quadratic form, so one matrix product gives all of them. The
    confidence is the posterior probability of the chosen component.
    """
    kernel = partial(_most_probable, np.ascontiguousarray(parameters["coefficients"], dtype=np.float64))

    def assign(features: FloatMatrix, /) -> Assignment:
        return assign_in_blocks(features, kernel)

    return assign


def _most_probable(coefficients: FloatMatrix, columns: FloatMatrix) -> tuple[Labels, FloatVector]:
    # einsum, since the last bits of a BLAS product change with the number of threads and the processor
    densities = np.einsum("km,mn->kn", coefficients, _monomials(columns), optimize=False)
    labels = np.zeros(columns.shape[1], dtype=np.int32)
    highest = densities[0].copy()
    for label, density in enumerate(densities[1:], start=1):
        np.copyto(labels, label, where=density > highest)
        np.maximum(highest, density, out=highest)
    densities -= highest
    np.exp(densities, out=densities)
    return labels, 1.0 / densities.sum(axis=0)


def _monomials(columns: FloatMatrix) -> FloatMatrix:
    """Return every product of two features, every feature, and 1, of columns (d, n)."""
    dimensions, rows = columns.shape
    monomials = np.empty((dimensions * (dimensions + 3) // 2 + 1, rows))
    for target, (i, j) in zip(monomials, _pairs(dimensions), strict=False):
        np.multiply(columns[i], columns[j], out=target)
    monomials[-dimensions - 1 : -1] = columns
    monomials[-1] = 1.0
    return monomials


def _pairs(dimensions: int) -> list[tuple[int, int]]:
    return [(i, j) for i in range(dimensions) for j in range(i, dimensions)]


def _coefficients(weights: FloatVector, means: FloatMatrix, precisions: FloatMatrix) -> FloatMatrix:
    """Return the coefficients (k, d(d + 3)/2 + 1) of log(weight × density) on the monomials."""
    dimensions = means.shape[1]
    linear = np.einsum("kij,kj->ki", precisions, means)
    constant = np.log(weights) + 0.5 * (
        np.linalg.slogdet(precisions)[1] - np.einsum("ki,ki->k", linear, means) - dimensions * np.log(2 * np.pi)
    )
    quadratic = [-(0.5 if i == j else 1.0) * precisions[:, i, j] for i, j in _pairs(dimensions)]
    return np.column_stack([*quadratic, linear, constant])


def _parameters(estimator: Any) -> dict[str, NDArray[Any]]:
    precisions = _square(estimator.precisions_, estimator)
    return {
        "coefficients": _coefficients(estimator.weights_, estimator.means_, precisions),
        "weights": estimator.weights_.copy(),
        "means": estimator.means_.copy(),
        "covariances": _square(estimator.covariances_, estimator),
    }


def _square(values: FloatMatrix, estimator: Any) -> FloatMatrix:
    """Return covariances or precisions of any covariance type as (k, d, d)."""
    components, dimensions = estimator.means_.shape
    if estimator.covariance_type == "full":
        return values.copy()
    if estimator.covariance_type == "tied":
        return np.repeat(values[np.newaxis], components, axis=0)
    return values.reshape(components, -1, 1) * np.eye(dimensions)


def _from(start: Fitted) -> dict[str, Any]:
    return {
        "weights_init": start.parameters["weights"],
        "means_init": start.parameters["means"],
        "precisions_init": start.estimator.precisions_,
    }


def _reorder(estimator: Any, order: NDArray[np.intp]) -> None:
    names = ["weights_", "means_"]
    if estimator.covariance_type != "tied":
        names += ["covariances_", "precisions_", "precisions_cholesky_"]
    for name in names:
        setattr(estimator, name, np.ascontiguousarray(getattr(estimator, name)[order]))
