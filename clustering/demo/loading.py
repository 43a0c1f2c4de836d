"""Customers from a file into the warehouse: for trying the project, and for whoever has no table yet."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
from adbc_driver_manager import DatabaseError
from psycopg2 import sql
from pyarrow import csv, parquet

from clustering.config import Column, Contract
from clustering.customers import convert, match_headers, multiplied, valid_schema
from clustering.errors import DataError
from clustering.warehouse import Warehouse
from clustering.warehouse.bulk import ArrowConnection

log = logging.getLogger(__name__)

_PARSING = csv.ParseOptions(newlines_in_values=True)
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


def read_file(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a Parquet file (`.parquet`) or, whatever else it is called, a CSV file."""
    return (read_parquet if Path(path).suffix.lower() == ".parquet" else read_csv)(path, contract)


def read_parquet(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a Parquet file, in the contract's units and otherwise as `read_csv` does.

    Raises DataError for a file that does not fit, or a column that holds no single values, such as lists.
    """
    try:
        with parquet.ParquetFile(path) as file:
            found = match_headers(file.schema_arrow.names, contract)
            rows = file.read(columns=[header for header, _ in found.values()])
        text = {header: _written(rows.column(header), header) for header in rows.column_names}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file: {error}") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return _as_contract(text, found, contract)


def _written(column: pa.ChunkedArray, header: str) -> pa.ChunkedArray:
    if pa.types.is_fixed_size_binary(column.type) and column.type.byte_width == 16:  # a uuid
        return pa.chunked_array(
            [[None if one is None else str(UUID(bytes=one)) for one in column.to_pylist()]], pa.string()
        )
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise DataError(f"column {header} holds {column.type}, not numbers, text or dates; convert it first") from None


def read_csv(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a CSV file (UTF-8, commas, a header), in the contract's units.

    A column of which every value converts is typed; any other stays text with its bad values as they are, so that the
    night can reject them with a reason. Empty fields are null. Raises DataError for a file or header that does not fit.
    """
    try:
        with csv.open_csv(path, parse_options=_PARSING) as reader:
            headers = reader.schema.names
        found = match_headers(headers, contract)
        wanted = _as_text([header for header, _ in found.values()])
        text = csv.read_csv(path, parse_options=_PARSING, convert_options=wanted)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 with commas and a header: {error}") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return _as_contract(text, found, contract)


def _as_contract(
    text: pa.Table | Mapping[str, pa.ChunkedArray], found: Mapping[str, tuple[str, float]], contract: Contract
) -> pa.Table:
    types = valid_schema(contract)
    rows = pa.table(
        {
            name: _typed(text[header], contract.columns[name], factor, types.field(name).type)
            for name, (header, factor) in found.items()
        }
    )
    _check_keys(rows.column(contract.key), contract)
    return rows


def _check_keys(keys: pa.ChunkedArray, contract: Contract) -> None:
    """Refuse keys that stayed text: no night could read a table whose key has another type than the contract's."""
    faults = convert(keys.combine_chunks(), contract.key_type).faults
    if faults is None:
        return
    place = int(np.flatnonzero(faults)[0])
    raise DataError(
        f"row {place + 1}: the key {contract.key} is {keys[place].as_py()!r}, which is not of the type "
        f"{contract.key_type}; correct the file, or declare the key as text in customers.yaml"
    )


def _as_text(headers: list[str]) -> csv.ConvertOptions:
    return csv.ConvertOptions(
        include_columns=headers,
        column_types=dict.fromkeys(headers, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
    )


def load_customers(warehouse: Warehouse, contract: Contract, rows: pa.Table) -> int:
    """Replace the contract's table by these rows, in one transaction, and return how many there are.

    The columns get the types of the rows' columns, or uuid where the contract says so and every value is one; there is
    no primary key. Whoever might read the former table may read this one, and so may the role of the DAGs. Raises
    DataError, and changes nothing, where the table cannot be replaced: what depends on it, such as a view, is never
    dropped with it.
    """
    started = time.monotonic()
    schema, table = contract.schema_and_table
    rows = pa.table({name: _loadable(rows.column(name), contract.columns[name]) for name in contract.used})
    preparation, analyze = _statements(warehouse, contract, rows.schema)
    try:
        with ArrowConnection(warehouse.uri) as writer:
            for statement in preparation:
                writer.execute(statement)
            for batch in rows.to_batches():
                writer.append(schema, table, batch)
            writer.execute(analyze)
            writer.commit()
    except DatabaseError as error:
        said = _REFUSALS.get(str(error.sqlstate or "").strip("\0"), str(error).splitlines()[0])
        raise DataError(f"the table {schema}.{table} was left as it is: {said}") from error
    log.info("loaded %s customers into %s.%s, %.1f s", rows.num_rows, schema, table, time.monotonic() - started)
    return int(rows.num_rows)


def _statements(warehouse: Warehouse, contract: Contract, rows: pa.Schema) -> tuple[list[str], str]:
    schema, table = contract.schema_and_table
    columns = [sql.SQL("{} {}").format(sql.Identifier(field.name), sql.SQL(_TYPES[field.type])) for field in rows]
    names = {
        "schema": sql.Identifier(schema),
        "table": sql.Identifier(schema, table),
        "definitions": sql.SQL(", ").join(columns),
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
        return [transaction.compose(*query) for query in queries], transaction.compose("loading/analyze", names)


def _typed(text: pa.ChunkedArray, column: Column, factor: float, wanted: pa.DataType) -> pa.ChunkedArray:
    chunks = text.chunks
    if factor != 1:
        chunks = [multiplied(chunk, np.full(len(chunk), factor)) for chunk in chunks]
    results = [convert(chunk, column.type) for chunk in chunks]
    if any(result.faults is not None for result in results):
        return pa.chunked_array(chunks, pa.string())
    return pa.chunked_array([result.values for result in results], wanted)


def _loadable(values: pa.ChunkedArray, column: Column) -> pa.ChunkedArray:
    if column.type != "uuid" or not pa.types.is_string(values.type):
        return values
    results = [convert(chunk, column.type) for chunk in values.chunks]
    if any(result.faults is not None for result in results):
        return values
    return pa.chunked_array([_binary(result.values) for result in results], _UUID)


def _binary(uuids: pa.StringArray) -> pa.FixedSizeBinaryArray:
    return pa.array([None if value is None else UUID(value).bytes for value in uuids.to_pylist()], _UUID)
