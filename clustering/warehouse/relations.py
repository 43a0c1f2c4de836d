"""Tables and views that the contract names, looked up in the warehouse."""

from __future__ import annotations

from clustering.errors import DataError
from clustering.warehouse.connection import Row, Transaction


def find_relation(transaction: Transaction, schema: str, table: str, *, place: str | None = None) -> Row:
    """Return what the catalogue has of a table or view; DataError, with the `place` that names it, where it is not."""
    relation = transaction.row("source/table", schema=schema, table=table)
    if relation is None:
        named = f"{place}: the table" if place else "the table"
        alike = " and ".join(row.name for row in transaction.rows("source/alike", schema=schema, table=table))
        raise DataError(
            f"{named} {schema}.{table} does not exist in the warehouse{', which has ' * bool(alike)}{alike}; "
            "name the right one in customers.yaml"
        )
    return relation
