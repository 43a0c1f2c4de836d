"""Values as JSON, of which lines are put together as `row_to_json` does, which takes twice as long."""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from clustering.warehouse.source_types import INTEGERS

PLAIN = ("bigint", "bool", *INTEGERS)  # types whose text is their JSON


def encoded(value: sql.Composable, kind: str) -> sql.Composable:
    """Return the expression of a value's JSON, as text; null stays null. `kind` is the value's type."""
    return sql.SQL("{}::text" if kind in PLAIN else "to_json({})::text").format(value)


def line(headers: Sequence[str]) -> sql.Composable:
    """Return the expression of an object whose members are columns of JSON of the row `one`."""
    parts = []
    for place, header in enumerate(headers):
        key = sql.Literal(f'{"," if place else "{"}"{header}":')
        parts.append(sql.SQL("{} || coalesce(one.{}, 'null')").format(key, sql.Identifier(header)))
    return sql.SQL("{} || '}}'").format(sql.SQL(" || ").join(parts))
