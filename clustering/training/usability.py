"""Customers that no clustering, or no mixture of Gaussians, can be trusted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clustering.algorithms import FloatMatrix
from clustering.config import ModelSpec

FEWEST_CUSTOMERS = 10
FEWEST_VALUES = 10
LARGEST_MASS = 0.10  # of the customers at one value
TOP_SHARE = 0.001
MOST_VARIANCE = 0.90


def reasons_against(features: FloatMatrix, spec: ModelSpec) -> list[str]:
    """Return why a model of features (n, d) must not be used, whatever its clusters look like."""
    if len(features) < FEWEST_CUSTOMERS:
        return [f"there are {len(features)} customers, at least {FEWEST_CUSTOMERS} are needed to tell anything"]
    reasons = dominated_columns(features, spec.features)
    if spec.algorithm == "gmm":
        reasons += discrete_columns(features, spec.features)
    return reasons


def dominated_columns(features: FloatMatrix, names: Sequence[str]) -> list[str]:
    """Return a reason for each column whose variance comes from a handful of customers.

    All others lie on one point there, so that every distance is the distance to that handful.
    """
    top = max(1, int(TOP_SHARE * len(features)))
    reasons = []
    for name, column in zip(names, features.T, strict=True):
        squares = np.sort((column - np.median(column)) ** 2)
        share = float(squares[-top:].sum() / max(squares.sum(), np.finfo(float).tiny))
        if share > MOST_VARIANCE and top < len(features) / 10:
            reasons.append(
                f"{100 * share:.0f} % of the variance of {name} comes from {top} of {len(features)} customers; "
                "give the column a range, or transform: log, in customers.yaml"
            )
    return reasons


def discrete_columns(features: FloatMatrix, names: Sequence[str]) -> list[str]:
    """Return a reason for each column in which a Gaussian mixture finds values instead of groups."""
    reasons = []
    for name, column in zip(names, features.T, strict=True):
        counts = np.unique(column, return_counts=True)[1]
        mass = counts.max() / len(column)
        if len(counts) < FEWEST_VALUES:
            reasons.append(
                f"{name} takes only {len(counts)} different values, which a Gaussian mixture takes for groups"
            )
        elif mass > LARGEST_MASS:
            reasons.append(
                f"{100 * mass:.0f} % of the customers have the same {name}, which a Gaussian mixture takes for a group"
            )
    return reasons
