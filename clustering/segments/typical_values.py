"""What the customers of each cluster are like, in the columns' own units."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clustering.algorithms.base import Labels
from clustering.config import Contract, rounded_figure
from clustering.features import FloatVector
from clustering.features.categories import NOT_GIVEN, spoken_level

LEAST = 20  # customers, below which a middle value would be nearly one customer's own


def typical_values(
    customers: pa.RecordBatch, labels: Labels, *, columns: Sequence[str], contract: Contract
) -> list[str]:
    """Return a sentence a cluster 0, 1, ...: the middle value of each column, beside that of all customers.

    Of a category it is the one that most of them have, and their share.

    `labels` (n,) are the clusters of the customers (n). The values are rounded to three figures; of a cluster with
    fewer than LEAST customers, or than the contract's least group, nothing is said.
    """
    told = [_told(customers.column(name), name, contract) for name in columns]
    sentences = []
    for cluster in range(int(labels.max(initial=-1)) + 1):
        members = labels == cluster
        if members.sum() < max(LEAST, contract.min_group):
            sentences.append("")
            continue
        said = [tell(members) for tell in told]
        sentences.append(f"Typical values, beside those of all customers: {', '.join(said)}.")
    return sentences


def _told(column: pa.Array, name: str, contract: Contract) -> Callable[[NDArray[np.bool_]], str]:
    """Return what says how some of the customers (n,) compare with all of them."""
    title = name.replace("_", " ").strip()
    if name in contract.categories:
        everybody = _mostly(column)
        return lambda members: f"{title} mostly: {_mostly(column.filter(pa.array(members)))} (all {everybody})"
    numbers: FloatVector = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    middle = _spoken(numbers, name, contract)
    return lambda members: f"{title} {_spoken(numbers[members], name, contract)} (all {middle})"


def _mostly(categories: pa.StringArray) -> str:
    """Return the most frequent of some categories, and its share of all of them.

    >>> _mostly(pa.array(["web", "app", "app", None]))
    'app, 50 %'
    """
    counts = pc.fill_null(categories, NOT_GIVEN).value_counts().to_pylist()
    most = min(counts, key=lambda one: (-one["counts"], one["values"]))
    return f"{spoken_level(most['values'])}, {100 * most['counts'] / len(categories):.0f} %"


def _spoken(values: FloatVector, name: str, contract: Contract) -> str:
    present = values[np.isfinite(values)]
    return contract.columns[name].in_words(rounded_figure(float(np.median(present)))) if len(present) else "unknown"
