"""What the DAGs share: the connection, the assets, default arguments, and how a task opens what it works on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from airflow.sdk import Asset, Connection, ExceptionRetryPolicy, Param, RetryAction, RetryRule
from airflow.sdk.configuration import conf
from airflow.sdk.exceptions import AirflowNotFoundException

import clustering
from clustering.config import configuration_directory, model_names, store_directory
from clustering.errors import ConfigurationError, PassingError, PermanentError

CUSTOMERS = Asset(name="customers")
CUSTOMER_LABELS = Asset(name="customer_labels")
SEGMENTS = Asset(name="segments")
CHAMPIONS = Asset(name="champions")

LONG = timedelta(hours=3)
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
            RetryRule(exception=PassingError, action=RetryAction.RETRY, reason="it may pass"),
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
    # Tasks run side by side, so each computes in one thread. The libraries read this when they are loaded, and nothing
    # in a task's process has loaded them before this line.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
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
    at_once = min(conf.getint("core", "parallelism"), conf.getint("core", "max_active_tasks_per_dag"))
    if "LocalExecutor" in conf.get("core", "executor"):
        at_once = min(at_once, os.cpu_count() or 1)
    return max(1, at_once)


def business_date(asked: str | None, partition_key: str | None, run_after: datetime, timezone: tzinfo) -> date:
    """Return the date that a run's labels stand for: the one asked for, or the run's own in the DAG's time zone.

    Raises ConfigurationError for a partition key that is not a date.
    """
    if not (asked or partition_key):
        return run_after.astimezone(timezone).date()
    try:
        return date.fromisoformat(asked or str(partition_key))
    except ValueError:
        name, value = ("as_of", asked) if asked else ("the partition key", partition_key)
        raise ConfigurationError(f"{name} is {value!r}; it has to be a date such as 2026-01-31") from None


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
