"""Write what a publication changes in the history: the periods of customers in segments, and who moved.

The history is a function of the published labels alone. A new latest date ends and begins the periods of the customers
whom the shards have found changed. Any other publication (a date again, a date between, labels that were compared with
another run) is compared with the history itself, and the periods around the date are written anew for those of whom it
said otherwise (docs/history.md has an example). Who writes a model's history waits for whoever else does.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from clustering.scoring.changes import Changes
from clustering.scoring.label_sets import has_partition, label_set_table, partition
from clustering.scoring.manifest import Run, ScoredShard, compared_moves
from clustering.scoring.neighbours import Neighbours, Published, find_neighbours, require_neighbours
from clustering.segments.movement import Move, Moves, movement
from clustering.versions.version import Version
from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Publication:
    """A run's labels by one version, attached, about to become what holds for their date."""

    run_id: int
    as_of: date
    model: str
    model_version_id: int
    # Staged by the shards against the date before; None where they do not hold.
    changes: Sequence[sql.Identifier] | None
    moves: Moves | None  # that they add up to, None as well

    @property
    def labels(self) -> sql.Identifier:
        """The table of the labels."""
        return partition(label_set_table(self.run_id, self.model_version_id))


def write_history(
    transaction: Transaction,
    run: Run,
    versions: Sequence[Version],
    shards: Sequence[ScoredShard],
    *,
    history_days: int | None,
    returning: Collection[str],
) -> dict[str, Changes]:
    """Write the periods and the movement of a run whose labels are attached and whose segments are written.

    Returns by model whom the shards found changed since the run that is current, where that holds; others are left out.
    Models that are `returning` had their periods ended. Must come before the pointer moves, and while nobody else
    publishes these models. Raises RunError where what lies next to a past date is gone.
    """
    models = [version.model for version in versions]
    require_neighbours(transaction, models, as_of=run.as_of, history_days=history_days)
    found: dict[str, Changes] = {}
    for version in versions:
        around = find_neighbours(transaction, version.model, as_of=run.as_of)
        publication = _publication(run, version, shards, around.before)
        kept, changes = _write_periods(transaction, publication, around, returns=version.model in returning)
        _write_movement(transaction, publication, around, kept=kept)
        if changes is not None:
            found[version.model] = changes
    return found


def _publication(run: Run, version: Version, shards: Sequence[ScoredShard], before: Published | None) -> Publication:
    """Take what the shards have staged, if each of them was compared with the run that precedes now."""
    found = compared_moves(shards, version.model_version_id, before.run_id) if before is not None else None
    return Publication(
        run_id=run.run_id,
        as_of=run.as_of,
        model=version.model,
        model_version_id=version.model_version_id,
        changes=None if found is None else list(_staged(version.model_version_id, shards)),
        moves=found,
    )


def _staged(model_version_id: int, shards: Sequence[ScoredShard]) -> Iterator[sql.Identifier]:
    for shard in shards:
        if shard.compared.get(model_version_id):
            yield staging_table(shard.attempt.changes_table(model_version_id))


def _write_periods(
    transaction: Transaction, publication: Publication, around: Neighbours, *, returns: bool
) -> tuple[bool, Changes | None]:
    """Bring the periods to the labels.

    Returns whether they, and their versions, were as they are now, and who moved from the latest date to a later one,
    if the shards have found out. The history does not say: where it was damaged, it is repaired from what it had.
    """
    if not has_partition(transaction, _partition_name(publication.model)):
        _load(transaction, publication, until=around.after)
        return False, None
    latest = around.after is None and around.same is None and not returns
    if not latest or publication.changes is None:
        return _repair(transaction, publication, around), None
    known = all(move.by_model is not None for move in _moves(publication))
    found = Changes(publication.changes, known=known)
    if _append(transaction, publication, publication.changes):
        return False, found
    return _repair(transaction, publication, around), found


def _load(transaction: Transaction, publication: Publication, *, until: Published | None) -> None:
    """Begin the history of a model: all customers at once, up to a date whose labels are files already."""
    names = {
        "table": partition(_partition_name(publication.model)),
        "parent": sql.Identifier("segmentation", "segment_history"),
        "labels": publication.labels,
        "model": sql.Literal(publication.model),
        "value": sql.Literal(publication.model),
    }
    transaction.execute("history/create_partition", names)
    transaction.execute("scoring/hand_over", names)
    transaction.execute("history/load", names, model=publication.model, as_of=publication.as_of)
    transaction.execute("history/index", names)
    transaction.execute("publishing/attach", names)
    if until is not None and until.is_filed:
        transaction.execute("history/cut_open", model=publication.model, as_of=until.as_of)
    transaction.execute("scoring/analyze", names)


def _append(transaction: Transaction, publication: Publication, changes: Sequence[sql.Identifier]) -> bool:
    """Write a new latest date, and return whether the history had everybody where the changes begin."""
    written = {"model": publication.model, "as_of": publication.as_of}
    ended = [transaction.execute("history/end_periods", {"changes": table}, **written) for table in changes]
    if sum(ended) != sum(move.customers for move in _moves(publication) if move.from_segment is not None):
        return False
    for table in changes:
        transaction.execute(
            "history/begin_periods", {"changes": table}, **written, model_version_id=publication.model_version_id
        )
    return True


def _repair(transaction: Transaction, publication: Publication, around: Neighbours) -> bool:
    table = staging_table(f"differences_{publication.run_id}_{publication.model_version_id}")
    names = {"table": table, "differences": table, "labels": publication.labels}
    written = {
        "model": publication.model,
        "as_of": publication.as_of,
        "model_version_id": publication.model_version_id,
    }
    different = transaction.execute("history/differences", names, model=publication.model, as_of=publication.as_of)
    transaction.execute("scoring/analyze", {"table": table})
    next_date, next_version = (around.after.as_of, around.after.model_version_id) if around.after else (None, None)
    if pause := find_pause(transaction, publication.model, publication.as_of, next_date):
        next_date, next_version = pause, None
    transaction.execute("history/repair", names, **written, next_date=next_date, next_version_id=next_version)
    corrected = transaction.execute("history/set_version", **written) if around.same else 0
    log.info("history of %s at %s: %s differences", publication.model, publication.as_of, different)
    same_version = around.same is not None and around.same.model_version_id == publication.model_version_id
    return not different and not corrected and same_version


def _write_movement(transaction: Transaction, publication: Publication, around: Neighbours, *, kept: bool) -> None:
    """Write who moved to the date, and from it to the date after: the same as before, unless something has changed.

    The same may have to add up to other sizes, where customers have been forgotten since.
    """
    model, as_of = publication.model, publication.as_of
    transaction.execute("history/delete_movement", model=model, as_of=as_of)
    if around.before is not None and _is_compared(transaction, publication, around.before):
        known = around.before.model_version_id == publication.model_version_id
        moves = publication.moves or read_moves(transaction, model, as_of, known=known)
        insert_movement(transaction, model, moves, as_of=as_of, previous=around.before.as_of)
    after = around.after if around.after is not None and not around.after.is_filed else None
    if after is not None and not find_pause(transaction, model, as_of, after.as_of):
        known = after.model_version_id == publication.model_version_id
        days = (transaction, model, after.as_of)
        if (written := _written_moves(*days) if kept else read_moves(*days, known=known)) is not None:
            transaction.execute("history/delete_movement", model=model, as_of=after.as_of)
            insert_movement(transaction, model, written, as_of=after.as_of, previous=as_of)


def _is_compared(transaction: Transaction, publication: Publication, before: Published) -> bool:
    """Return whether there is movement from the date before: not where the model was retired in between."""
    if find_pause(transaction, publication.model, before.as_of, publication.as_of):
        return False
    return publication.changes is not None or reaches(transaction, publication.model, before)


def find_pause(transaction: Transaction, model: str, as_of: date, until: date | None) -> date | None:
    """Return the date between two, the second included, on which the model was retired; None where it was not."""
    found: date | None = transaction.scalar("history/pause", model=model, as_of=as_of)
    return found if found is not None and (until is None or found <= until) else None


def reaches(transaction: Transaction, model: str, before: Published) -> bool:
    """Return whether the history knows the date; an upgraded warehouse has dates from before its history."""
    return bool(transaction.scalar("history/reaches", model=model, as_of=before.as_of))


def read_moves(transaction: Transaction, model: str, as_of: date, *, known: bool) -> Moves:
    """Return who moved to a date by the history; under one version, nobody was moved by a change of it.

    Whom the passing of time moved it does not know.
    """
    rows = transaction.rows("history/moves", model=model, as_of=as_of)
    if rows and not known:
        log.warning(
            "%s at %s: the date before has another version, which was not asked about this date; segment_migrations "
            "cannot say whom the change of version moved until %s is run again",
            model,
            as_of,
            as_of,
        )
    return Moves([Move(row.from_segment, row.to_segment, row.customers, 0 if known else None) for row in rows])


def _moves(publication: Publication) -> Sequence[Move]:
    return () if publication.moves is None else publication.moves.moves


def _written_moves(transaction: Transaction, model: str, as_of: date) -> Moves | None:
    """Return who moved to a date as it was written; None where nothing was."""
    rows = transaction.rows("history/movement", model=model, as_of=as_of)
    moves = [Move(*row) for row in rows if row.from_segment_id != row.to_segment_id]
    return Moves(moves, is_timed=any(row.by_time is not None for row in rows)) if rows else None


def insert_movement(transaction: Transaction, model: str, moves: Moves, *, as_of: date, previous: date) -> None:
    """Write who moved to a date from the one before, so that it adds up to what was published of both."""
    sizes, former_sizes = (read_sizes(transaction, model, day) for day in (as_of, previous))
    of_date = {"as_of": as_of, "previous_as_of": previous, "model": model}
    records = movement(moves, sizes, former_sizes)
    transaction.insert("history/insert_movement", [{**of_date, **record} for record in records])


def read_sizes(transaction: Transaction, model: str, as_of: date) -> dict[int, int]:
    """Return how many customers each segment of a model had when the date was published."""
    return {row.segment_id: row.customers for row in transaction.rows("history/sizes", model=model, as_of=as_of)}


def _partition_name(model: str) -> str:
    return f"period_{model}"
