"""Tables and views that the contract names, looked up in the warehouse."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from clustering.errors import DataError
from clustering.warehouse.connection import Row, Transaction

Table: TypeAlias = tuple[str, str]  # schema and name


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


def planned_tables(plan: Mapping[str, Any]) -> list[Table]:
    """Return the tables that a plan reads, in JSON and verbose, each once: what stands behind views, and partitions.

    >>> child = {"Node Type": "Seq Scan", "Relation Name": "lines", "Schema": "shop"}
    >>> planned_tables({"Plan": {"Node Type": "Append", "Plans": [child, child]}})
    [('shop', 'lines')]
    """
    found: set[Table] = set()
    waiting = [plan["Plan"]]
    while waiting:
        node = waiting.pop()
        if "Relation Name" in node and "Schema" in node:
            found.add((node["Schema"], node["Relation Name"]))
        waiting += node.get("Plans", [])
    return sorted(found)
