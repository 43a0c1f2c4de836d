"""The current labels of one customer, in tables or in files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.customers import as_keys
from clustering.errors import DataError, RunError
from clustering.scoring.filed_labels import find_labels
from clustering.scoring.label_locations import FiledSet, read_filed
from clustering.scoring.stored_keys import stored
from clustering.versions.version import Version, read_version
from clustering.warehouse import Transaction

SECONDS = 15  # that the files of a model are read for one customer


@dataclass(frozen=True)
class PublishedLabel:
    """A customer's label by a model, and what the segments of its label set are called by their ids, as text.

    It `has_history` where labels are rows of tables.
    """

    customer_id: Any
    model: str
    as_of: date
    cluster_label: int
    segment_id: int
    segment_name: str
    confidence: float
    model_version_id: int
    segment_names: Mapping[str, str]
    has_history: bool


def stored_keys(contract: Contract, keys: Sequence[str]) -> pa.Array:
    """Return keys that are written as text as labels hold them."""
    return stored(as_keys(pa.array(keys, pa.string()), contract), contract.key_type)


def read_labels(
    transaction: Transaction, contract: Contract, key: str, *, models: Sequence[str]
) -> list[tuple[PublishedLabel, Version]]:
    """Return a customer's current labels by some models, each with its version.

    Raises RunError where files with labels are gone, SourceError where they cannot be read in time.
    """
    current = transaction.rows("explaining/current", models=list(models))
    names = {"label_sets": sql.Literal([row.label_set for row in current if not row.is_filed])}
    found = transaction.typed_rows(PublishedLabel, "explaining/labels", names, customer_id=key)
    for row in current:
        if row.is_filed:
            found += _in_files(transaction, contract, key, row.run_id, row.model)
    found.sort(key=lambda label: label.model)
    return [(label, read_version(transaction, label.model_version_id)) for label in found]


def _in_files(
    transaction: Transaction, contract: Contract, key: str, run_id: int, model: str
) -> Iterator[PublishedLabel]:
    for filed in read_filed(transaction, run_id, models=[model]):
        names = {
            row.segment_id: row.segment_name
            for row in transaction.rows("exports/names", label_set=filed.label_set.label_set)
        }
        for row in _rows(filed, stored_keys(contract, [key])):
            yield PublishedLabel(
                customer_id=row["customer_id"] if contract.key_type == "bigint" else key,
                model=model,
                as_of=filed.label_set.as_of,
                cluster_label=row["cluster_label"],
                segment_id=row["segment_id"],
                segment_name=names[row["segment_id"]],
                confidence=row["confidence"],
                model_version_id=filed.label_set.model_version_id,
                segment_names={str(segment): name for segment, name in names.items()},
                has_history=False,
            )


def _rows(filed: FiledSet, wanted: pa.Array) -> list[dict[str, Any]]:
    """Return the labels of some keys; RunError where a file is gone or damaged, which says nothing of a customer."""
    filed.require_whole()
    try:
        tables = find_labels(filed.folder, filed.files, wanted, seconds=SECONDS)
    except DataError as error:
        raise RunError(str(error)) from None
    return [row for table in tables.values() for row in table.to_pylist()]
