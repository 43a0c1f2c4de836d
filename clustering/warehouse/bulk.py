"""Arrow batches out of the warehouse and into it, over ADBC.

ADBC streams a statement in batches only when it has no bound parameters (with one, the whole result arrives at once),
so bounds reach the statement as literals that psycopg2.sql quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
from adbc_driver_manager import AdbcStatusCode, DatabaseError, InterfaceError
from adbc_driver_manager._reader import AdbcRecordBatchReader
from adbc_driver_postgresql import StatementOptions, dbapi

from clustering.errors import DataError, WarehouseError
from clustering.warehouse.connection import DEFAULTS, SESSION, TRANSIENT_STATES
from clustering.warehouse.connection_texts import read_settings
from clustering.warehouse.driver_messages import without_secrets, without_values
from clustering.warehouse.source import Source
from clustering.warehouse.urls import as_url

BATCH_BYTES = 4 << 20  # small enough to stay in the processor's cache while a batch is worked on
LONGEST_REASON = 300  # characters


class ArrowConnection:
    """One ADBC connection with one open transaction, rolled back unless committed.

    One that is read-only sees the present, or what another transaction sees that has exported its snapshot.
    """

    def __init__(self, uri: str, *, read_only: bool = False, snapshot: str | None = None) -> None:
        self._uri = uri
        with self._errors():
            self._connection = dbapi.connect(as_url({**DEFAULTS, **read_settings(uri, "the warehouse's URL")}))
        try:
            if read_only:
                self.execute("set transaction isolation level repeatable read, read only")
            if snapshot is not None:
                self.execute(f"set transaction snapshot '{snapshot}'")
            self.execute(SESSION.text)
        except BaseException:
            self._connection.close()
            raise

    def execute(self, statement: str) -> None:
        """Run a statement that returns no rows."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(statement)

    def batches(self, statement: str) -> Iterator[pa.RecordBatch]:
        """Yield a query's result in batches of about four megabytes."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(BATCH_BYTES)})
            cursor.execute(statement)
            # Unlike the reader that `fetch_record_batch` returns, this one keeps the state of an error amid the rows.
            handle = cursor.fetch_arrow()
            yield from AdbcRecordBatchReader._import_from_c(handle.address)

    def table(self, statement: str) -> pa.Table:
        """Return a query's whole result."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetch_arrow_table()

    def plan(self, statement: str) -> Any:
        """Return what an `explain (format json)` says."""
        with self._errors(), self._connection.cursor() as cursor:
            cursor.adbc_statement.set_options(**{StatementOptions.USE_COPY.value: "false"})  # which takes no explain
            cursor.execute(statement)
            return json.loads(cursor.fetch_arrow_table().column(0)[0].as_py())

    def append(self, schema: str, table: str, rows: pa.RecordBatch) -> int:
        """Copy rows to the end of an existing table and return how many the server took."""
        with self._errors(), self._connection.cursor() as cursor:
            return int(cursor.adbc_ingest(table, rows, mode="append", db_schema_name=schema))

    def commit(self) -> None:
        """Make the transaction's work visible."""
        with self._errors():
            self._connection.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing ends the transaction on the server, and the connection may be gone already.
        self._connection.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise WarehouseError for what may pass, and other errors without the statement, which holds keys."""
        try:
            yield
        except (InterfaceError, DatabaseError) as error:
            reason = without_secrets(_reason(error), read_settings(self._uri, "the warehouse's URL"))
            if _is_transient(error):
                raise WarehouseError(f"the warehouse did not go on, or cannot be reached: {reason}") from None
            raise type(error)(reason, status_code=error.status_code, sqlstate=error.sqlstate) from None


@contextmanager
def reading_rows(source: Source) -> Iterator[None]:
    """Raise DataError where a view or query fails amid its rows, as at a division by zero: it will do so again."""
    try:
        yield
    except DatabaseError as error:
        if source.kind not in ("view", "query"):
            raise
        unread = f"{source.name} cannot be read"
        raise DataError(f"{unread}: {error}; correct it", told=f"{unread}; see the log") from error


def _is_transient(error: Any) -> bool:
    state = str(error.sqlstate or "").strip("\0")
    # Without a state the server has not answered.
    return state.startswith(TRANSIENT_STATES) if state else error.status_code == AdbcStatusCode.IO


def _reason(error: BaseException) -> str:
    """Return what the server said, without the statement that the driver puts around it."""
    text = " ".join(without_values(str(error)).split())
    return text[max(text.find("FATAL: "), text.find("ERROR: "), 0) :][:LONGEST_REASON]
