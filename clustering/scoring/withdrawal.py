"""Withdraw a published date: the date before becomes current, and the history is as if the date had never been.

All of it is one transaction, under the locks of a publication of the date, so that readers see the one or the other.
The labels stay until retention takes them, for whoever still reads them.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extras import Json

from clustering.config import Configuration
from clustering.errors import ConfigurationError, RunError, did_you_mean
from clustering.scoring.changes import tell
from clustering.scoring.current_models import Current, read_current
from clustering.scoring.history import find_pause
from clustering.scoring.history_repairs import carry_on, rewrite_movement
from clustering.scoring.label_locations import read_filed
from clustering.scoring.neighbours import Neighbours, find_neighbours
from clustering.scoring.retirement_repairs import is_kept, restore_retirements, undo_retirements
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import HISTORY, act_as_writer

log = logging.getLogger(__name__)

# Rows of a model and date that people read by the date; what a run keeps of itself stays with its labels.
OF_THE_DATE = (
    "withdrawing/delete_segments",
    "withdrawing/delete_profiles",
    "withdrawing/delete_overall_averages",
    "withdrawing/delete_groups",
    "withdrawing/delete_checks",
)


@dataclass(frozen=True)
class PublishedRun:
    """The run that held for a model on a date."""

    model: str
    run_id: int
    model_version_id: int


@dataclass(frozen=True)
class Withdrawal:
    """A date to be withdrawn, by whom and why."""

    as_of: date
    withdrawn_by: str
    reason: str

    def note(self, models: Sequence[str]) -> str:
        """Return what is kept with a run that held for these models."""
        return f"{', '.join(models)} withdrawn by {self.withdrawn_by}: {self.reason}"


@again_after_deadlock
def withdraw_date(
    warehouse: Warehouse,
    configuration: Configuration,
    *,
    as_of: date,
    models: Sequence[str] | None = None,
    withdrawn_by: str,
    reason: str,
) -> dict[str, Any]:
    """Let a published date of some models, all by default, be published no longer, and return what holds since.

    The runs that held, by model, are `withdrawn`; `current` is the date that is current now, None for none. Retirements
    that the date had ended, or that its nights had made, are as they were before: `retired` and `returned`, with their
    dates; a model whose labels are gone meanwhile is `still_retired`. `trained_since` are the champions that may have
    been trained from what was wrong, `sent_to` the exports that others have of it. Raises ConfigurationError for a date
    that is not published, or without a reason; RunError where the history does not reach back to the date, or the
    labels of the date before are no longer kept. Nothing is changed then.
    """
    asked = Withdrawal(as_of, withdrawn_by.strip(), " ".join(reason.split()))
    if not (asked.reason and asked.withdrawn_by):
        raise ConfigurationError("a withdrawal is recorded with who asks for it and why; give both")
    with warehouse.transaction() as transaction:
        act_as_writer(transaction, written=[HISTORY])
        transaction.execute("publishing/lock_date", as_of=as_of)
        held = _held(transaction, as_of, models)
        retired = [row.model for row in transaction.rows("withdrawing/retired_by_night", as_of=as_of)]
        transaction.execute("pointer/lock_named", models=[*(one.model for one in held), *retired])
        _require_history(transaction, configuration, as_of)
        told = _withdraw(transaction, configuration, asked, held)
    log.warning("%s withdrawn of %s", as_of, ", ".join(told["withdrawn"]))
    return told


def _held(transaction: Transaction, as_of: date, models: Sequence[str] | None) -> list[PublishedRun]:
    """Return the runs to withdraw; ConfigurationError where there are none, or not of each model that is asked for."""
    found = {one.model: one for one in transaction.typed_rows(PublishedRun, "pointer/published_on", as_of=as_of)}
    wanted = list(found) if models is None else list(dict.fromkeys(model.casefold() for model in models))
    if found and (missing := [model for model in wanted if model not in found]):
        raise ConfigurationError(f"{missing[0]!r} is not published as of {as_of}{did_you_mean(missing[0], found)}")
    if not found:
        row = transaction.rows("withdrawing/nearest", as_of=as_of, models=models)[0]
        near = [day.isoformat() for day in (row.before, row.after) if day]
        others = f"the published dates next to it are {' and '.join(near)}" if near else "no date is"
        before = f" any more ({row.note})" if row.note else ""
        raise ConfigurationError(f"{as_of} is not published{before}, so nothing was withdrawn; {others}")
    return [found[model] for model in wanted]


def _require_history(transaction: Transaction, configuration: Configuration, as_of: date) -> None:
    days = configuration.contract.history_days
    begins = transaction.scalar("withdrawing/history_begins", days=days) if days else None
    if begins is not None and as_of < begins:
        raise RunError(
            f"the history cannot be repaired at {as_of}: it is kept for {days} days (history_days in customers.yaml), "
            f"which is since {begins}; nothing was changed"
        )


def _withdraw(
    transaction: Transaction, configuration: Configuration, asked: Withdrawal, held: Sequence[PublishedRun]
) -> dict[str, Any]:
    around = {one.model: find_neighbours(transaction, one.model, as_of=asked.as_of) for one in held}
    was = read_current(transaction)
    transaction.execute("pointer/withdraw", as_of=asked.as_of, models=[one.model for one in held])
    for run_id in sorted({one.run_id for one in held}):
        note = asked.note([one.model for one in held if one.run_id == run_id])
        transaction.execute("withdrawing/mark", run_id=run_id, note=note)
    restored = {one.model: _repair(transaction, asked.as_of, one, around[one.model]) for one in held}
    returned, left = _undo_retirements(transaction, configuration, asked.as_of)
    for one in held:
        _remove_rows(transaction, asked.as_of, one)
    transaction.execute("withdrawing/delete_requests")
    transaction.execute("pointer/lock_labels")
    transaction.execute("pointer/follow_default_model", default_model=configuration.contract.default_model)
    transaction.execute("pointer/announce")
    now = read_current(transaction)
    _require_labels(transaction, asked.as_of, held, around, was, now)
    for one in held:
        _record(transaction, asked, one, now.get(one.model))
    tell(transaction, [*(one.model for one in held), *returned], {}, was=was, now=now, corrects=True)
    sent = transaction.rows("exports/note_withdrawal", as_of=asked.as_of, models=[one.model for one in held])
    return {
        "as_of": asked.as_of.isoformat(),
        "withdrawn": {one.model: one.run_id for one in held},
        "current": {one.model: _day(now.get(one.model)) for one in held},
        "retired": {model: day for model, day in restored.items() if day},
        "returned": returned,
        "still_retired": left,
        "trained_since": _trained_since(transaction, held),
        "sent_to": [dict(row._mapping) for row in sent],
    }


def _repair(transaction: Transaction, as_of: date, one: PublishedRun, around: Neighbours) -> str | None:
    """Write a model's history as if the date had never been; return since when it is retired again, if it is."""
    after = around.after
    pause = find_pause(transaction, one.model, as_of, after.as_of if after else None)
    carry_on(transaction, one.model, as_of, until=pause or (after.as_of if after else None), after=after)
    restored = restore_retirements(transaction, one.model, as_of, model_version_id=one.model_version_id)
    transaction.execute("history/delete_movement", model=one.model, as_of=as_of)
    if after is not None:
        rewrite_movement(transaction, one.model, after.as_of)
    return restored


def _undo_retirements(
    transaction: Transaction, configuration: Configuration, as_of: date
) -> tuple[dict[str, str], list[str]]:
    """Undo what the date's nights have retired, once none of them holds for any model."""
    if transaction.rows("pointer/published_on", as_of=as_of):
        return {}, []
    return undo_retirements(transaction, as_of, configured=configuration.models)


def _remove_rows(transaction: Transaction, as_of: date, one: PublishedRun) -> None:
    for statement in OF_THE_DATE:
        transaction.execute(statement, model=one.model, as_of=as_of)
    transaction.execute("withdrawing/leave_request", run_id=one.run_id, model=one.model)


def _require_labels(
    transaction: Transaction,
    as_of: date,
    held: Sequence[PublishedRun],
    around: Mapping[str, Neighbours],
    was: Mapping[str, Current],
    now: Mapping[str, Current],
) -> None:
    """Raise RunError where a date becomes current whose labels are gone, or are being dropped."""
    for model in (one.model for one in held if one.model in now and now[one.model] != was.get(one.model)):
        before = around[model].before
        if before is not None and not is_kept(transaction, before.run_id):
            raise RunError(
                f"{as_of} of {model} cannot be withdrawn: the labels of {before.as_of}, the date before, are no longer "
                "kept (label_runs in customers.yaml); nothing was changed, run the date again with what is right"
            )
        for filed in read_filed(transaction, now[model].run_id, models=[model]):
            filed.require_whole()


def _record(transaction: Transaction, asked: Withdrawal, one: PublishedRun, now: Current | None) -> None:
    transaction.execute(
        "audit/insert",
        action="withdraw",
        model=one.model,
        actor=asked.withdrawn_by,
        description=f"{asked.as_of} of {one.model}, run {one.run_id}, is withdrawn: {asked.reason}",
        detail=Json(
            {
                "as_of": asked.as_of.isoformat(),
                "run_id": one.run_id,
                "model_version_id": one.model_version_id,
                "current": _day(now),
            }
        ),
    )


def _day(current: Current | None) -> str | None:
    return current.as_of.isoformat() if current else None


def _trained_since(transaction: Transaction, held: Sequence[PublishedRun]) -> list[dict[str, Any]]:
    rows = [
        row
        for run_id in sorted({one.run_id for one in held})
        for row in transaction.rows(
            "withdrawing/trained_since",
            run_id=run_id,
            models=[one.model for one in held if one.run_id == run_id],
        )
    ]
    return [
        {"model": row.model, "version": row.version, "trained_at": row.trained_at.isoformat()}
        for row in sorted(rows, key=lambda row: str(row.model))
    ]
