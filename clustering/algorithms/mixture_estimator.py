"""A mixture's parameters as plain arrays, and scikit-learn's estimator of them for people with notebooks."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from clustering.algorithms.base import Fitted, FloatMatrix, Parameters, Settings, canonical_order
from clustering.algorithms.merging import labels_of
from clustering.algorithms.mixtures import Mixtures, Shape, fit_mixtures, steps
from clustering.algorithms.threads import one_thread
from clustering.config import GaussianMixtureSpec

MAX_ITERATIONS = 500
START_ROWS = 1_000  # of a fit that replicates are compared with


def shape_of(settings: Settings, spec: GaussianMixtureSpec) -> Shape:
    """Return what covariances look like with these settings."""
    return Shape(str(settings["covariance_type"]), spec.reg_covar)


def fit_parameters(
    features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec, *, start: Fitted | None
) -> Parameters:
    """Return what scoring and explanations need of a mixture, fitted from `start` or from `spec.n_init` starts.

    Components are in canonical order.
    """
    samples, shape = features[np.newaxis], shape_of(settings, spec)
    begun = _begun_at(start) if start else _begun(features, settings, spec)
    mixtures = steps(samples, begun, shape, iterations=MAX_ITERATIONS)
    order = canonical_order(mixtures.means[0])
    return {
        "coefficients": mixtures.coefficients[0][order],
        "weights": mixtures.weights[0][order],
        "means": mixtures.means[0][order],
        "covariances": mixtures.covariances[0][order],
    }


def free_parameters(components: int, dimensions: int, covariance_type: str) -> int:
    """Return how many numbers a mixture is free to choose.

    >>> [free_parameters(3, 2, one) for one in ("full", "tied", "diag", "spherical")]
    [17, 11, 14, 11]
    """
    of_covariances = {
        "full": components * dimensions * (dimensions + 1) // 2,
        "tied": dimensions * (dimensions + 1) // 2,
        "diag": components * dimensions,
        "spherical": components,
    }
    return of_covariances[covariance_type] + components * dimensions + components - 1


def make_estimator(features: FloatMatrix, parameters: Parameters, settings: Settings, spec: GaussianMixtureSpec) -> Any:
    """Return scikit-learn's mixture of features (n, d) with these parameters.

    It predicts components; `groups_` (k,) has the cluster of each.
    """
    from sklearn import mixture
    from sklearn.exceptions import ConvergenceWarning

    kind = str(settings["covariance_type"])
    precisions = np.linalg.inv(parameters["covariances"])
    estimator = mixture.GaussianMixture(
        int(settings["n_components"]),
        covariance_type=kind,
        reg_covar=spec.reg_covar,
        random_state=spec.seed,
        max_iter=1,
        weights_init=parameters["weights"],
        means_init=parameters["means"],
        precisions_init=_of_type(precisions, kind),
    )
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        estimator.fit(features)
    estimator.max_iter, estimator.converged_ = MAX_ITERATIONS, True
    estimator.weights_, estimator.means_ = parameters["weights"].copy(), parameters["means"].copy()
    estimator.groups_ = labels_of(parameters)
    estimator.covariances_ = _of_type(parameters["covariances"], kind)
    estimator.precisions_ = _of_type(precisions, kind)
    estimator.precisions_cholesky_ = _of_type(np.linalg.cholesky(precisions).astype(np.float64, copy=False), kind)
    return estimator


def _begun_at(start: Fitted) -> Mixtures:
    weights, means, covariances = (start.parameters[name] for name in ("weights", "means", "covariances"))
    return Mixtures(weights[np.newaxis], means[np.newaxis], covariances[np.newaxis], np.full(1, -np.inf))


def _begun(features: FloatMatrix, settings: Settings, spec: GaussianMixtureSpec) -> Mixtures:
    return fit_mixtures(
        features[np.newaxis],
        int(settings["n_components"]),
        shape_of(settings, spec),
        seeds=[spec.seed],
        starts=spec.n_init,
        start_rows=START_ROWS,
    )


def _of_type(matrices: FloatMatrix, covariance_type: str) -> FloatMatrix:
    """Return matrices (k, d, d) in the shape that scikit-learn gives those of a covariance type."""
    if covariance_type == "full":
        return matrices
    diagonals = np.diagonal(matrices, axis1=1, axis2=2)
    shaped: FloatMatrix = {"tied": matrices[0], "diag": diagonals, "spherical": diagonals[:, 0]}[covariance_type]
    return shaped.copy()
