"""Customers, or lines of orders, into the warehouse: for trying the project, and for whoever has no table yet."""

from __future__ import annotations

import logging
import time
from uuid import UUID

import pyarrow as pa
from adbc_driver_manager import DatabaseError
from psycopg2 import sql

from clustering.config import Column, Contract
from clustering.config.orders import Orders
from clustering.config.table_name import split_name
from clustering.customers import convert
from clustering.errors import DataError
from clustering.warehouse import Warehouse
from clustering.warehouse.bulk import ArrowConnection

log = logging.getLogger(__name__)

_UUID = pa.binary(16)
_TYPES = {
    pa.int64(): "bigint",
    pa.float64(): "double precision",
    pa.string(): "text",
    pa.date32(): "date",
    pa.timestamp("us"): "timestamp",
    _UUID: "uuid",
}
_REFUSALS = {
    "2BP01": "other objects, such as views, depend on it; drop them first, or name another table in customers.yaml",
    "42809": "it is a view or another object that is not a table; name another table in customers.yaml",
    "42501": "the user of the warehouse may not replace it; grant the right, or name another table in customers.yaml",
}


def load_customers(warehouse: Warehouse, contract: Contract, rows: pa.Table) -> int:
    """Replace the contract's table by these rows, in one transaction, and return how many there are.

    The columns get the types of the rows' columns, or uuid where the contract says so and every value is one; there is
    no primary key, since keys may be there twice, but an index. Whoever might read the former table may read this one,
    and so may the role of the DAGs. Raises DataError, and changes nothing, where the table cannot be replaced: what
    depends on it, such as a view, is never dropped with it.
    """
    schema, table = contract.origin.schema_and_table
    rows = pa.table({name: _loadable(rows.column(name), contract.columns[name]) for name in contract.used})
    return _replace(warehouse, schema, table, key=contract.key, rows=rows)


def load_order_lines(warehouse: Warehouse, orders: Orders, rows: pa.Table) -> int:
    """Replace the table of orders by these lines, as `load_customers` does that of customers; return how many."""
    schema, table = split_name(orders.table)
    return _replace(warehouse, schema, table, key=orders.customer, rows=rows)


def _replace(warehouse: Warehouse, schema: str, table: str, *, key: str, rows: pa.Table) -> int:
    started = time.monotonic()
    preparation, completion = _statements(warehouse, schema, table, key, rows.schema)
    try:
        with ArrowConnection(warehouse.uri) as writer:
            for statement in preparation:
                writer.execute(statement)
            for batch in rows.to_batches():
                writer.append(schema, table, batch)
            for statement in completion:
                writer.execute(statement)
            writer.commit()
    except DatabaseError as error:
        said = _REFUSALS.get(str(error.sqlstate or "").strip("\0"), str(error).splitlines()[0])
        raise DataError(f"the table {schema}.{table} was left as it is: {said}") from error
    log.info("loaded %s rows into %s.%s, %.1f s", rows.num_rows, schema, table, time.monotonic() - started)
    return int(rows.num_rows)


def _statements(
    warehouse: Warehouse, schema: str, table: str, key: str, rows: pa.Schema
) -> tuple[list[str], list[str]]:
    columns = [sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_TYPES[field.type])) for field in rows]
    names = {
        "schema": sql.Identifier(schema),
        "table": sql.Identifier(schema, table),
        "definitions": sql.SQL(", ").join(columns),
        "key": sql.Identifier(key),
        "method": sql.SQL("hash" if rows.field(key).type == pa.string() else "btree"),
    }
    with warehouse.transaction(read_only=True) as transaction:
        readers = [
            {**names, "reader": sql.SQL("public") if row.name is None else sql.Identifier(row.name)}
            for row in transaction.rows("loading/readers", schema=schema, table=table)
        ]
        queries = [(query, names) for query in ("loading/drop_table", "loading/create_table")]
        queries += [("loading/grant_select", reader) for reader in readers]
        # Asked first, because `create schema if not exists` needs the right to create one even where it exists.
        if not transaction.scalar("loading/schema_exists", schema=schema):
            queries.insert(0, ("loading/create_schema", names))
            queries += [("loading/grant_usage", reader) for reader in readers]
        completion = [transaction.compose(query, names) for query in ("loading/create_index", "loading/analyze")]
        return [transaction.compose(*query) for query in queries], completion


def _loadable(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.type != "uuid" or not pa.types.is_string(values.type):
        return values
    results = [convert(chunk, column.type, exact=column.role == "key") for chunk in values.chunks]
    if any(result.faults is not None for result in results):
        return values
    return pa.chunked_array([_binary(result.values) for result in results], _UUID)


def _binary(uuids: pa.StringArray) -> pa.FixedSizeBinaryArray:
    return pa.array([None if value is None else UUID(value).bytes for value in uuids.to_pylist()], _UUID)
