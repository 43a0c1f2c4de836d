"""What holds for each model now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Current:
    """The run that holds for a model, and its version."""

    model: str
    as_of: date
    run_id: int
    model_version_id: int


def read_current(transaction: Transaction) -> dict[str, Current]:
    """Return what holds for each model that has labels now, by its name."""
    return {one.model: one for one in transaction.typed_rows(Current, "pointer/current")}
