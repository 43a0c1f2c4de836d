"""Connections and transactions; every statement is a named query of `sql/`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import psycopg2
from psycopg2 import sql
from psycopg2.extras import Json
from sqlalchemy import Connection, CursorResult, create_engine, event
from sqlalchemy import Row as SqlalchemyRow
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from clustering.errors import ConfigurationError, WarehouseError
from clustering.settings import URL, WarehouseSettings
from clustering.warehouse import queries
from clustering.warehouse.connection_texts import read_settings
from clustering.warehouse.driver_messages import hide_values, without_secrets
from clustering.warehouse.statements import Part, Piece, Statement
from clustering.warehouse.urls import as_url

Names: TypeAlias = Mapping[str, sql.Composable]
Row: TypeAlias = SqlalchemyRow[*tuple[Any, ...]]
Value = TypeVar("Value")

# Of a connection whose settings say nothing else, in seconds. Without the time-out an unreachable host holds a task for
# minutes; by keepalives a server that is gone without a word is noticed within half a minute, amid a statement too.
DEFAULTS = {
    "connect_timeout": "10",
    "application_name": "clustering",
    "keepalives_idle": "15",
    "keepalives_interval": "5",
    "keepalives_count": "3",
}
NO_NAMES: Names = MappingProxyType({})
SESSION = queries.load("sessions/settings")
# The beginnings of the states that may be gone a minute later: connection lost, session or transaction idle or open for
# too long, serialisation and deadlock, out of disk, memory or connections, a lock that is held, ended by the
# administrator or a time limit, a failing disk.
TRANSIENT_STATES = ("08", "25P03", "25P04", "40", "53", "55P03", "57", "58")


def warehouse_url() -> str:
    """Return the warehouse's URL, from `WAREHOUSE_URL`.

    Raises ConfigurationError where it is not set.
    """
    url = WarehouseSettings.read().url
    if url is None:
        raise ConfigurationError(
            f"{URL} is not set; set it to the warehouse, such as postgresql://user:password@host:5432/database"
        )
    return url.get_secret_value()


class Transaction:
    """Statements on one connection, committed or rolled back together by whoever opened it."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def execute(self, query: str, names: Names = NO_NAMES, /, **params: Any) -> int:
        """Run a query and return how many rows it touched."""
        return self._run(query, names, params).rowcount

    def rows(self, query: str, names: Names = NO_NAMES, /, **params: Any) -> list[Row]:
        """Run a query and return all of its rows, with attributes named as its columns."""
        return list(self._run(query, names, params).all())

    def row(self, query: str, names: Names = NO_NAMES, /, **params: Any) -> Row | None:
        """Run a query and return its only row, or None where it has none."""
        return self._run(query, names, params).one_or_none()

    def typed_rows(
        self, kind: Callable[..., Value], query: str, names: Names = NO_NAMES, /, **params: Any
    ) -> list[Value]:
        """Run a query and return what `kind` makes of each row, such as a dataclass with the columns for fields."""
        return [kind(**row._mapping) for row in self.rows(query, names, **params)]

    def typed_row(
        self, kind: Callable[..., Value], query: str, names: Names = NO_NAMES, /, **params: Any
    ) -> Value | None:
        """Run a query and return what `kind` makes of its only row, or None where it has none."""
        row = self.row(query, names, **params)
        return None if row is None else kind(**row._mapping)

    def scalar(self, query: str, names: Names = NO_NAMES, /, **params: Any) -> Any:
        """Run a query and return the first column of its only row, or None where it has none."""
        row = self.row(query, names, **params)
        return None if row is None else row[0]

    def columns(self, query: str, names: Names = NO_NAMES, /, **params: Any) -> list[tuple[str, int]]:
        """Run a query and return the names of its columns with the oids of their types, and none of its rows."""
        cursor: Any = self._run(query, names, params).cursor
        return [(column.name, column.type_code) for column in cursor.description]

    def insert(self, query: str, records: Sequence[Mapping[str, Any]], names: Names = NO_NAMES) -> int:
        """Run a query once a record and return how many rows it touched; for short lists."""
        if not records:
            return 0
        values = [_bindable(record) for record in records]
        return self.connection.exec_driver_sql(self._to_bind(queries.load(query), names), values).rowcount

    def compose(self, query: str, names: Names = NO_NAMES) -> str:
        """Return the text of a query that binds no values, its parts put in; for drivers that bind none.

        Raises ValueError where the query has values.
        """
        statement = queries.load(query)
        if statement.values:
            raise ValueError(f"query {query!r} binds {', '.join(sorted(statement.values))}; run it with `execute`")
        text: str = _composed(statement, names).as_string(self._driver)
        return text

    def settle(self) -> None:
        """Set what the other statements rely on; for the transaction alone, since a pooler may share its session."""
        self.connection.exec_driver_sql(SESSION.text)

    @property
    def _driver(self) -> Any:
        return self.connection.connection.dbapi_connection

    def _to_bind(self, statement: Statement, names: Names) -> str:
        text: str = _doubled(_composed(statement, names), self._driver).as_string(self._driver)
        return text

    def _run(self, query: str, names: Names, params: Mapping[str, Any]) -> CursorResult[*tuple[Any, ...]]:
        return self.connection.exec_driver_sql(self._to_bind(queries.load(query), names), _bindable(params))


class Warehouse:
    """A PostgreSQL database, named by a URL or whatever else `read_settings` reads.

    `uri` is a URL of it that every release of libpq reads, with its password: for drivers, never for a message. A
    connection lasts for one transaction, because tasks are short processes and may be forked. Raises ConfigurationError
    for a text that names no database of PostgreSQL, without repeating it.
    """

    def __init__(self, url: str) -> None:
        self._settings = read_settings(url, "the warehouse's URL")
        self._settings.pop("client_encoding", None)  # rows are copied as UTF-8
        self.uri = as_url(self._settings)
        host, user = self._settings.get("host", "localhost"), self._settings.get("user", "")
        self.name = f"{host}/{self._settings.get('dbname') or user}"
        self._defaults = {key: value for key, value in DEFAULTS.items() if key not in self._settings}
        self._engine = create_engine(
            "postgresql+psycopg2://", creator=self._connect, poolclass=NullPool, hide_parameters=True
        )
        event.listen(self._engine, "handle_error", hide_values)

    def __repr__(self) -> str:
        return f"Warehouse({self.name!r})"

    def _connect(self) -> Any:
        given = {**self._defaults, "client_encoding": "UTF8"}
        connection = psycopg2.connect(self.uri, **given)
        if connection.get_parameter_status("standard_conforming_strings") != "off":
            return connection
        # The driver decides at the start of a session how it quotes, so this setting cannot be of a transaction.
        connection.close()
        options = f"{self._settings.get('options', '')} -c standard_conforming_strings=on".lstrip()
        return psycopg2.connect(self.uri, **given, options=options)

    @contextmanager
    def transaction(
        self,
        *,
        repeatable_read: bool = False,
        read_only: bool = False,
        snapshot: str | None = None,
        locked: str | None = None,
    ) -> Iterator[Transaction]:
        """Open a transaction that commits at the end of the block, or rolls back if an exception escapes it.

        With the name of a snapshot that another transaction has exported, a repeatable read sees what that one sees.
        `locked` is a query that locks: it runs first, so that a repeatable read sees what is there after it.
        Raises WarehouseError where the warehouse cannot be reached, ends the connection, is out of room, or ends the
        transaction in favour of another or of a time limit. Other errors of the database stay SQLAlchemy's.
        """
        level = "REPEATABLE READ" if repeatable_read else "READ COMMITTED"
        with self._open(isolation_level=level, postgresql_readonly=read_only) as connection, connection.begin():
            transaction = Transaction(connection)
            if snapshot is not None:
                connection.exec_driver_sql(f"set transaction snapshot '{snapshot}'")
            if locked is not None:
                transaction.execute(locked)
            transaction.settle()
            yield transaction

    @contextmanager
    def autocommit(self) -> Iterator[Transaction]:
        """Open a connection where every statement commits by itself; some statements allow nothing else."""
        with self._open(isolation_level="AUTOCOMMIT") as connection:
            yield Transaction(connection)

    def dispose(self) -> None:
        """Close what is still open."""
        self._engine.dispose()

    @contextmanager
    def _open(self, **options: Any) -> Iterator[Connection]:
        try:
            connection = self._engine.connect().execution_options(**options)
        except DBAPIError as error:
            raise WarehouseError(f"the warehouse {self.name} cannot be reached: {self._reason(error)}") from None
        try:
            with connection:
                yield connection
        except DBAPIError as error:
            if not is_transient(error):
                raise
            raise WarehouseError(f"the warehouse {self.name} did not go on: {self._reason(error)}") from error

    def _reason(self, error: DBAPIError) -> str:
        return without_secrets(" ".join(str(error.orig).split()), self._settings)


def _composed(statement: Statement, names: Names) -> sql.Composed:
    """Put the parts into a statement and leave a placeholder for each value."""
    return sql.Composed([_composable(piece, names) for piece in statement.pieces])


def _composable(piece: Piece, names: Names) -> sql.Composable:
    if isinstance(piece, str):
        return sql.SQL(piece)
    return names[piece.name] if isinstance(piece, Part) else sql.Placeholder(piece.name)


def _doubled(part: sql.Composable, context: Any) -> sql.Composable:
    """Double the percent signs of a name, a value or a text, since the driver takes a single one for a parameter."""
    if isinstance(part, sql.Composed):
        return sql.Composed([_doubled(one, context) for one in part.seq])
    return part if isinstance(part, sql.Placeholder) else sql.SQL(part.as_string(context).replace("%", "%%"))


def _bindable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Json(value) if isinstance(value, dict) else value for name, value in values.items()}


def is_transient(error: DBAPIError) -> bool:
    """Return whether what the driver raised may be gone a minute later."""
    state = getattr(error.orig, "pgcode", None) or ""
    return error.connection_invalidated or state.startswith(TRANSIENT_STATES)
