"""A run that is watched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clustering.errors import RunError
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class WatchedRun:
    """A published run, the `models` for which it still holds, and whether its date is the latest one."""

    run_id: int
    as_of: date
    status: str
    models: Sequence[str]
    is_latest: bool


def lock_watched_run(transaction: Transaction, run_id: int) -> WatchedRun:
    """Return a run, whose date nobody else publishes until the transaction ends; RunError for one not published."""
    as_of = transaction.scalar("publishing/date_of_run", run_id=run_id)
    transaction.execute("publishing/lock_date", as_of=as_of)
    run = transaction.typed_row(WatchedRun, "monitoring/run", run_id=run_id)
    if run is None or run.status not in ("published", "replaced"):
        raise RunError(f"run {run_id} is {run.status if run else 'unknown'}: only a published run can be watched")
    return run
