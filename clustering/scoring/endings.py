"""Runs that end without publishing: abandoned by a task, by a person, by a later run, or because nobody decided."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import date
from typing import Any

from psycopg2.extras import Json

from clustering.errors import RunError
from clustering.scoring.staged_tables import drop_staged
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)

GOING_ON = ("running", "held")


@again_after_deadlock
def abandon_run(warehouse: Warehouse, *, run_id: int, note: str) -> bool:
    """End a run that is being scored, drop what it staged, and return whether it was; a held one waits for a person."""
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        return end_run(transaction, run_id, note, statuses=("running",))


@again_after_deadlock
def abandon_by_hand(
    warehouse: Warehouse, *, run_id: int, abandoned_by: str, reason: str | None = None
) -> dict[str, Any]:
    """End a run, such as a held one or one whose processes died, and return whether it was going on, and its status.

    Raises RunError when there is no such run.
    """
    note = f"abandoned by {abandoned_by}" + (f": {reason}" if reason else "")
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        former = transaction.scalar("scoring/status", run_id=run_id)
        abandoned = end_run(transaction, run_id, note)
        status = transaction.scalar("scoring/status", run_id=run_id)
        if abandoned and former == "held":
            record_decision_on_run(transaction, "abandon_run", run_id, decided_by=abandoned_by, reason=reason)
    if status is None:
        raise RunError(f"there is no run {run_id} in this warehouse")
    return {"run_id": run_id, "abandoned": abandoned, "status": status}


def end_run(transaction: Transaction, run_id: int, note: str, *, statuses: Collection[str] = GOING_ON) -> bool:
    """End a run in one of these statuses, drop what it staged, and return whether it was in one."""
    if not transaction.execute("scoring/abandon_run", run_id=run_id, note=note, statuses=list(statuses)):
        return False
    drop_staged(transaction, run_id)
    transaction.execute("label_files/forget_run", run_id=run_id)
    log.warning("run %s abandoned: %s", run_id, note)
    return True


def end_overdue(transaction: Transaction, *, hours: int) -> list[int]:
    """End the held runs on which nobody decided for so long, and return them."""
    overdue = [row.run_id for row in transaction.rows("scoring/overdue_runs", hours=hours)]
    for run_id in overdue:
        end_run(transaction, run_id, f"held, and nobody decided within {hours} hours", statuses=("held",))
    return overdue


def end_superseded(transaction: Transaction, run_id: int, as_of: date) -> None:
    """End the held runs of this date and of dates before, all of whose models a run has published or others have."""
    for row in transaction.rows("scoring/outdated_runs", run_id=run_id, as_of=as_of):
        end_run(transaction, row.run_id, f"held, and superseded by run {run_id} of {as_of}", statuses=("held",))


def record_decision_on_run(
    transaction: Transaction, action: str, run_id: int, *, decided_by: str, reason: str | None
) -> None:
    """Note who decided on a held run, and why."""
    did = "published all the same" if action == "release_run" else "abandoned"
    transaction.execute(
        "audit/insert",
        action=action,
        model=None,
        actor=decided_by,
        description=f"Run {run_id}, which was held, was {did}{f': {reason}' if reason else ''}.",
        detail=Json({"run_id": run_id, "reason": reason}),
    )
