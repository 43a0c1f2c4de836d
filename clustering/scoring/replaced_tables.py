"""Notice that a table of the source was replaced while a run was being scored, as dbt does when it has built it anew.

Each shard reads by the name, in a transaction of its own: another table of that name would give one run the customers
of two, and none at all to a shard whose snapshot is older than the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from clustering.config import Contract
from clustering.config.orders.quoting import quoted
from clustering.config.table_name import split_name
from clustering.errors import RunError
from clustering.scoring.manifest import PlannedShard
from clustering.warehouse import Transaction
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.relations import Table, planned_tables
from clustering.warehouse.source import Source


def table_oids(transaction: Transaction, source: Source, *, is_past: bool) -> list[int] | None:
    """Return what the database calls the tables that shards read; None where they read a copy."""
    if source.kind == "copy":
        return None
    tables = _declared(source.contract, is_past=is_past)
    if not tables:
        [plan] = transaction.scalar("source/plan", {"table": source.table})
        tables = planned_tables(plan)
    found: list[int] = transaction.scalar("source/identities", _names(tables))
    return found


def require_same_tables(
    reader: ArrowConnection, transaction: Transaction, source: Source, planned: PlannedShard, run_id: int
) -> None:
    """Raise RunError unless what a shard has read is what its run was planned on.

    Whoever has read a table holds it until the transaction ends, so that nobody gives its name to another.
    """
    if planned.source_oids is None:
        return
    tables = _declared(source.contract, is_past=planned.is_past)
    if not tables:
        [plan] = reader.plan(transaction.compose("source/plan", {"table": source.table}))
        tables = planned_tables(plan)
    found = reader.table(transaction.compose("source/identities", _names(tables))).column("oids")[0].as_py() or []
    other = [".".join(table) for table, oid in zip(tables, found, strict=True) if oid not in planned.source_oids]
    if other or not set(planned.source_oids) <= set(found):
        raise RunError(
            f"{', '.join(other) or 'a table of the query'} was replaced while run {run_id} was being scored, as dbt "
            "does when it has built a table anew; nothing of the run is published, start a new one when that is done"
        )


def _declared(contract: Contract, *, is_past: bool) -> list[Table]:
    """Return the tables that the contract names; none where it has a query of its own."""
    return [] if is_past and contract.origin.dated else [split_name(name) for name in contract.origin.tables]


def _names(tables: Sequence[Table]) -> dict[str, sql.Composable]:
    return {"tables": sql.Literal([".".join(map(quoted, table)) for table in tables])}
