"""The values that single customers have in the source now, found by key.

This is the one way in which anything but a night reads customers: it knows where the source is, and nobody else does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.customers import Split, split_whole
from clustering.errors import DataError, WarehouseError
from clustering.warehouse.connection import Transaction, Warehouse
from clustering.warehouse.source import Source, find_source
from clustering.warehouse.source_copy import latest_copy
from clustering.warehouse.states import UNDEFINED_TABLE, state_of

if TYPE_CHECKING:
    from clustering.lake.file_source import FileSource

MOST_KEYS = 1_000


@dataclass(frozen=True)
class TimeLimit:
    """For how many seconds a statement may last, and wait for a lock."""

    statement: float
    lock: float


@dataclass(frozen=True)
class CustomerValues:
    """Rows of the source as they are, of some keys; a key may have none, or several. `files` are where they lie."""

    source: Source | FileSource
    rows: pa.RecordBatch
    files: Sequence[str] = ()

    def split(self, columns: Collection[str] | None = None, *, required: Collection[str] = ()) -> Split:
        """Split the rows as a night does, by the key and these columns alone, by default all that were read.

        A key that stands in several rows rejects them, and so does a missing value in a `required` column.
        """
        contract = self.source.contract.requiring(required)
        kept = contract if columns is None else contract.only(columns)
        return split_whole(self.rows, kept, self.source.reading)


def customer_values(
    warehouse: Warehouse,
    contract: Contract,
    keys: Collection[str],
    *,
    limit: TimeLimit | None = None,
    at_origin: bool = False,
) -> CustomerValues:
    """Look up at most MOST_KEYS customers in the contract's source, by their keys as labels hold them.

    Where nights copy the source, the last one's copy is asked, unless the values have to come from its origin. Raises
    DataError where the source cannot be read as the contract says, or is a query or files that take longer than the
    limit, WarehouseError where a table does, and SourceError where files cannot be reached.
    """
    if len(keys) > MOST_KEYS:
        raise ValueError(f"{len(keys)} keys; at most {MOST_KEYS} are looked up at once")
    if contract.origin.files is not None:
        return _among_files(contract, keys, limit)

    def of_keys(transaction: Transaction, source: Source) -> str:
        names = {"columns": source.select_list(), "table": source.table, "range": source.with_keys(keys)}
        return transaction.compose("source/rows", names)

    return _looked_up(warehouse, contract, of_keys, limit, at_origin=at_origin)


def first_customers(warehouse: Warehouse, contract: Contract, *, at_most: int, limit: TimeLimit) -> CustomerValues:
    """Return the customers that a training draws first: those whose keys, as text, have the smallest MD5.

    All keys are read for them. Raises what `customer_values` raises.
    """
    if contract.origin.files is not None:
        from clustering.lake.file_source import describe_files
        from clustering.lake.key_order import first_rows

        files = describe_files(contract)
        rows = first_rows(files, at_most, seconds=limit.statement).combine_chunks()
        batches = rows.to_batches()
        return CustomerValues(files, batches[0] if batches else pa.RecordBatch.from_pylist([], schema=rows.schema))

    def first(transaction: Transaction, source: Source) -> str:
        names = {"columns": source.select_list(), "key": source.key, "table": source.table}
        return transaction.compose("source/first_rows", {**names, "rows": sql.Literal(at_most)})

    return _looked_up(warehouse, contract, first, limit)


def _looked_up(
    warehouse: Warehouse,
    contract: Contract,
    composed: Callable[[Transaction, Source], str],
    limit: TimeLimit | None,
    *,
    at_origin: bool = False,
) -> CustomerValues:
    with warehouse.transaction(read_only=True) as transaction:
        if limit is not None:
            limit_time(transaction, limit)
        source = (None if at_origin else latest_copy(transaction, contract)) or find_source(transaction, contract)
        query = composed(transaction, source)
    try:
        with _slow_queries(source, limit):
            return CustomerValues(source, _read(warehouse, source, query, limit))
    except Exception as error:
        if source.kind != "copy" or state_of(error) != UNDEFINED_TABLE:
            raise
    # Retention has dropped the copy at this moment.
    return _looked_up(warehouse, contract, composed, limit, at_origin=True)


def _among_files(contract: Contract, keys: Collection[str], limit: TimeLimit | None) -> CustomerValues:
    from clustering.lake.single_customers import find_rows  # an api-server starts without it, as without pandas

    found = find_rows(contract, keys, seconds=limit.statement if limit else None)
    return CustomerValues(found.source, found.rows, found.files)


@contextmanager
def _slow_queries(source: Source, limit: TimeLimit | None) -> Iterator[None]:
    """Raise DataError where a query took all the time it was given: it will do so again."""
    started = time.monotonic()
    try:
        yield
    except WarehouseError as error:
        if limit is None or source.kind != "query" or time.monotonic() - started < limit.statement:
            raise
        raise DataError(
            f"{source.name} does not find single customers within {limit.statement:g} s; with materialise: true a copy "
            "is kept that does"
        ) from error


def limit_time(transaction: Transaction, limit: TimeLimit) -> None:
    """End a transaction's statements after a time, those that wait for a lock sooner, and the transaction when idle."""
    transaction.rows(
        "sessions/limit_time",
        statement=f"{limit.statement}s",
        lock=f"{limit.lock}s",
        idle=f"{limit.statement}s",
    )


def _read(warehouse: Warehouse, source: Source, query: str, limit: TimeLimit | None) -> pa.RecordBatch:
    from clustering.warehouse.bulk import (  # an api-server starts without it, and without pandas
        ArrowConnection,
        reading_rows,
    )

    with reading_rows(source), ArrowConnection(warehouse.uri, read_only=True) as reader:
        if limit is not None:
            reader.execute(f"set local statement_timeout = '{limit.statement}s'")
            reader.execute(f"set local lock_timeout = '{limit.lock}s'")
        table = reader.table(query).combine_chunks()
    batches = table.to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
