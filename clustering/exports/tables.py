"""Tables of other databases, whose rows of an audience are replaced in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from clustering.config.declared_exports import MARK
from clustering.errors import ConfigurationError, DestinationError
from clustering.exports.audience_rows import LOCK_SECONDS, AudienceRows, Lines
from clustering.storage.named_connections import AirflowConnection
from clustering.warehouse.connection import DEFAULTS, Transaction
from clustering.warehouse.connection_texts import is_of_postgresql
from clustering.warehouse.driver_messages import without_values
from clustering.warehouse.urls import url_of_fields

ROWS = 5_000  # that are bound to one statement
# What Airflow calls a database where SQLAlchemy has another name for it.
_DIALECTS = {"mssql": "mssql+pymssql", "mysql": "mysql+pymysql"}
# What catalogues call a kind of database where SQLAlchemy has another name for it; and what goes without saying.
CATALOGUED = {"postgresql": "postgres"}
PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
SCHEMAS = {"postgresql": "public", "mssql": "dbo"}
_TYPES: tuple[tuple[Callable[[pa.DataType], bool], Any], ...] = (
    (pa.types.is_boolean, sa.Boolean()),
    (pa.types.is_int64, sa.BigInteger()),
    (pa.types.is_integer, sa.Integer()),
    (pa.types.is_floating, sa.Double()),
    (pa.types.is_date, sa.Date()),
)


@dataclass(frozen=True)
class Table:
    """A table of another database; `url` has a password and never stands in a message."""

    name: str
    url: URL = field(repr=False)
    schema: str | None
    table: str
    audience: str
    as_of: date | None  # the date whose rows are replaced; None: those of every date

    @property
    def place(self) -> str:
        """What the table is called where people are told of it."""
        host = f"{self.url.host or 'localhost'}/" if self.url.get_backend_name() != "sqlite" else ""
        return f"{host}{self.url.database} {self.schema + '.' if self.schema else ''}{self.table}"

    @property
    def dataset(self) -> tuple[str, str]:
        """The namespace and name of the table in catalogues, by OpenLineage's rules."""
        kind = self.url.get_backend_name()
        if kind == "sqlite":
            return kind, f"{self.url.database}.{self.table}"
        port = self.url.port or PORTS.get(kind)
        host = f"{self.url.host or 'localhost'}{f':{port}' if port else ''}"
        schema = self.schema or SCHEMAS.get(kind)
        names = [self.url.database, schema, self.table]
        return f"{CATALOGUED.get(kind, kind)}://{host}", ".".join(str(name) for name in names if name)

    @contextmanager
    def replacing(self) -> Iterator[tuple[Callable[[AudienceRows], int], Callable[[], None]]]:
        """Open a transaction that replaces the audience's rows; yield what writes rows, and what to call then.

        Whoever reads sees the former rows until that is called, and the new ones after it. A process that is killed
        leaves the former ones.
        """
        with self._errors():
            engine = sa.create_engine(self.url, poolclass=NullPool, hide_parameters=True)
            connection = engine.connect()
        with connection:
            if self.url.get_backend_name() == "postgresql":
                with self._errors():
                    Transaction(connection).scalar("schema/limit_waiting", seconds=LOCK_SECONDS)
            yield lambda rows: self._write(connection, rows), lambda: self._commit(connection)

    def _commit(self, connection: sa.Connection) -> None:
        with self._errors():
            connection.commit()

    def _write(self, connection: sa.Connection, rows: AudienceRows) -> int:
        if isinstance(rows, Lines):
            raise TypeError("a table takes no lines")
        table, counted = None, 0
        for batch in rows:
            if table is None:
                with self._errors():
                    table = self._emptied(connection, batch.schema)
            for start in range(0, batch.num_rows, ROWS):
                part = [{MARK: self.audience, **row} for row in batch.slice(start, ROWS).to_pylist()]
                with self._errors():
                    connection.execute(sa.insert(table), part)
            counted += batch.num_rows
        if table is None:
            none = rows.schema()
            with self._errors():
                self._emptied(connection, none)
        return counted

    def _emptied(self, connection: sa.Connection, schema: pa.Schema) -> sa.Table:
        """Return the table without the rows that are replaced; it is made where it is not there."""
        wanted = [MARK, *schema.names]
        inspected = sa.inspect(connection)
        if not inspected.has_table(self.table, schema=self.schema):
            columns = [sa.Column(one.name, _type(one.type)) for one in schema]
            made = sa.Table(
                self.table, sa.MetaData(), sa.Column(MARK, sa.Text(), nullable=False), *columns, schema=self.schema
            )
            made.create(connection)
            return made
        types = {str(one["name"]): one["type"] for one in inspected.get_columns(self.table, schema=self.schema)}
        if missing := [column for column in wanted if column not in types]:
            raise ConfigurationError(
                f"the table {self.place} has no column {missing[0]}; it has to have {', '.join(wanted)}, or not to be "
                "there: then it is made. Nothing was sent"
            )
        columns = [sa.Column(name, types[name]) for name in wanted]
        found = sa.Table(self.table, sa.MetaData(), *columns, schema=self.schema)
        connection.execute(sa.delete(found).where(*self._replaced(found)))
        return found

    def _replaced(self, table: sa.Table) -> Iterator[sa.ColumnElement[bool]]:
        yield table.c[MARK] == self.audience
        if self.as_of is not None:
            yield table.c.as_of == self.as_of

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """Raise DestinationError for what the database refuses, without secrets and values of rows."""
        try:
            yield
        except (SQLAlchemyError, ImportError) as error:
            said = " ".join(without_values(str(getattr(error, "orig", None) or error)).split())
            if self.url.password:
                said = said.replace(str(self.url.password), "***")
            if isinstance(error, ImportError):
                raise ConfigurationError(f"the destination {self.name}: its driver is not installed: {said}") from None
            raise DestinationError(f"the destination {self.name} did not take the rows: {said}") from None


def url_of_database(name: str, connection: AirflowConnection) -> URL:
    """Return SQLAlchemy's URL of a connection: of its extra `sqlalchemy_scheme`, or else of its type.

    Raises ConfigurationError where it is none of a database.
    """
    extra: Mapping[str, Any] = connection.extra_dejson
    kind = str(extra.get("sqlalchemy_scheme") or connection.conn_type)
    if is_of_postgresql(kind):
        url = make_url(url_of_fields(connection, f"the connection {name!r}"))
        return url.update_query_dict({key: value for key, value in DEFAULTS.items() if key not in url.query})
    try:
        url = URL.create(
            _DIALECTS.get(kind, kind),
            username=connection.login or None,
            password=connection.password or None,
            host=(connection.host or None) if kind != "sqlite" else None,
            port=connection.port or None,
            database=(connection.schema if kind != "sqlite" else connection.host) or None,
        )
        url.get_dialect()
    except (NoSuchModuleError, ArgumentError, ImportError):
        raise ConfigurationError(
            f"the connection {name!r} is of the type {kind!r}, for which no driver of SQLAlchemy is installed; name "
            "one by sqlalchemy_scheme in its extra, such as mysql+pymysql"
        ) from None
    return url


def _type(kind: pa.DataType) -> Any:
    if pa.types.is_timestamp(kind):
        return sa.DateTime(timezone=kind.tz is not None)
    return next((made for fits, made in _TYPES if fits(kind)), sa.Text())
