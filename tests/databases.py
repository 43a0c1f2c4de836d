"""Databases of a server, for the tests to make and drop."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from contextlib import closing

import psycopg2
from psycopg2 import sql


class Server:
    """Makes and drops databases on a server."""

    def __init__(self, url: Callable[[str], str]) -> None:
        self.url = url

    def create(self, template: str = "template1") -> str:
        """Return the name of a new database."""
        name = f"test_{uuid.uuid4().hex}"
        self._run(sql.SQL("create database {} template {}"), name, template)
        return name

    def drop(self, name: str) -> None:
        """Drop a database with whatever is still connected to it."""
        self._run(sql.SQL("drop database if exists {} with (force)"), name)

    def _run(self, statement: sql.SQL, *names: str) -> None:
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement.format(*map(sql.Identifier, names)))
