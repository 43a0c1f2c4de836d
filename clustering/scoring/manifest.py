"""A run and its shards, as its manifest in the warehouse has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clustering.config import Contract
from clustering.customers import Rejection, from_documents
from clustering.errors import RunError
from clustering.quality.sketches import ColumnCounts
from clustering.quality.steps import PartSteps, in_parts
from clustering.scoring.attempts import Attempt
from clustering.scoring.preceding_runs import Compared
from clustering.segments.movement import Move, Moves, add_up
from clustering.versions.documents import by_version, known_fields
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Run:
    """A run's row; its rows are counted when it has ended."""

    run_id: int
    as_of: date
    status: str
    dry_run: bool
    note: str | None
    contract_sha256: str
    source_time: str
    checked_at: datetime | None
    rows_read: int | None
    rows_labelled: int | None
    rows_rejected: int | None


@dataclass(frozen=True)
class PlannedShard:
    """A shard with its bounds, None for no bound, and the status of its run; rows are counted when it is finished.

    A shard of files has parts of `files`, as documents, in place of bounds, and `repeated_keys` where there are some.
    Where `is_past`, it reads what the source has of past dates; `source_oids` are what the database called its tables.
    """

    lower_bound: Any
    upper_bound: Any
    files: Sequence[Mapping[str, Any]] | None
    repeated_keys: Sequence[str] | None
    rows_read: int | None
    rows_labelled: int | None
    rows_rejected: int | None
    finished_at: datetime | None
    status: str
    note: str | None
    contract_sha256: str
    as_of: date
    is_past: bool
    source_oids: Sequence[int] | None


@dataclass(frozen=True)
class ScoredShard:
    """What the attempt that won a shard has counted and staged.

    Profiles, compositions, measures and what the labels were compared with, None for nothing, are by the id of the
    version; they are empty where another release did not keep them.
    """

    attempt: Attempt
    rows_read: int
    rows_labelled: int
    rows_rejected: int
    rejections: Sequence[Rejection]
    filled: Mapping[str, int]
    profiles: Mapping[int, Sequence[Mapping[str, Any]]]
    compositions: Mapping[int, Mapping[str, Sequence[Sequence[Any]] | None]]
    compared: Mapping[int, Compared | None]
    measures: Mapping[int, Mapping[str, Sequence[int]]]
    columns: Mapping[str, ColumnCounts]
    changed_at: datetime | None
    finished_at: datetime


def lock_run(transaction: Transaction, run_id: int) -> Run:
    """Return a run that nobody else can end until the transaction does; RunError for one abandoned or withdrawn."""
    as_of = transaction.scalar("publishing/date_of_run", run_id=run_id)
    if as_of is None:
        raise RunError(f"there is no run {run_id} in this warehouse")
    transaction.execute("publishing/lock_date", as_of=as_of)
    run = transaction.typed_row(Run, "publishing/locked_run", run_id=run_id)
    if run is None or run.status in ("abandoned", "withdrawn"):
        was = f"{run.status} ({run.note})" if run else "removed"
        raise RunError(f"run {run_id} was {was}; start a new run")
    return run


def read_planned_shard(transaction: Transaction, run_id: int, shard: int, contract: Contract) -> PlannedShard:
    """Return a shard of a run that is going on under this contract; RunError for another one."""
    found = transaction.typed_row(PlannedShard, "scoring/shard", run_id=run_id, shard=shard)
    if found is None:
        raise RunError(f"run {run_id} has no shard {shard}; it was planned without it, or in another warehouse")
    if found.status != "running":
        raise RunError(f"run {run_id} is {found.status}{f' ({found.note})' if found.note else ''}; start a new run")
    require_contract(run_id, found.contract_sha256, contract)
    return found


def require_contract(run_id: int, planned_under: str, contract: Contract) -> None:
    """Raise RunError when a run was planned under another contract, as when customers.yaml was changed during a night.

    Half of it would be in other units or ranges than the other half.
    """
    if planned_under != contract.digest:
        raise RunError(
            f"run {run_id} was planned under another customers.yaml than the one that is here now: its table, columns, "
            "formats or limits differ; nothing of it is published, start a new run"
        )


def read_scored_shards(transaction: Transaction, run_id: int) -> list[ScoredShard]:
    """Return the shards of a run in order; RunError where one has not been scored."""
    rows = transaction.rows("publishing/shards", run_id=run_id)
    missing = [row.shard for row in rows if row.finished_at is None]
    if missing:
        raise RunError(f"run {run_id} cannot be published: shards {missing} of {len(rows)} have not been scored")
    return [
        ScoredShard(
            attempt=Attempt(run_id, row.shard, row.attempt),
            rows_read=row.rows_read,
            rows_labelled=row.rows_labelled,
            rows_rejected=row.rows_rejected,
            rejections=from_documents((row.reasons or {}).get("faults", ())),
            filled=(row.reasons or {}).get("filled", {}),
            profiles=by_version(row.profiles),
            compositions=by_version(row.compositions),
            compared={version: note and _compared(note) for version, note in by_version(row.compared).items()},
            measures=by_version(row.measures),
            columns={name: ColumnCounts.from_json(counts) for name, counts in (row.columns or {}).items()},
            changed_at=row.changed_at,
            finished_at=row.finished_at,
        )
        for row in rows
    ]


def compared_moves(shards: Sequence[ScoredShard], model_version_id: int, base_run_id: int) -> Moves | None:
    """Return who moved since a run, by what the shards have staged; None unless each was compared with that run."""
    found: list[Move] = []
    for shard in shards:
        note = shard.compared.get(model_version_id)
        if note is None or note.base_run_id != base_run_id:
            return None
        times = [None] * len(note.moves) if note.by_time is None else note.by_time
        for (former, latter, customers, by_model), by_time in zip(note.moves, times, strict=True):
            found.append(Move(former, latter, customers or 0, by_model if note.split else None, by_time))
    notes = [shard.compared.get(model_version_id) for shard in shards]
    return Moves(add_up(found), is_timed=all(note is not None and note.by_time is not None for note in notes))


def compared_steps(shards: Sequence[ScoredShard], model_version_id: int, base_run_id: int) -> list[PartSteps]:
    """Return how far a sample of each part has come since a run; empty unless each shard was compared with that run."""
    found: list[tuple[int, Sequence[PartSteps]]] = []
    for shard in shards:
        note = shard.compared.get(model_version_id)
        if note is None or note.base_run_id != base_run_id:
            return []
        steps = [PartSteps(*one) for one in note.steps]
        found.append((shard.rows_labelled, steps))
    return in_parts(found) if any(steps for _, steps in found) else []


def _compared(note: Mapping[str, Any]) -> Compared:
    return Compared(**known_fields(Compared, note))
