"""Columns that take few different values: where values are found instead of groups, and how to look between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix

FEWEST_VALUES = 10
LARGEST_MASS = 0.10  # of the customers at one value
LEAST_BESIDE = 0.25  # of these, at the values next to it, where values are merely coarse


def discrete_columns(features: FloatMatrix, names: Sequence[str]) -> list[str]:
    """Return a reason for each column in which a Gaussian mixture finds values instead of groups.

    A value that many share is no group where the values beside it hold many too, as in a column of whole numbers: then
    it is left to the fits, of which none may collapse on a value, and to noise, which has the same ties.
    """
    reasons = []
    for name, column in zip(names, features.T, strict=True):
        counts = np.unique(column, return_counts=True)[1]
        if len(counts) < FEWEST_VALUES:
            reasons.append(
                f"{name} takes only {len(counts)} different values, which a Gaussian mixture takes for groups"
            )
        elif _largest_mass(counts) > LARGEST_MASS and not _is_coarse(counts):
            reasons.append(
                f"{100 * _largest_mass(counts):.0f} % of the customers have the same {name}, "
                "which a Gaussian mixture takes for a group"
            )
    return reasons


def spread(features: FloatMatrix, *, seed: int) -> FloatMatrix:
    """Return features (n, d) with the values of coarse columns spread evenly, each up to the middles between values.

    A column is coarse where many customers share a value, as whole numbers are, and the values beside it hold many too.
    They lie on lines, which density takes for groups as soon as customers on one line are nearer to each other than the
    next line is. `seed` draws the places.
    """
    found = features.copy()
    for place, column in enumerate(features.T):
        values, counts = np.unique(column, return_counts=True)
        if _largest_mass(counts) > LARGEST_MASS and _is_coarse(counts):
            middles = (values[1:] + values[:-1]) / 2
            bounds = np.concatenate([[2 * values[0] - middles[0]], middles, [2 * values[-1] - middles[-1]]])
            at = np.searchsorted(values, column)
            found[:, place] = np.random.default_rng([seed, place]).uniform(bounds[at], bounds[at + 1])
    return found


def _largest_mass(counts: NDArray[np.intp]) -> float:
    """Return the share of the customers at the most common value."""
    return float(counts.max() / counts.sum())


def _is_coarse(counts: NDArray[np.intp]) -> bool:
    """Whether the values beside the most common one hold many customers too."""
    at = int(counts.argmax())
    beside = counts[max(at - 1, 0) : at + 2].sum() - counts[at]
    return bool(beside >= LEAST_BESIDE * counts[at])
