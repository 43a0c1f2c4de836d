"""Arrow rows into a table by COPY, and lines of text out of a query, as part of a transaction.

NumPy lays the rows out as COPY's binary format has them, which takes a tenth of the processor time of ADBC's ingest and
leaves the work to the server.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from clustering.errors import WarehouseError
from clustering.warehouse.connection import NO_NAMES, TRANSIENT_STATES, Names, Transaction
from clustering.warehouse.driver_messages import without_values

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)  # followed by no flags and no header extension
END = np.array(-1, dtype=">i2").tobytes()
PIECE = 1 << 16  # bytes that libpq is given at a time
FIXED = {
    pa.int16(): ">i2",
    pa.int32(): ">i4",
    pa.int64(): ">i8",
    pa.float32(): ">f4",
    pa.float64(): ">f8",
    pa.binary(16): "V16",
}
ESCAPES = (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t"))


def copy_binary(transaction: Transaction, query: str, rows: pa.RecordBatch, names: Names = NO_NAMES) -> int:
    """Run a query `copy … ({columns}) from stdin` in binary format and return how many rows the server took.

    Columns are of fixed width, without nulls; the last one may be text. Raises WarehouseError as transactions do.
    """
    columns = sql.SQL(", ").join(map(sql.Identifier, rows.schema.names))
    return _copy(transaction, query, {**names, "columns": columns}, [SIGNATURE, _records(rows), END])


def copy_text(transaction: Transaction, query: str, rows: pa.RecordBatch, names: Names = NO_NAMES) -> int:
    """Run a query `copy … from stdin` in text format and return how many rows the server took; for columns of text."""
    lines = pc.binary_join_element_wise(*(_escaped(column) for column in rows.columns), "\t")
    return _copy(transaction, query, names, [_octets(pc.binary_join_element_wise(lines, "", "\n"))])


def copy_out(transaction: Transaction, query: str, stream: SupportsWrite[bytes], names: Names = NO_NAMES) -> int:
    """Run a query `copy … to stdout`, write what comes to a stream, and return how many rows there were.

    Raises WarehouseError as transactions do, and what the stream raises.
    """
    statement = transaction.compose(query, names)
    with _errors("did not go on"), closing(transaction.connection.connection.cursor()) as cursor:
        cursor.copy_expert(statement, stream, PIECE)
        return int(cursor.rowcount)


def _copy(transaction: Transaction, query: str, names: Names, parts: list[Any]) -> int:
    statement = transaction.compose(query, names)
    with _errors("did not take rows"), closing(transaction.connection.connection.cursor()) as cursor:
        cursor.copy_expert(statement, io.BytesIO(b"".join(parts)), PIECE)
        return int(cursor.rowcount)


@contextmanager
def _errors(told: str) -> Iterator[None]:
    try:
        yield
    except psycopg2.Error as error:
        error.args = (without_values(str(error)),)
        if _is_transient(error):
            raise WarehouseError(f"the warehouse {told}: {' '.join(str(error).split())}") from error
        raise


def _is_transient(error: psycopg2.Error) -> bool:
    # Without a state the server has not answered.
    if error.pgcode is None:
        return isinstance(error, psycopg2.OperationalError | psycopg2.InterfaceError)
    return str(error.pgcode).startswith(TRANSIENT_STATES)


def _records(rows: pa.RecordBatch) -> Any:
    """Return rows as COPY has them: the number of fields, then each field's length and value, big-endian."""
    layout: list[tuple[str, str]] = [("fields", ">i2")]
    for place, kind in enumerate(rows.schema.types):
        layout += [(f"length {place}", ">i4"), *([(f"value {place}", FIXED[kind])] if kind in FIXED else [])]
    records = np.empty(rows.num_rows, dtype=layout)
    records["fields"] = rows.num_columns
    for place, column in enumerate(rows.columns):
        if column.type in FIXED:
            values = _values(column)
            records[f"length {place}"] = values.dtype.itemsize
            records[f"value {place}"] = values
        else:
            records[f"length {place}"] = pc.binary_length(column).to_numpy(zero_copy_only=False)
    return records.data.cast("B") if rows.schema.types[-1] in FIXED else _with_text(records, rows.columns[-1])


def _values(column: pa.Array) -> Any:
    if column.type != pa.binary(16):
        return column.to_numpy()
    octets = np.frombuffer(column.buffers()[1], dtype="V16")
    return octets[column.offset : column.offset + len(column)]


def _with_text(records: Any, text: pa.StringArray) -> Any:
    width = pa.binary(records.dtype.itemsize)
    heads = pa.FixedSizeBinaryArray.from_buffers(width, len(records), [None, pa.py_buffer(records)])
    return _octets(pc.binary_join_element_wise(heads.cast(pa.binary()), text.cast(pa.binary()), b""))


def _escaped(text: pa.StringArray) -> pa.StringArray:
    for character, written in ESCAPES:
        text = pc.replace_substring(text, character, written)
    return text.fill_null("\\N")


def _octets(values: pa.Array) -> Any:
    """Return the bytes of text or binary values that a function has just made, one after the other."""
    return memoryview(values.buffers()[2] or b"")
