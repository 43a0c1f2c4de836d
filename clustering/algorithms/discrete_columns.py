"""Columns in which a Gaussian mixture finds values instead of groups."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

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
        at = int(counts.argmax())
        mass = counts[at] / len(column)
        beside = counts[max(at - 1, 0) : at + 2].sum() / counts[at] - 1
        if len(counts) < FEWEST_VALUES:
            reasons.append(
                f"{name} takes only {len(counts)} different values, which a Gaussian mixture takes for groups"
            )
        elif mass > LARGEST_MASS and beside < LEAST_BESIDE:
            reasons.append(
                f"{100 * mass:.0f} % of the customers have the same {name}, which a Gaussian mixture takes for a group"
            )
    return reasons
