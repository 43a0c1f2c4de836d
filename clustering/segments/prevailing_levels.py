"""Which values of a category tell clusters apart in words: those that most customers of some have, of others not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from clustering.algorithms.base import FloatVector, Labels
from clustering.features.categories import codes_of, learn_levels, spoken_level

LEVEL_OF = "="  # between a category and its level; no column's name has it
PREVAILS = 0.5  # the share of a cluster's customers from which on they are called by a level


def prevailing_levels(customers: pa.RecordBatch, labels: Labels, categories: Sequence[str]) -> dict[str, FloatVector]:
    """Return the share (k,) of each cluster's customers who have a level, by `category=level`.

    `labels` (n,) are clusters 0, 1, ..., k - 1 of the customers (n), -1 for noise. Levels that prevail in all clusters,
    or in none, are left out.
    """
    clusters = range(int(labels.max(initial=-1)) + 1)
    shares: dict[str, FloatVector] = {}
    for name in categories:
        levels = learn_levels(customers.column(name), name)
        codes = codes_of(customers.column(name), levels)
        for place, level in enumerate(levels):
            share = np.array([np.mean(codes[labels == cluster] == place) for cluster in clusters])
            if 0 < np.count_nonzero(share >= PREVAILS) < len(share):
                shares[f"{name}{LEVEL_OF}{level}"] = share
    return shares


def spoken(level: str) -> str:
    """Return a category and its level as people read them.

    >>> spoken("sales_channel=mobile app")
    'sales channel mobile app'
    """
    category, _, value = level.partition(LEVEL_OF)
    return f"{category.replace('_', ' ').strip()} {spoken_level(value)}"
