"""Databases of a server, for the tests to make and drop, and connections that outlive a transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import cached_property
from typing import Any

import psycopg2
from psycopg2 import sql
from sqlalchemy import Engine, QueuePool, create_engine, event


class Server:
    """Makes and drops databases on a server."""

    def __init__(self, url: Callable[[str], str]) -> None:
        self.url = url

    def create(self, template: str = "template1") -> str:
        """Return the name of a new database."""
        name = f"test_{uuid.uuid4().hex}"
        # A database that somebody is connected to is not copied.
        self._run("select pg_terminate_backend(pid, 60000) from pg_stat_activity where datname = %s", template)
        self._run(sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(template)))
        return name

    def drop(self, name: str) -> None:
        """Drop a database with whatever is still connected to it."""
        self._run(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))

    def wait_for_no_disk(self) -> None:
        """Let the server be as quick as it can: what is lost with the machine is lost with the tests."""
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            self._run(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
        self._run("select pg_reload_conf()")

    def _run(self, statement: str | sql.Composed, *values: str) -> None:
        with self._administrator.cursor() as cursor:
            cursor.execute(statement, values or None)

    @cached_property
    def _administrator(self) -> Any:
        connection = psycopg2.connect(self.url("postgres"))
        connection.autocommit = True
        return connection


class KeptConnections(QueuePool):
    """Keeps connections for the next transaction, since a new one takes the server longer than most statements.

    What a session remembers is discarded in between, so that each transaction finds it as new.
    """

    def __init__(self, creator: Callable[[], Any], **options: Any) -> None:
        super().__init__(creator, **{**options, "max_overflow": -1, "pre_ping": True})
        event.listen(self, "reset", _discard)


def kept_engine(uri: str) -> Engine:
    """Return an engine of a database whose connections are kept while it is."""
    return create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(uri), poolclass=KeptConnections)


def _discard(connection: Any, *_: object) -> None:
    connection.rollback()
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("discard all")
    connection.autocommit = False
