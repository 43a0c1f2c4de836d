"""What the DAGs share: the connection, the assets, default arguments, and how a task opens what it works on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from airflow.sdk import Asset, Connection, ExceptionRetryPolicy, Param, RetryAction, RetryRule
from airflow.sdk.configuration import conf
from airflow.sdk.definitions.callback import AsyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

import clustering
from clustering.config import configuration_directory, model_names, store_directory
from clustering.errors import ConfigurationError, PermanentError, TransientError, refuse_misspelt, refuse_unknown
from clustering.settings import NightSettings, compute_in_one_thread

log = logging.getLogger(__name__)

CUSTOMERS = Asset(name="customers")
CUSTOMER_LABELS = Asset(name="customer_labels")
SEGMENTS = Asset(name="segments")
CHAMPIONS = Asset(name="champions")
SEGMENT_HISTORY = Asset(name="segment_history")
HELD_NIGHTS = Asset(name="held_nights")  # an event of it asks a person
DRIFT = Asset(name="drift")  # an event of it starts a retraining

LONG = timedelta(hours=3)
OWN_NIGHT = timedelta(days=1)  # so late a run may still plan its own date as the present one: until the next is due
DEFAULT_ARGS: dict[str, Any] = {
    "owner": "segmentation",
    "retries": 3,
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
}


@dataclass(frozen=True)
class Session:
    """What a task works on."""

    warehouse: clustering.Warehouse
    configuration: clustering.Configuration
    registry: clustering.Registry


@contextmanager
def open_session() -> Iterator[Session]:
    """Open the warehouse, the configuration and the model store for one task."""
    from clustering.warehouse.arrays import make_arrays_without_pandas  # needed by tasks, not while DAGs are read

    # Tasks run side by side. Nothing in a task's process has loaded a library for numbers before this line.
    compute_in_one_thread()
    make_arrays_without_pandas()
    warehouse = clustering.Warehouse(warehouse_url())
    try:
        registry = clustering.Registry(warehouse, store_directory())
        yield Session(warehouse, clustering.load_configuration(), registry)
    finally:
        warehouse.dispose()


def warehouse_url() -> str:
    """Return the URL that Airflow's connection `warehouse` stands for, password included.

    Raises ConfigurationError when there is no such connection or it is not one of PostgreSQL.
    """
    from clustering.warehouse.urls import CONNECTION, url_of_connection  # needed by tasks, not while DAGs are read

    try:
        connection = Connection.get(CONNECTION)
    except AirflowNotFoundException:
        connection = None
    return url_of_connection(connection)


def workers() -> int:
    """Return how many scoring tasks can run at once: what Airflow allows, on one machine no more than its cores."""
    at_once: int = min(conf.getint("core", "parallelism"), conf.getint("core", "max_active_tasks_per_dag"))
    if "LocalExecutor" in conf.get("core", "executor"):
        at_once = min(at_once, os.cpu_count() or 1)
    return max(1, at_once)


def business_date(asked: str | None, partition_key: str | None, dag_run: Any, timezone: tzinfo) -> date:
    """Return the date that a run's labels stand for: the one asked for, or the run's own in the DAG's time zone.

    Raises ConfigurationError for a partition key that is not a date, and for a date that is asked of a whole backfill.
    """
    if asked and dag_run.run_type == "backfill":
        raise ConfigurationError(f"as_of is {asked!r}, but each run of a backfill has its own date; leave as_of out")
    if not (asked or partition_key):
        return _own_date(dag_run, timezone)
    try:
        return date.fromisoformat(asked or str(partition_key))
    except ValueError:
        name, value = ("as_of", asked) if asked else ("the partition key", partition_key)
        raise ConfigurationError(f"{name} is {value!r}; it has to be a date such as 2026-01-31") from None


def _own_date(dag_run: Any, timezone: tzinfo) -> date:
    run_after: datetime = dag_run.run_after
    return run_after.astimezone(timezone).date()


def end_of_past_date(as_of: date, dag_run: Any, *, timezone: tzinfo, now: datetime) -> datetime | None:
    """Return when the date of a run ended in the DAG's time zone, if it is past; None for a present date.

    A run's own date stays present for a day, unless the run is one of a backfill, so that a night may be late or
    retried after midnight.
    """
    own = dag_run.run_type != "backfill" and as_of == _own_date(dag_run, timezone)
    if own and now - dag_run.run_after < OWN_NIGHT:
        return None
    return clustering.end_of_past(as_of, timezone, now=now)


def may_retry(task_instance: Any) -> bool:
    """Return whether Airflow tries a task again that fails now."""
    return bool(task_instance.try_number <= task_instance.max_tries)


def check_conf(declared: Iterable[str], params: Mapping[str, Any], dag_run: Any) -> None:
    """Refuse a run with names in its configuration that are no parameters of its DAG, since Airflow takes any.

    Raises ConfigurationError, with the nearest name.
    """
    given = dict(dag_run.conf or {})
    refuse_unknown(given, declared, what=f"parameter of {dag_run.dag_id}")
    if ignored := [name for name, value in given.items() if params[name] != value]:
        ours = f"the {ignored[0]} of the run's configuration is left aside by Airflow"
        raise ConfigurationError(f"{ours}; set its dag_run_conf_overrides_params to True")


def models_param() -> Param:
    """Return the parameter that chooses among the configured models.

    Raises ConfigurationError when none is configured.
    """
    names = model_names()
    if not names:
        raise ConfigurationError(f"{configuration_directory()}: no model is configured; add a file such as kmeans.yaml")
    return Param(
        names,
        type=["null", "array"],
        items={"type": "string", "enum": names},
        examples=names,
        uniqueItems=True,
        title="Models",
        description="Which models to run. None chosen: all of them.",
    )


def chosen_models(params: Mapping[str, Any]) -> list[str] | None:
    """Return the models asked for, None for all."""
    return list(params["models"] or ()) or None


def alarmed_models(events: Mapping[Any, Iterable[Any]]) -> list[str]:
    """Return the models whose drift started a run, of those that are configured; none for whatever the run asks for.

    That is so where no drift started the run, and where an event made by hand names no model. Skips the task where
    every model that is named is no longer configured.
    """
    named = [(event.extra or {}).get("models") or () for event in events.get(DRIFT, ())]
    if not named:
        return []
    if not all(named):
        for event in events[DRIFT]:
            refuse_misspelt(event.extra or {}, "models", what="part of an event of the asset drift")
        log.info("an event of the asset drift names no model: all of them are trained")
        return []
    drifted = {model for models in named for model in models}
    if not (configured := drifted & set(model_names())):
        told = ", ".join(sorted(map(str, drifted)))
        raise AirflowSkipException(f"nothing is trained: drift was told of {told}, and no such model is configured")
    return sorted(configured)


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


def alert_of_run(context: Any) -> None:
    """Tell that a DAG run failed."""
    run = context["dag_run"]
    alert(f"{run.dag_id} failed", f"the run {run.run_id} ended as failed; its tasks' logs say why", context)


def alert_of_task(context: Any) -> None:
    """Tell that a task failed whose failure does not fail its run."""
    task = context["ti"]
    text = f"in the run {task.run_id}, which goes on without it: {context.get('exception') or 'see its log'}"
    alert(f"{task.dag_id}: {task.task_id} failed", text, context)


def alert_of_models(published: Mapping[str, Any], context: Any) -> None:
    """Tell which models had to be left out of a night."""
    why = "; ".join(f"{model}: {reason}" for model, reason in published["failed"].items())
    alert(
        f"{', '.join(published['failed'])} not labelled as of {published['as_of']}",
        f"{why}. Readers keep the former result",
        context,
    )


def alert_of_drift(watched: Mapping[str, Any], context: Any) -> None:
    """Tell what has drifted, and whether models are retrained because of it."""
    what, models = "; ".join(alarm["sentence"] for alarm in watched["alarms"]), ", ".join(watched["retrain"])
    follows = f"retraining {models}" if models else "nothing is retrained now: see docs/operate.md"
    alert(f"customers have drifted as of {watched['as_of']}", f"{what}. {follows}", context)


def alert_of_unwatched(watched: Mapping[str, Any], context: Any) -> None:
    """Tell which models of a night could not be checked for drift."""
    why = "; ".join(f"{model}: {reason}" for model, reason in watched["unwatched"].items())
    alert(f"{', '.join(watched['unwatched'])} not checked for drift as of {watched['as_of']}", why, context)


def alert(subject: str, text: str, context: Any) -> None:
    """Tell people by the configured notifier."""
    from segmentation_notifier import Alert  # needed by alerts, not while DAGs are read

    Alert(subject, text)(context)
