"""Logins of the warehouse's server, for tests of what a role may do."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
import pytest
from psycopg2 import sql

from clustering.warehouse import Warehouse

PASSWORD = "no secret"  # noqa: S105 (of a role that lives as long as its test)


def url_as(uri: str, user: str, password: str = PASSWORD) -> str:
    """Return the URL of the same database for another user."""
    parts = urlsplit(uri)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password)}@{place}"))


def administer(uri: str, *statements: sql.Composable | str) -> None:
    """Run statements as the user of a URL, each committed by itself."""
    with closing(psycopg2.connect(uri)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)


@pytest.fixture
def create_login(postgresql: object) -> Iterator[Callable[..., str]]:
    """Return a function that creates a login for a warehouse, with some options, and returns its URL."""
    made: list[tuple[str, str]] = []

    def create(warehouse: Warehouse, *options: str) -> str:
        name = f"login_{uuid.uuid4().hex}"
        statement = sql.SQL("create role {} login password {} " + " ".join(options))
        administer(warehouse.uri, statement.format(sql.Identifier(name), sql.Literal(PASSWORD)))
        made.append((warehouse.uri, name))
        return url_as(warehouse.uri, name)

    yield create
    for uri, name in reversed(made):
        role = sql.Identifier(name)
        administer(uri, sql.SQL("drop owned by {} cascade").format(role), sql.SQL("drop role {}").format(role))
