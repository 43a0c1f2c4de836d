"""The contract's query in the warehouse, as something to select from, with dates in their places."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql
from sqlalchemy.exc import DBAPIError

from clustering.config.source_query import AS_OF, KNOWN, around_dates, clocks, names_date
from clustering.errors import DataError
from clustering.warehouse.connection import Transaction, is_transient
from clustering.warehouse.states import NOT_ALLOWED, state_of


@dataclass(frozen=True)
class Subquery:
    """A query of the contract, the place where it stands there, and the dates that are bound wherever it names them.

    Up to `known` it knows what happened; by default that is the date up to which it counts.
    """

    place: str
    query: str
    as_of: date
    known: date | None = None

    @property
    def relation(self) -> sql.Composable:
        """The query in parentheses, with a name."""
        (first, *rest), dates = around_dates(self.query)
        bound = {AS_OF: sql.Literal(self.as_of), KNOWN: sql.Literal(self.known or self.as_of)}
        parts: list[sql.Composable] = [sql.SQL(first)]
        for date_named, text in zip(dates, rest, strict=True):
            parts += [bound[date_named], sql.SQL(text)]
        # A line of its own, because the query may end with a comment.
        return sql.SQL("({}\n) as customers").format(sql.Composed(parts))

    @property
    def name(self) -> str:
        """What it is called where people are told of it."""
        dated = f" as of {self.as_of}" if names_date(self.query) else ""
        known = f" as known on {self.known}" if self.known else ""
        return f"{self.place} in customers.yaml{dated}{known}"

    @property
    def warning(self) -> str | None:
        """What to tell people of a dated query that looks at the clock as well."""
        found = clocks(self.query) if names_date(self.query) else []
        if not found:
            return None
        return (
            f"{self.place} in customers.yaml reads {', '.join(found)} beside :as_of: what it gives for a date depends "
            "on when it is asked, so that the date run again gives other labels; count from :as_of"
        )

    def column_types(self, transaction: Transaction) -> dict[str, str]:
        """Return its columns with the names of their types; DataError where it gives two columns the same name."""
        columns = transaction.columns("source/query_columns", {"table": self.relation})
        names = [name for name, _ in columns]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise DataError(f"{self.name} returns {', '.join(twice)} twice; name its columns one by one")
        types = {row.oid: row.name for row in transaction.rows("source/type_names", types=[oid for _, oid in columns])}
        return {name: types[oid] for name, oid in columns}

    def estimated_rows(self, transaction: Transaction) -> int:
        """Return how many rows the planner expects."""
        [plan] = transaction.scalar("source/plan", {"table": self.relation})
        return int(plan["Plan"]["Plan Rows"])


@contextmanager
def reading_errors(name: str) -> Iterator[None]:
    """Raise DataError where the database refuses to read a source of this name."""
    try:
        yield
    except DBAPIError as error:
        if is_transient(error):
            raise
        said = " ".join(str(error.orig).split())
        unread = f"{name} cannot be read"
        to_do = "grant what is missing" if state_of(error) == NOT_ALLOWED else "correct it"
        # What cannot be cast stands in the server's message.
        raise DataError(f"{unread}: {said}; {to_do}", told=f"{unread}; see the log") from error
