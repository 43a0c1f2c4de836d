"""Customers that no clustering, or not that of this algorithm, can be trusted on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clustering.algorithms import FloatMatrix, algorithm
from clustering.algorithms.base import places_by_column
from clustering.config import ModelSpec

FEWEST_CUSTOMERS = 10
TOP_SHARE = 0.001
MOST_VARIANCE = 0.90


def reasons_against(features: FloatMatrix, spec: ModelSpec, names: Sequence[str]) -> list[str]:
    """Return why a model of features (n, d) of these columns must not be used, whatever its clusters look like."""
    if len(features) < FEWEST_CUSTOMERS:
        return [f"there are {len(features)} customers, at least {FEWEST_CUSTOMERS} are needed to tell anything"]
    one = algorithm(spec.algorithm)
    return dominated_columns(features, names) + one.reasons_against(features, names)


def dominated_columns(features: FloatMatrix, names: Sequence[str]) -> list[str]:
    """Return a reason for each column whose variance comes from a handful of customers.

    All others lie on one point there, so that every distance is the distance to that handful. A category, whose name
    stands several times, is judged when its levels are learnt.
    """
    top = max(1, int(TOP_SHARE * len(features)))
    reasons = []
    numbers = {name: places[0] for name, places in places_by_column(names).items() if len(places) == 1}
    for name, place in numbers.items():
        column = features[:, place]
        squares = np.sort((column - np.median(column)) ** 2)
        share = float(squares[-top:].sum() / max(squares.sum(), np.finfo(float).tiny))
        if share > MOST_VARIANCE and top < len(features) / 10:
            reasons.append(
                f"{100 * share:.0f} % of the variance of {name} comes from {top} of {len(features)} customers; "
                "give the column a range, or transform: log, in customers.yaml"
            )
    return reasons
