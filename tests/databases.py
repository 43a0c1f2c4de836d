"""Databases of a server, for the tests to make and drop, and connections that outlive a transaction."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

import adbc_driver_postgresql
import psycopg2
from adbc_driver_manager import AdbcConnection
from adbc_driver_manager.dbapi import Connection, _SharedDatabase
from psycopg2 import sql
from sqlalchemy import Engine, QueuePool, create_engine, event

TYPES = """
select count(*), max(oid::bigint), sum(oid::bigint) from pg_catalog.pg_type
where typtype in ('d', 'e', 'r', 'm') or (typtype = 'b' and typcategory <> 'A')
"""


MEMORY = Path("/dev/shm")  # noqa: S108 (Linux gives it to all)
ROOM = 6 << 30  # bytes; each of the processes that test side by side has a server, with a gigabyte of log at the most


def folder_of_servers() -> Path | None:
    """Return a folder in memory, where databases are made and dropped several times as fast; None without room."""
    has_room = MEMORY.is_dir() and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM
    return MEMORY if has_room else None


class Server:
    """Makes and drops databases on a server."""

    def __init__(self, url: Callable[[str], str]) -> None:
        self.url = url

    def create(self, template: str = "template1") -> str:
        """Return the name of a new database."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(
            # A database that somebody is connected to is not copied.
            sql.SQL("select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = {}").format(
                sql.Literal(template)
            ),
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)),
        )
        return name

    def drop(self, name: str) -> None:
        """Drop a database with whatever is still connected to it."""
        self._run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def wait_for_no_disk(self) -> None:
        """Let the server be as quick as it can: what is lost with the machine is lost with the tests."""
        settings = [sql.Identifier(name) for name in ("fsync", "full_page_writes", "synchronous_commit")]
        self._run(*(sql.SQL("alter system set {} = off").format(one) for one in settings))
        self._run(sql.SQL("select pg_reload_conf()"))

    def _run(self, *statements: sql.Composable) -> None:
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                for statement in statements:
                    cursor.execute(statement)


class KeptConnections(QueuePool):
    """Keeps connections for the next transaction, since a new one takes the server longer than most statements.

    What a session remembers is discarded in between, so that each transaction finds it as new.
    """

    def __init__(self, creator: Callable[[], Any], **options: Any) -> None:
        super().__init__(creator, **{**options, "max_overflow": -1, "pre_ping": True})
        event.listen(self, "reset", _discard)


class KnownTypes:
    """Opens connections of ADBC that know a database's types from the first one, which has asked for hundreds.

    Types that were made or dropped since, other than those of tables' rows, have them asked for again.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[Any, _SharedDatabase]] = {}
        self._lock = Lock()

    def connect(self, uri: str) -> Connection:
        """Open a connection, as `adbc_driver_postgresql.dbapi.connect` does."""
        with self._lock:
            types, known = self._known.get(uri, (None, None))
            opened = known and self._open(known)
            if opened and opened[1] == types:
                return opened[0]
            if opened:
                opened[0].close()
            return self._learn(uri)

    def close(self) -> None:
        """Forget all databases."""
        while self._known:
            self._forget(next(iter(self._known)))

    def _learn(self, uri: str) -> Connection:
        self._forget(uri)
        learned = _SharedDatabase(adbc_driver_postgresql.connect(uri))
        connection, types = self._open(learned)
        self._known[uri] = types, learned
        if len(self._known) > 4:  # most are dropped with their tests
            self._forget(next(iter(self._known)))
        return connection

    def _forget(self, uri: str) -> None:
        if uri in self._known:
            self._known.pop(uri)[1].close()

    @staticmethod
    def _open(database: _SharedDatabase) -> tuple[Connection, Any]:
        connection = Connection(database, AdbcConnection(database._db))
        try:
            with connection.cursor() as cursor:
                cursor.execute(TYPES)
                types = cursor.fetchone()
            connection.rollback()
        except BaseException:
            connection.close()
            raise
        return connection, types


def database_of(uri: str) -> str:
    """Return the name of the database that a URL names."""
    return urlsplit(uri).path.removeprefix("/")


def kept_engine(uri: str) -> Engine:
    """Return an engine of a database whose connections are kept while it is."""
    return create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(uri), poolclass=KeptConnections)


def _discard(connection: Any, *_: object) -> None:
    connection.rollback()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("discard all")
    connection.autocommit = False
