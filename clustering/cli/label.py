"""Rows of a file, trained on and labelled in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clustering.algorithms.base import DECIMALS, NOISE
from clustering.config import Configuration, Contract
from clustering.customers import Reason, Split, added_up, describe_rejections, split_whole
from clustering.errors import DataError
from clustering.features import fit_scaling
from clustering.files.customer_files import read_customers, read_numbers
from clustering.files.text_columns import FileOptions
from clustering.library import Clustering
from clustering.library import cluster as cluster_frame
from clustering.segments.naming import name_clusters
from clustering.segments.prevailing_levels import prevailing_levels
from clustering.training.selection import DIVISION

ROW = "row"


@dataclass(frozen=True)
class Labelled:
    """The labels of a file's rows, one row each, what became of each cluster, and which rows were rejected.

    `recognised` is what was unusual about the file, in words; `filled` are the rows without a value, by each column in
    which something stands for it.
    """

    labels: pd.DataFrame
    clusters: list[dict[str, Any]]
    rejected: dict[str, int]
    result: Clustering
    told: str = ""
    recognised: tuple[str, ...] = ()
    filled: Mapping[str, int] = field(default_factory=dict)


def label_customers(file: Path, configuration: Configuration, model: str, options: FileOptions) -> Labelled:
    """Label the valid customers of a file that the contract describes, and name the clusters after the catalogue.

    Raises DataError when the file does not fit the contract or none of its rows is valid.
    """
    contract, spec = configuration.contract, configuration.models[model]
    found = read_customers(file, contract, options)
    parts = _split(found.rows, contract)
    customers = parts.valid
    reasons = {entry["values"]: entry["counts"] for entry in parts.rejected["reason"].value_counts().to_pylist()}
    told = describe_rejections(added_up(parts.faults, duplicated=_repeated_keys(parts)), contract)
    if not customers.num_rows:
        refusal = f"{file}: none of its {parts.rejected.num_rows} rows is valid: {told}"
        raise DataError("; ".join([refusal, *found.said]))
    result = cluster_frame(
        pd.DataFrame({name: customers[name].to_pandas() for name in spec.features}),
        spec,
        transforms={name: contract.columns[name].of_number for name in spec.features},
        categories=[name for name in spec.features if name in contract.categories],
        medians=[name for name in spec.features if contract.columns[name].missing == "median"],
        segments=len(configuration.segments.segments) or DIVISION,
    )
    names = _names(customers, configuration, spec.features, result)
    labels = pd.DataFrame(
        {
            contract.key: customers[contract.key].to_pandas(),
            "cluster_label": result.labels,
            "segment_id": [names[int(label)][0] for label in result.labels],
            "segment_name": [names[int(label)][1] for label in result.labels],
            "confidence": _confidence(result),
        }
    )
    return Labelled(labels, _clusters(result, names), reasons, result, told, found.said, parts.filled)


def label_columns(
    file: Path, configuration: Configuration, model: str, features: Sequence[str], options: FileOptions
) -> Labelled:
    """Label the rows of a file by columns of it; DataError for a column that is missing or is not all numbers."""
    spec = configuration.models[model].model_copy(update={"features": tuple(dict.fromkeys(features))})
    rows, said = read_numbers(file, spec.features, options)
    frame: pd.DataFrame = rows.to_pandas()
    result = cluster_frame(frame, spec, segments=len(configuration.segments.segments) or DIVISION)
    labels = pd.DataFrame(
        {ROW: range(1, len(frame) + 1), "cluster_label": result.labels, "confidence": _confidence(result)}
    )
    return Labelled(labels, _clusters(result, {}), {}, result, recognised=tuple(said))


def _split(rows: pa.Table, contract: Contract) -> Split:
    """Split the rows of a file; of a key that several rows have, all are rejected."""
    batch = rows.combine_chunks().to_batches()
    if not batch:
        raise DataError("the file has no rows")
    return split_whole(batch[0], contract)


def _repeated_keys(parts: Split) -> int:
    """Return how many keys stand in several rows."""
    repeated = pc.equal(parts.rejected["reason"], Reason.DUPLICATE_KEY.name.lower())
    return len(parts.rejected["customer_id"].filter(repeated).unique())


def _names(
    customers: pa.RecordBatch, configuration: Configuration, features: Sequence[str], result: Clustering
) -> dict[int, tuple[int, str]]:
    """Return the segment id and name of every cluster label."""
    categories = configuration.contract.categories
    columns = configuration.segments.columns or tuple(name for name in features if name not in categories)
    standardised = fit_scaling(customers, columns, configuration.contract).apply(customers)
    clusters = range(int(result.labels.max(initial=NOISE)) + 1)
    centres = np.array([standardised[result.labels == label].mean(axis=0) for label in clusters])
    levels = prevailing_levels(customers, result.labels, [name for name in features if name in categories])
    found = (
        name_clusters(centres, configuration.segments, columns=columns, taken=(), levels=levels) if len(centres) else []
    )
    named = {label: (one.segment_id, one.name) for label, one in enumerate(found)}
    return {NOISE: (0, configuration.segments.outliers.name), **named}


def _confidence(result: Clustering) -> NDArray[np.float64]:
    return result.confidence.astype(np.float64).round(DECIMALS)  # widened alone, 0.9 becomes 0.8999999761581421


def _clusters(result: Clustering, names: dict[int, tuple[int, str]]) -> list[dict[str, Any]]:
    labels, counts = np.unique(result.labels, return_counts=True)
    return [
        {
            "cluster_label": label,
            **({"segment_id": names[label][0], "segment_name": names[label][1]} if names else {}),
            "customers": customers,
            "share": customers / len(result.labels),
            "stability": result.stability[label] if 0 <= label < len(result.stability) else None,
        }
        for label, customers in zip(labels.tolist(), counts.tolist(), strict=True)
    ]


def described(labelled: Labelled, model: str) -> dict[str, Any]:
    """Return what is told of labels beside the labels themselves, as JSON-able values."""
    rejected = sum(labelled.rejected.values())
    return {
        "model": model,
        "structure": labelled.result.structure,
        "verdict": labelled.result.verdict,
        "settings": dict(labelled.result.settings),
        "rows": len(labelled.labels) + rejected,
        "labelled": len(labelled.labels),
        "rejected": labelled.rejected,
        "filled": {column: rows for column, rows in labelled.filled.items() if rows},
        "clusters": labelled.clusters,
    }
