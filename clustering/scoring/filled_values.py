"""How many of a night's customers lacked a value for which something else stood."""

from __future__ import annotations

from collections.abc import Mapping

from clustering.warehouse import Transaction


def read_filled(transaction: Transaction, run_id: int) -> dict[str, int]:
    """Return the labelled customers of a run without a value, by column; those with values everywhere are left out."""
    found: Mapping[str, int] = transaction.scalar("checks/filled", run_id=run_id) or {}
    return {column: customers for column, customers in found.items() if customers}
