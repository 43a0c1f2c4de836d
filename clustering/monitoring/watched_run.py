"""A run that is watched, and what its shards have counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clustering.errors import RunError
from clustering.versions.documents import by_version
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class WatchedRun:
    """A published run, the `models` for which it still holds, and whether its date is the latest one."""

    run_id: int
    as_of: date
    status: str
    models: Sequence[str]
    is_latest: bool


@dataclass(frozen=True)
class ShardCounts:
    """What a shard has counted, by the id of the version; nothing where another release did not count."""

    rows_rejected: int
    profiles: Mapping[int, Sequence[Mapping[str, Any]]]
    measures: Mapping[int, Mapping[str, Sequence[int]]]


def lock_watched_run(transaction: Transaction, run_id: int) -> WatchedRun:
    """Return a run, whose date nobody else publishes until the transaction ends; RunError for one not published."""
    as_of = transaction.scalar("publishing/date_of_run", run_id=run_id)
    transaction.execute("publishing/lock_date", as_of=as_of)
    run = transaction.typed_row(WatchedRun, "monitoring/run", run_id=run_id)
    if run is None or run.status not in ("published", "replaced"):
        raise RunError(f"run {run_id} is {run.status if run else 'unknown'}: only a published run can be watched")
    return run


def read_shard_counts(transaction: Transaction, run: WatchedRun) -> list[ShardCounts]:
    """Return what the shards of a run have counted, in order."""
    return [
        ShardCounts(row.rows_rejected, by_version(row.profiles), by_version(row.measures))
        for row in transaction.rows("monitoring/measures", run_id=run.run_id)
    ]
