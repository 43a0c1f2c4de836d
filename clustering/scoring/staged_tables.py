"""The staging tables of a run, as whoever ends it finds them."""

from __future__ import annotations

from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table


def drop_staged(transaction: Transaction, run_id: int, *, keeps_copy: bool = False) -> None:
    """Drop every staging table of a run, and what its manifest holds of single customers.

    Its copy of the source may be kept, for who asks for single customers of a published run.
    """
    transaction.execute("scoring/forget_customers", run_id=run_id)
    pattern = rf"^(labels|rejected|changes|differences)_{run_id}_"
    for row in transaction.rows("scoring/staged_tables", pattern=pattern):
        transaction.execute("scoring/drop_table", {"table": staging_table(row.name)})
    for row in transaction.rows("scoring/staged_tables", pattern=rf"^source_{run_id}(_|$)"):
        if not keeps_copy or row.name != f"source_{run_id}":
            transaction.execute("scoring/drop_unread", {"table": staging_table(row.name)})
