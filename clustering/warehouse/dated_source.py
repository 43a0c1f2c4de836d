"""The dated source in the warehouse: the contract's query with a date in its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from psycopg2 import sql
from sqlalchemy.exc import DBAPIError

from clustering.config.dated_query import around_date
from clustering.errors import DataError
from clustering.warehouse.connection import Transaction, is_transient


def as_relation(query: str, as_of: date) -> sql.Composable:
    """Return the query as something to select from, the date bound in each of its places."""
    first, *rest = around_date(query)
    parts: list[sql.Composable] = [sql.SQL(first)]
    for text in rest:
        parts += [sql.Literal(as_of), sql.SQL(text)]
    # A line of its own, because the query may end with a comment.
    return sql.SQL("({}\n) as dated_source").format(sql.Composed(parts))


def column_types(transaction: Transaction, relation: sql.Composable) -> dict[str, str]:
    """Return the columns of a dated source with the names of their types.

    Raises DataError when the query gives two columns the same name.
    """
    columns = transaction.columns("source/dated_columns", {"table": relation})
    names = [name for name, _ in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise DataError(f"dated_source in customers.yaml returns {', '.join(twice)} twice; name its columns one by one")
    types = {row.oid: row.name for row in transaction.rows("source/type_names", types=[oid for _, oid in columns])}
    return {name: types[oid] for name, oid in columns}


def estimated_rows(transaction: Transaction, relation: sql.Composable) -> int:
    """Return how many rows the planner expects of a dated source."""
    [plan] = transaction.scalar("source/estimate", {"table": relation})
    return int(plan["Plan"]["Plan Rows"])


@contextmanager
def query_errors() -> Iterator[None]:
    """Raise DataError where the database refuses the contract's query."""
    try:
        yield
    except DBAPIError as error:
        if is_transient(error):
            raise
        said = " ".join(str(error.orig).split())
        unread = "dated_source in customers.yaml cannot be read"
        # What cannot be cast stands in the server's message.
        raise DataError(f"{unread}: {said}; correct the query", told=f"{unread}; see the log") from error
