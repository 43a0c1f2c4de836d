"""The pointer: which run holds for a model and a date, and which models have labels now.

Plans of readers hold what the pointer said when they were made, so each change of it is announced in its transaction.
"""

from __future__ import annotations

from clustering.warehouse import Transaction


def move_pointer(transaction: Transaction, run_id: int) -> None:
    """Make a run the one that holds for its date, for the models that it ran."""
    transaction.execute("pointer/move", run_id=run_id)
    transaction.execute("pointer/announce")
