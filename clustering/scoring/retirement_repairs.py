"""Repair the retirements of models when a date is withdrawn that ended one, or whose night made one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from clustering.scoring.history_repairs import carry_on, leave_empty, rewrite_movement
from clustering.scoring.neighbours import Published, find_neighbours
from clustering.scoring.pointer import record_model_event
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Ended:
    """A retirement that a date had to do with, and on which date it `begins` where the date is withdrawn."""

    retirement_id: int
    run_id: int | None
    retired_by: str
    reason: str
    retired_on: date
    returned_on: date | None
    begins: date


@dataclass(frozen=True)
class Made:
    """A retirement that a night made because the model was no longer configured."""

    retirement_id: int
    model: str
    retired_on: date
    returned_on: date | None
    reason: str
    noticed_at: datetime


def restore_retirements(transaction: Transaction, model: str, as_of: date, *, model_version_id: int) -> str | None:
    """Let a retirement go on that a withdrawn date had ended, up to the next one; return from when on where it holds.

    One that was to begin on the day after the withdrawn date, because that was the latest, begins earlier; one before
    which nothing is left to retire is gone.
    """
    restored = None
    transaction.execute("pointer/cancel_empty_retirements", model=model)
    for one in transaction.typed_rows(Ended, "withdrawing/ended_retirements", model=model, as_of=as_of):
        back = _first_since(transaction, model, one.retired_on) if one.returned_on is not None else None
        _move(transaction, model, one, until=back.as_of if back else None, because=f"{as_of} was withdrawn")
        leave_empty(transaction, model, one.begins, after=back)
        if one.returned_on is not None and back is None:
            restored = one.begins.isoformat()
            told = f"{model} has no labels from {restored} on: {as_of}, which brought it back, was withdrawn."
            record_model_event(transaction, model, model_version_id, "retired", told)
            break  # one that was made since has nothing to retire
    return restored


def undo_retirements(
    transaction: Transaction, as_of: date, *, configured: Collection[str]
) -> tuple[dict[str, str], list[str]]:
    """Undo what the nights of a date have retired that is published no longer.

    Returns the models that have labels again, with the date of these, and those that stay retired because their labels
    are no longer kept. Where a later night was without the model as well, the model is retired since that one.
    """
    back: dict[str, str] = {}
    left: list[str] = []
    for one in transaction.typed_rows(Made, "withdrawing/retired_by_night", as_of=as_of):
        latest = find_neighbours(transaction, one.model, as_of=one.retired_on).before
        if latest is None:
            transaction.execute("pointer/cancel_empty_retirements", model=one.model)
        elif later := _later_night(transaction, one, latest, configured):
            _retire_later(transaction, one, *later)
        elif one.returned_on is None and not is_kept(transaction, latest.run_id):
            left.append(one.model)
        else:
            _undo(transaction, one, latest, as_of)
            if one.returned_on is None:
                back[one.model] = latest.as_of.isoformat()
    return back, left


def is_kept(transaction: Transaction, run_id: int) -> bool:
    """Return whether the labels of a run are kept, as they are then until the transaction ends."""
    return bool(transaction.rows("withdrawing/lock_kept", run_id=run_id))


def _later_night(
    transaction: Transaction, made: Made, latest: Published, configured: Collection[str]
) -> tuple[int, date] | None:
    """Return the night that would have retired the model otherwise, and from which date on."""
    if made.returned_on is None and made.model in configured:
        return None
    rows = transaction.rows(
        "withdrawing/next_night_without",
        model=made.model,
        moment=made.noticed_at,
        latest=latest.as_of,
        returned_on=made.returned_on,
    )
    if not rows:
        return None
    begins = max(rows[0].as_of, latest.as_of + timedelta(days=1))
    back = _first_since(transaction, made.model, made.retired_on)
    return None if back is not None and begins >= back.as_of else (rows[0].run_id, begins)


def _retire_later(transaction: Transaction, made: Made, run_id: int, begins: date) -> None:
    transaction.execute("pointer/cancel_retirement", retirement_id=made.retirement_id)
    by = f"run {run_id}"
    transaction.execute(
        "pointer/retire_from",
        model=made.model,
        retired_on=begins,
        returned_on=made.returned_on,
        reason=made.reason,
        retired_by=by,
        run_id=run_id,
    )
    if begins > made.retired_on:
        carry_on(transaction, made.model, made.retired_on, until=begins, after=None)
    else:
        leave_empty(transaction, made.model, begins, after=None)


def _undo(transaction: Transaction, made: Made, latest: Published, as_of: date) -> None:
    transaction.execute("pointer/cancel_retirement", retirement_id=made.retirement_id)
    after = _first_since(transaction, made.model, made.retired_on)
    carry_on(transaction, made.model, made.retired_on, until=after.as_of if after else None, after=after)
    if after is not None:
        rewrite_movement(transaction, made.model, after.as_of)
    told = f"{made.model} has labels from {latest.as_of} on all the same: {as_of}, which retired it, was withdrawn."
    record_model_event(transaction, made.model, latest.model_version_id, "returned", told)


def _first_since(transaction: Transaction, model: str, day: date) -> Published | None:
    around = find_neighbours(transaction, model, as_of=day)
    return around.same or around.after


def _move(transaction: Transaction, model: str, one: Ended, *, until: date | None, because: str) -> None:
    """Let a retirement end on another date, None for none yet; where it begins on another one, it is added anew."""
    if until is None:
        transaction.execute("pointer/cancel_open_retirement", model=model)
    else:
        transaction.execute(
            "pointer/cancel_retirements_within", model=model, retirement_id=one.retirement_id, until=until
        )
    if one.begins == one.retired_on:
        transaction.execute("pointer/end_retirement", retirement_id=one.retirement_id, returned_on=until)
        return
    transaction.execute("pointer/cancel_retirement", retirement_id=one.retirement_id)
    transaction.execute(
        "pointer/retire_from",
        model=model,
        retired_on=one.begins,
        returned_on=until,
        reason=f"{one.reason}; from an earlier date on, since {because}",
        retired_by=one.retired_by,
        run_id=one.run_id,
    )
