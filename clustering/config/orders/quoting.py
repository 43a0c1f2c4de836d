"""Names and values as they stand in a text of SQL for PostgreSQL with its standard strings.

Drivers quote too, but only in a connection or once they are loaded; a contract is read without either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from clustering.config.table_name import split_name

Plain: TypeAlias = str | int | bool


def quoted(name: str) -> str:
    """Return a name in double quotes.

    >>> print(quoted("a b"))
    "a b"
    """
    doubled = name.replace('"', '""')
    return f'"{doubled}"'


def quoted_table(name: str) -> str:
    """Return a table as the contract writes it, with its schema, in double quotes.

    >>> print(quoted_table("orders"))
    "public"."orders"
    """
    return ".".join(map(quoted, split_name(name)))


def written(value: Plain) -> str:
    """Return a value as a literal.

    >>> print(written("it's"), written(3), written(True))
    'it''s' 3 true
    """
    if isinstance(value, str):
        doubled = value.replace("'", "''")
        return f"'{doubled}'"
    return str(value).lower()


def is_one_of(column: str, values: Sequence[Plain]) -> str:
    """Return the condition that a column has one of these values.

    >>> print(is_one_of("status", ["paid", "sent"]))
    "status" in ('paid', 'sent')
    """
    return f"{quoted(column)} in ({', '.join(map(written, values))})"


def has_any(chosen: Mapping[str, Sequence[Plain]]) -> str:
    """Return the condition that any of some columns has one of its values."""
    return " or ".join(is_one_of(column, values) for column, values in chosen.items())
