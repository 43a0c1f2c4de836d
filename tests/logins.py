"""Logins of the warehouse's server, for tests of what a role may do."""

from __future__ import annotations

from contextlib import closing
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

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
