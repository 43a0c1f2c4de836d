"""How the customers of a range of keys are read: only the columns that matter, and the keys of several rows apart."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.customers import as_keys, source_cast
from clustering.scoring.manifest import PlannedShard
from clustering.warehouse import Transaction
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.source import Source, find_source
from clustering.warehouse.source_copy import copy_of_run


@dataclass(frozen=True)
class Queries:
    """The statements that read a range."""

    rows: str
    duplicated_keys: str


def needed_columns(contract: Contract) -> Contract:
    """Leave out the columns that can neither reject a row nor describe a segment: text that may be missing.

    Protected text and categories are counted by segment.
    """
    idle = [
        name
        for name in contract.used
        if contract.columns[name].type == "text"
        and contract.columns[name].may_be_empty
        and name not in contract.counted
    ]
    ignored = {name: contract.columns[name].model_copy(update={"role": "ignore"}) for name in idle}
    return contract.model_copy(update={"columns": {**contract.columns, **ignored}})


def source_of_run(transaction: Transaction, contract: Contract, planned: PlannedShard, run_id: int) -> Source:
    """Return what a run reads, with the columns of this contract: its copy of the source, or the source on its date.

    Raises RunError where the copy is gone, DataError where the source is no longer as the contract says.
    """
    if contract.origin.materialise:
        return copy_of_run(transaction, contract, run_id, planned.as_of)
    return find_source(transaction, contract, as_of=planned.as_of, is_past=planned.is_past)


def compose_queries(transaction: Transaction, source: Source, keys: sql.Composable) -> Queries:
    """Return the statements that read the rows of a condition on the keys, and its keys of several rows."""
    key = source.contract.key
    cast = sql.SQL("::text" if source_cast(source.columns[key].pg_type, source.contract.columns[key]) else "")
    names = {"table": source.table, "range": keys}
    rows = transaction.compose("source/rows", {**names, "columns": source.select_list()})
    names |= {"key": source.exact_key, "cast": cast}
    return Queries(rows=rows, duplicated_keys=transaction.compose("source/duplicated_keys", names))


def duplicated_keys(reader: ArrowConnection, query: str, contract: Contract) -> pa.Array | None:
    """Return the keys that stand in several rows, typed as a valid key; None where each stands once."""
    found = reader.table(query).column("key")
    if not len(found):
        return None
    return as_keys(found.combine_chunks(), contract)
