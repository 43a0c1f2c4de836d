"""Watch a night that is published: tell of the drift that its check has found, and ask for a retraining."""

from __future__ import annotations

import logging
from collections.abc import Sequence, Set
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from clustering.config import Configuration, Drift
from clustering.monitoring.checking import read_findings
from clustering.monitoring.watched_run import WatchedRun, lock_watched_run
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alarm:
    """A check that found drift."""

    model: str
    layer: str
    check_name: str
    subject: str
    statistic: float
    threshold: float
    description: str

    def __str__(self) -> str:
        where = f"{self.model}, {self.layer}, {self.check_name} of {self.subject}"
        return f"{where}: {self.statistic:.2f} (limit {self.threshold:.2f}); {self.description}"


def watch(warehouse: Warehouse, configuration: Configuration, *, run_id: int, may_ask: bool = True) -> dict[str, Any]:
    """Return the alarms of a published run, its other findings, and the models to retrain.

    Models for which a later run holds are left out. Models are to be retrained when the run's date is the latest one
    and the last such request is old enough, unless nobody `may_ask` for it, and never one whose champion was brought
    back by a roll-back. Those that could not be checked are `unwatched`, with the reason. Watching a run again returns
    and writes the same, while nothing else is published or decided. Raises RunError for a run that is not published.
    """
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        run = lock_watched_run(transaction, run_id)
        checks = transaction.scalar("monitoring/checks", run_id=run_id)
        alarms = transaction.typed_rows(Alarm, "monitoring/alarms", run_id=run_id)
        findings = [one for one in read_findings(transaction, run_id) if one.model is None or one.model in run.models]
        retrain = _due(transaction, run, alarms, configuration.contract.drift) if may_ask else []
    for alarm in alarms:
        log.warning("drift as of %s: %s", run.as_of, alarm)
    log.info("run %s: %s checks, %s alarms, to retrain: %s", run_id, checks, len(alarms), retrain or "nothing")
    return {
        "run_id": run_id,
        "as_of": run.as_of.isoformat(),
        "is_latest": run.is_latest,
        "checks": checks,
        "alarms": [asdict(alarm) | {"sentence": str(alarm)} for alarm in alarms],
        "findings": [one.description for one in findings if one.check_name != "drift_unchecked"],
        "retrain": retrain,
        "unwatched": {one.subject: one.description for one in findings if one.check_name == "drift_unchecked"},
    }


def _due(transaction: Transaction, run: WatchedRun, alarms: Sequence[Alarm], drift: Drift) -> list[str]:
    """Return the models to retrain because of the alarms, and note the request."""
    alarmed = {alarm.model for alarm in alarms}
    if not (alarmed and run.is_latest and drift.retrain_at_most_every_days):
        return []
    models = _without_rolled_back(transaction, alarmed)
    if not models:
        return []
    transaction.execute("monitoring/lock_requests")
    last = transaction.scalar("monitoring/last_request", run_id=run.run_id)
    if last is not None and run.as_of < last + timedelta(days=drift.retrain_at_most_every_days):
        log.info("no retraining: one was asked for as of %s, too short a time ago", last)
        return []
    transaction.execute("monitoring/insert_request", run_id=run.run_id, as_of=run.as_of, models=models)
    return models


def _without_rolled_back(transaction: Transaction, models: Set[str]) -> list[str]:
    """Leave out the models that somebody has rolled back: a retraining would bring the like of what they rejected."""
    rolled_back = models & {row.model for row in transaction.rows("monitoring/rolled_back")}
    if rolled_back:
        log.warning(
            "no retraining of %s because of drift: rolled back; promote a version once the cause is known",
            ", ".join(sorted(rolled_back)),
        )
    return sorted(models - rolled_back)
