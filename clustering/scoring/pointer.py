"""The pointer: which run holds for a model and a date, and which models have labels now.

Plans of readers hold what the pointer said when they were made, so each change of it is announced in its transaction.
A model that is no longer configured, or that a person retires, has no labels from then on: its open periods end, and
its history stays. Publishing its latest date again, or a later one, brings it back.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from typing import Any

from clustering.config import Configuration
from clustering.errors import ConfigurationError
from clustering.scoring.changes import tell
from clustering.scoring.current_models import Current, read_current
from clustering.scoring.manifest import Run
from clustering.segments.events import Event, EventKind
from clustering.versions.own_names import record_events
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import HISTORY, act_as_writer

log = logging.getLogger(__name__)


def bring_back(transaction: Transaction, run: Run) -> list[str]:
    """End the retirement of the models that a run publishes as of their latest date, and return them.

    Where that is before the date on which they were to end, nothing has ended: their periods go on.
    """
    found = transaction.rows("pointer/bring_back", run_id=run.run_id)
    for row in found:
        if run.as_of < row.retired_on:
            transaction.execute("history/reopen_model", model=row.model, day=row.retired_on)
        told = f"{row.model} has labels again from {run.as_of} on."
        record_model_event(transaction, row.model, row.model_version_id, "returned", told)
    return [row.model for row in found]


def lock_models(transaction: Transaction, run: Run, configuration: Configuration, models: Iterable[str]) -> list[str]:
    """Wait until nobody else publishes a run's models, or those that are no longer configured; return the latter.

    All are locked at once, in the order that everybody keeps: two configurations, each without the other's model, would
    wait for one another otherwise.
    """
    leaving = [one.model for one in _gone(transaction, run, configuration)]
    transaction.execute("pointer/lock_named", models=[*models, *leaving])
    return leaving


def move_pointer(transaction: Transaction, run: Run, configuration: Configuration, *, leaving: Collection[str]) -> None:
    """Make a run the one that holds for its date, and retire the models that are no longer configured.

    The date is not before the latest one of a model that is retired: a past date says nothing of today. What is not
    among those `leaving`, which are locked, was published by others meanwhile, and is left to the next night.
    """
    transaction.execute("pointer/move", run_id=run.run_id)
    transaction.execute("pointer/lock_labels")
    # Whoever was waited for may have retired one, or published it for a later date.
    for gone in (one for one in _gone(transaction, run, configuration) if one.model in leaving):
        reason = f"{gone.model} is no longer configured"
        _retire(transaction, gone, day=run.as_of, reason=reason, retired_by=f"run {run.run_id}", run_id=run.run_id)
    transaction.execute("pointer/follow_default_model", default_model=configuration.contract.default_model)
    transaction.execute("pointer/announce")


def retired_by_run(transaction: Transaction, run_id: int) -> dict[str, str]:
    """Return the models that a run has retired, each with the date on which its history ends."""
    rows = transaction.rows("pointer/retired_by_run", run_id=run_id)
    return {row.model: row.retired_on.isoformat() for row in rows}


@again_after_deadlock
def retire_model(
    warehouse: Warehouse, *, model: str, retired_by: str, configured: Collection[str] = ()
) -> dict[str, Any]:
    """Take a model out of what holds now, end its open periods, and return from which date on.

    One that is still `configured` comes back with the next night that publishes it. Raises ConfigurationError for a
    model without labels.
    """
    with warehouse.transaction() as transaction:
        act_as_writer(transaction, written=[HISTORY])
        transaction.execute("pointer/lock_model", model=model)
        current = read_current(transaction)
        if model not in current:
            named = f"there are {', '.join(current)}" if current else "no model has any"
            raise ConfigurationError(f"{model!r} has no labels that could be retired; {named}")
        transaction.execute("pointer/lock_labels")
        day = _retire(
            transaction,
            current[model],
            day=datetime.now(UTC).date(),
            reason=f"{model} was retired by {retired_by}",
            retired_by=retired_by,
            run_id=None,
        )
        transaction.execute("pointer/announce")
        tell(transaction, [model], {}, was=current, now=read_current(transaction))
    return {"model": model, "retired_on": day.isoformat(), "comes_back": model in configured}


def _gone(transaction: Transaction, run: Run, configuration: Configuration) -> list[Current]:
    return transaction.typed_rows(Current, "pointer/gone", configured=list(configuration.models), as_of=run.as_of)


def _retire(
    transaction: Transaction, gone: Current, *, day: date, reason: str, retired_by: str, run_id: int | None
) -> date:
    """Retire a model that the transaction has locked."""
    retired_on: date = transaction.scalar(
        "pointer/retire", model=gone.model, day=day, reason=reason, retired_by=retired_by, run_id=run_id
    )
    ended = transaction.execute("history/end_model", model=gone.model, day=retired_on)
    transaction.execute("pointer/drop_default_model", model=gone.model)
    told = f"{reason}: it has no labels from {retired_on} on."
    record_model_event(transaction, gone.model, gone.model_version_id, "retired", told)
    log.warning("%s Its history is kept; %s open periods end", told, ended)
    return retired_on


def record_model_event(transaction: Transaction, model: str, model_version_id: int, kind: EventKind, told: str) -> None:
    """Write what happened to all segments of a model at once."""
    record_events(transaction, model, model_version_id, [Event(kind, None, (), None, told)])
