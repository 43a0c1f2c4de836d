"""scikit-learn's mixture for people with notebooks, and its parameters as plain arrays."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import Fitted, FloatMatrix, Parameters, Settings, canonical_order
from clustering.algorithms.gaussian import coefficients_of
from clustering.algorithms.mixtures import Shape, fit_mixtures
from clustering.algorithms.threads import one_thread
from clustering.config import GaussianMixtureSpec

MAX_ITERATIONS = 500
START_ROWS = 1_000  # of a fit that replicates are compared with


def shape_of(settings: Settings, spec: GaussianMixtureSpec) -> Shape:
    """Return what covariances look like with these settings."""
    return Shape(str(settings["covariance_type"]), spec.reg_covar)


def fit_estimator(features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec, *, start: Fitted | None) -> Any:
    """Return a mixture whose components are in canonical order, fitted from `start` or from `spec.n_init` starts."""
    from sklearn import mixture
    from sklearn.exceptions import ConvergenceWarning

    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator = mixture.GaussianMixture(
            int(settings["n_components"]),
            covariance_type=settings["covariance_type"],
            reg_covar=spec.reg_covar,
            random_state=spec.seed,
            max_iter=MAX_ITERATIONS,
            **(_going_on(start) if start else _begun(features, settings, spec)),
        )
        estimator.fit(features)
    _reorder(estimator, canonical_order(estimator.means_))
    return estimator


def parameters_of(estimator: Any) -> Parameters:
    """Return the parameters that scoring and explanations need."""
    precisions = _square(estimator.precisions_, estimator)
    return {
        "coefficients": coefficients_of(estimator.weights_, estimator.means_, precisions),
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


def _going_on(start: Fitted) -> dict[str, Any]:
    return {
        "weights_init": start.parameters["weights"],
        "means_init": start.parameters["means"],
        "precisions_init": start.estimator.precisions_,
    }


def _begun(features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec) -> dict[str, Any]:
    mixture = fit_mixtures(
        features[np.newaxis],
        int(settings["n_components"]),
        shape_of(settings, spec),
        seeds=[spec.seed],
        starts=spec.n_init,
        start_rows=START_ROWS,
    )
    return {
        "weights_init": mixture.weights[0],
        "means_init": mixture.means[0],
        "precisions_init": _of_type(np.linalg.inv(mixture.covariances[0]), str(settings["covariance_type"])),
    }


def _of_type(precisions: FloatMatrix, covariance_type: str) -> FloatMatrix:
    """Return precisions (k, d, d) in the shape that scikit-learn gives those of a covariance type."""
    if covariance_type == "full":
        return precisions
    diagonals = np.diagonal(precisions, axis1=1, axis2=2)
    shaped: FloatMatrix = {"tied": precisions[0], "diag": diagonals, "spherical": diagonals[:, 0]}[covariance_type]
    return shaped


def _reorder(estimator: Any, order: NDArray[np.intp]) -> None:
    names = ["weights_", "means_"]
    if estimator.covariance_type != "tied":
        names += ["covariances_", "precisions_", "precisions_cholesky_"]
    for name in names:
        setattr(estimator, name, np.ascontiguousarray(getattr(estimator, name)[order]))
