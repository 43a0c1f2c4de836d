"""Repair the history of a model where something that was published, or a retirement, turns out never to have been.

No labels are needed: what held just before a day goes on to hold, or nobody is in a segment any more, until something
else is known. Who repairs a model's history has its lock.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date

from clustering.scoring.history import find_pause, insert_movement, reaches, read_moves
from clustering.scoring.neighbours import Published, find_neighbours, require_labels_alike
from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)


def carry_on(transaction: Transaction, model: str, day: date, *, until: date | None, after: Published | None) -> None:
    """Let what held just before a day hold from the day until another one, None for ever.

    `after` is what is published on that other day, if something is.
    """
    _rewrite(transaction, "history/held_before", model, day, until=until, after=after)


def leave_empty(transaction: Transaction, model: str, day: date, *, after: Published | None) -> None:
    """Let nobody be in a segment from a day until the date `after`, None for ever."""
    until = after.as_of if after else None
    if until is None or until > day:
        _rewrite(transaction, "history/held_on", model, day, until=until, after=after)


def rewrite_movement(transaction: Transaction, model: str, as_of: date) -> None:
    """Count anew who moved to a published date from the one before.

    Nobody where there is none, or a pause between, or where labels are files.
    """
    transaction.execute("history/delete_movement", model=model, as_of=as_of)
    around = find_neighbours(transaction, model, as_of=as_of)
    before, same = around.before, around.same
    if before is None or same is None or same.is_filed or find_pause(transaction, model, before.as_of, as_of):
        return
    if reaches(transaction, model, before):
        known = before.model_version_id == same.model_version_id
        moves = read_moves(transaction, model, as_of, known=known)
        insert_movement(transaction, model, moves, as_of=as_of, previous=before.as_of)


def _rewrite(
    transaction: Transaction, differences: str, model: str, day: date, *, until: date | None, after: Published | None
) -> None:
    names = {"table": (table := staging_table(f"repair_{model}")), "differences": table}
    different = transaction.execute(differences, names, model=model, day=day)
    transaction.execute("scoring/analyze", names)
    transaction.execute(
        "history/repair",
        names,
        model=model,
        as_of=day,
        model_version_id=None,  # no period begins on the day
        next_date=until,
        next_version_id=after.model_version_id if after and after.as_of == until else None,
    )
    transaction.execute("scoring/drop_table", names)
    log.info("history of %s at %s: %s differences", model, day, different)


def cut_history(transaction: Transaction, models: Collection[str], *, as_of: date) -> None:
    """End the history of models on a date: their labels are files, and of whom is in them the warehouse knows nothing.

    A night whose labels are rows again begins it anew; RunError where one of a later date was published meanwhile.
    """
    require_labels_alike(transaction, list(models), as_of=as_of)
    for model in models:
        for query in ("history/cut_begun", "history/cut_open", "history/delete_movement"):
            transaction.execute(query, model=model, as_of=as_of)
