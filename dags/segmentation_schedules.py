"""When the DAGs run and how Airflow treats their tasks: all of it by settings of the environment."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, ExceptionRetryPolicy, RetryAction, RetryRule
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowTimetableInvalid

from clustering.errors import ConfigurationError, PermanentError, TransientError
from clustering.settings import NightSettings, ScheduleSettings, TaskSettings
from segmentation_alerts import note_failure
from segmentation_assets import DRIFT, night_assets
from segmentation_days import zone

NEVER = "none"
LONG = timedelta(hours=3)


def night_schedule() -> Any:
    """Return what starts a night: the clock, assets of other teams, both or, with None, people alone.

    Raises ConfigurationError for a line that is not one of cron.
    """
    assets = night_assets()
    line = ScheduleSettings.read().night or (NEVER if assets else "0 2 * * *")
    return _schedule("CLUSTERING_NIGHT_SCHEDULE", line, assets)


def training_schedule() -> Any:
    """Return what starts a training: drift, and the clock unless it is not wanted.

    Raises ConfigurationError for a line that is not one of cron.
    """
    return _schedule("CLUSTERING_TRAINING_SCHEDULE", ScheduleSettings.read().training, [DRIFT])


def _schedule(variable: str, line: str, assets: Sequence[Any]) -> Any:
    if line == NEVER:
        return list(assets) or None
    try:
        timetable = CronTriggerTimetable(line, timezone=zone())
        timetable.validate()
    except (AirflowTimetableInvalid, ValueError, KeyError) as error:
        raise ConfigurationError(f"{variable} is {line!r}; it has to be a line of cron such as 30 1 * * *") from error
    return AssetOrTimeSchedule(timetable=timetable, assets=list(assets)) if assets else timetable


def tags() -> list[str]:
    """Return the tags of every DAG."""
    return list(TaskSettings.read().tags) or ["segmentation"]


def default_args() -> dict[str, Any]:
    """Return what holds for every task that says nothing else."""
    settings = TaskSettings.read()
    placed = {"pool": settings.pool, "queue": settings.queue}
    return {
        "owner": "segmentation",
        "priority_weight": settings.priority,
        "retries": settings.retries,
        "retry_delay": timedelta(seconds=30),
        "retry_exponential_backoff": 2,
        "max_retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
        "retry_policy": ExceptionRetryPolicy(
            rules=[
                RetryRule(exception=PermanentError, action=RetryAction.FAIL, reason="a retry does not help"),
                RetryRule(exception=TransientError, action=RetryAction.RETRY, reason="it may pass"),
            ]
        ),
        "on_failure_callback": note_failure,
        **{name: value for name, value in placed.items() if value},
    }


def workers() -> int:
    """Return how many scoring tasks can run at once: what Airflow allows, on one machine no more than its cores."""
    at_once: int = min(conf.getint("core", "parallelism"), conf.getint("core", "max_active_tasks_per_dag"))
    if "LocalExecutor" in conf.get("core", "executor"):
        at_once = min(at_once, os.cpu_count() or 1)
    return max(1, at_once)


def late_night() -> DeadlineAlert:
    """Return the alert of a night that is not done in time."""
    hours = NightSettings.read().hours
    message = {
        "subject": "segment_customers is late",
        "text": f"not done {hours} hours after it was queued; readers keep the former segments",
    }
    return DeadlineAlert(
        name=f"done within {hours} hours",
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=hours),
        callback=AsyncCallback("segmentation_notifier.Alert", kwargs=message),
    )
