"""Notice that a table of the source was replaced while a run was being scored, as dbt does when it has built it anew.

Each shard reads by the name, in a transaction of its own: another table of that name would give one run the customers
of two, and none at all to a shard whose snapshot is older than the table.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from clustering.config import Contract
from clustering.config.orders.quoting import quoted_table
from clustering.errors import RunError
from clustering.scoring.manifest import PlannedShard
from clustering.warehouse import Transaction
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.source import Source


def table_oids(transaction: Transaction, source: Source, *, is_past: bool) -> list[int] | None:
    """Return what the database calls the tables that shards read; None where they are not known, or a copy is read."""
    origin = source.contract.origin
    if source.kind == "copy" or not origin.tables or (is_past and origin.dated):
        return None
    found: list[int] = transaction.scalar("source/identities", _names(origin.tables))
    return found


def require_same_tables(
    reader: ArrowConnection, transaction: Transaction, contract: Contract, planned: PlannedShard, run_id: int
) -> None:
    """Raise RunError unless what a shard has read is what its run was planned on.

    Whoever has read a table holds it until the transaction ends, so that nobody gives its name to another.
    """
    if planned.source_oids is None:
        return
    tables = contract.origin.tables
    found = reader.table(transaction.compose("source/identities", _names(tables))).column("oids")[0].as_py()
    if other := [name for name, was, now in zip(tables, planned.source_oids, found, strict=True) if was != now]:
        raise RunError(
            f"{', '.join(other)} was replaced while run {run_id} was being scored, as dbt does when it has built a "
            "table anew; nothing of the run is published, start a new one when that is done"
        )


def _names(tables: Sequence[str]) -> dict[str, sql.Composable]:
    return {"tables": sql.Literal(list(map(quoted_table, tables)))}
