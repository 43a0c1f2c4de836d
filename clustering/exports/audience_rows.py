"""The rows of an audience as one snapshot has them: as lines that the server writes, or in Arrow batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Audience
from clustering.exports.completed_rows import Completion
from clustering.exports.json_cells import line
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.connection import Names
from clustering.warehouse.copying import copy_out

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

LOCK_SECONDS = 30  # that are waited for a lock, as on a list that is being loaded, or on rows of a table that are held
LINES = {"csv": "exports/copy_csv", "jsonl": "exports/copy_json_lines"}


@dataclass(frozen=True)
class Lines:
    """Rows as lines of CSV or JSON."""

    transaction: Transaction
    query: str
    rows: sql.Composable
    headers: Sequence[str]

    def write(self, stream: SupportsWrite[bytes]) -> int:
        """Write the rows to a stream, and return how many there were."""
        names = {"audience_rows": self.rows, "line": line(self.headers)}
        return copy_out(self.transaction, self.query, stream, names)


@dataclass(frozen=True)
class Batches:
    """Rows in Arrow batches."""

    connection: ArrowConnection
    statement: str
    completion: Completion | None

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Yield the batches, of which the next is read while one is being worked on."""
        coming = self.connection.batches(self.statement)
        with ThreadPoolExecutor(1) as reader:
            following = reader.submit(next, coming, None)
            while (batch := following.result()) is not None:
                following = reader.submit(next, coming, None)
                yield self._complete(batch)

    def schema(self) -> pa.Schema:
        """Return their columns, where there was no batch."""
        schema = self.connection.table(self.statement).schema
        return self._complete(pa.RecordBatch.from_pylist([], schema=schema)).schema

    def _complete(self, rows: pa.RecordBatch) -> pa.RecordBatch:
        return rows if self.completion is None else self.completion.complete(rows)


AudienceRows: TypeAlias = Lines | Batches


def settings() -> Names:
    """Return the names of the statement that sets how an audience is read."""
    return {"lock": sql.Literal(f"{LOCK_SECONDS}s")}


@contextmanager
def open_rows(
    warehouse: Warehouse,
    transaction: Transaction,
    rows: sql.Composable,
    audience: Audience,
    completion: Completion | None,
) -> Iterator[AudienceRows]:
    """Open what reads a query as a transaction sees it, which may end meanwhile."""
    snapshot = transaction.scalar("exports/share_snapshot")
    if audience.file_format in LINES:
        headers = (*(("change",) if audience.rows == "changes" else ()), *audience.headers)
        with warehouse.transaction(repeatable_read=True, read_only=True, snapshot=snapshot) as reader:
            reader.rows("exports/settings", settings())
            yield Lines(reader, LINES[audience.file_format], rows, headers)
        return
    driver: Any = transaction.connection.connection.dbapi_connection
    statement = str(rows.as_string(driver))
    with ArrowConnection(warehouse.uri, read_only=True, snapshot=snapshot) as connection:
        connection.execute(transaction.compose("exports/settings", settings()))
        yield Batches(connection, statement, completion)
