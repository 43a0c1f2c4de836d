"""What the customers of each cluster are like, in the columns' own units."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from clustering.algorithms.base import Labels
from clustering.config import Contract, rounded_figure
from clustering.features import FloatVector

LEAST = 20  # customers, below which a middle value would be nearly one customer's own


def typical_values(
    customers: pa.RecordBatch, labels: Labels, *, columns: Sequence[str], contract: Contract
) -> list[str]:
    """Return a sentence a cluster 0, 1, ...: the middle value of each column, beside that of all customers.

    `labels` (n,) are the clusters of the customers (n). The values are rounded to three figures; of a cluster with
    fewer than LEAST customers, or than the contract's least group, nothing is said.
    """
    values = {name: _numbers(customers, name) for name in columns}
    everybody = {name: _spoken(column, name, contract) for name, column in values.items()}
    sentences = []
    for cluster in range(int(labels.max(initial=-1)) + 1):
        members = labels == cluster
        if members.sum() < max(LEAST, contract.min_group):
            sentences.append("")
            continue
        told = [
            f"{name.replace('_', ' ').strip()} {_spoken(column[members], name, contract)} (all {everybody[name]})"
            for name, column in values.items()
        ]
        sentences.append(f"Typical values, beside those of all customers: {', '.join(told)}.")
    return sentences


def _numbers(customers: pa.RecordBatch, name: str) -> FloatVector:
    numbers: FloatVector = customers.column(name).to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    return numbers


def _spoken(values: FloatVector, name: str, contract: Contract) -> str:
    present = values[np.isfinite(values)]
    return contract.columns[name].in_words(rounded_figure(float(np.median(present)))) if len(present) else "unknown"
