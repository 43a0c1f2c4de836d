"""What the DAGs share: the connection, parameters, and how a task opens what it works on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from airflow.sdk import Connection, Param
from airflow.sdk.exceptions import AirflowNotFoundException, AirflowSkipException

import clustering
from clustering.config import configuration_directory, model_names, model_store
from clustering.errors import ConfigurationError, refuse_misspelt, refuse_unknown
from clustering.settings import compute_in_one_thread
from segmentation_assets import DRIFT
from segmentation_days import FORM

log = logging.getLogger(__name__)

ADVANCED = "Advanced"  # the section of a form that most people leave closed


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
        registry = clustering.Registry(warehouse, model_store(), connections=connection_if_there)
        yield Session(warehouse, clustering.load_configuration(), registry)
    finally:
        warehouse.dispose()


def warehouse_url() -> str:
    """Return the URL that Airflow's connection `warehouse` stands for, password included.

    Raises ConfigurationError when there is no such connection or it is not one of PostgreSQL.
    """
    from clustering.warehouse.urls import CONNECTION, url_of_connection  # needed by tasks, not while DAGs are read

    return url_of_connection(connection_if_there(CONNECTION))


def connection_if_there(name: str) -> Any:
    """Return Airflow's connection of this id, None where there is none."""
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        return None


def destination(name: str) -> Any:
    """Return Airflow's connection to a destination of `exports.yaml`.

    Raises ConfigurationError when there is none.
    """
    try:
        return Connection.get(name)
    except AirflowNotFoundException:
        raise ConfigurationError(
            f"Airflow has no connection {name!r}, a destination of exports.yaml; add it under Admin, Connections, or "
            f"set AIRFLOW_CONN_{name.upper()}"
        ) from None


def person(dag_run: Any) -> str:
    """Return who started the run, for the records."""
    return f"{dag_run.triggering_user_name or 'somebody'} ({dag_run.dag_id} {dag_run.run_id})"


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


def warn_of_logical_date(dag_run: Any) -> None:
    """Say that a day which somebody has picked means nothing to a DAG that works on what is there now."""
    if dag_run.run_type == "manual" and dag_run.logical_date and dag_run.run_after - dag_run.logical_date > FORM:
        log.warning("the logical date, %s, means nothing here: the customers of now are taken", dag_run.logical_date)


def documentation(text: str, page: str) -> str:
    """Return a DAG's documentation, with a link to the Segments page and the name of a page of `docs/`.

    Lines within a paragraph are joined: Airflow's dialog would break them where they break here.
    """
    from segmentation_notifier import airflow_address

    paragraphs = [" ".join(one.split()) for one in text.strip().split("\n\n")]
    links = f"What holds now is on the [Segments page]({airflow_address()}/plugin/segments); more is in `docs/{page}`."
    return "\n\n".join([*paragraphs, links])


def named_models() -> list[str]:
    """Return the configured models.

    Raises ConfigurationError when none is configured.
    """
    names = model_names()
    if not names:
        raise ConfigurationError(f"{configuration_directory()}: no model is configured; add a file such as kmeans.yaml")
    return names


def models_param() -> Param:
    """Return the parameter that chooses among the configured models."""
    names = named_models()
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
            refuse_misspelt(event.extra or {}, "models", what=f"part of an event of the asset {DRIFT.name}")
        log.info("an event of the asset %s names no model: all of them are trained", DRIFT.name)
        return []
    drifted = {model for models in named for model in models}
    if not (configured := drifted & set(model_names())):
        told = ", ".join(sorted(map(str, drifted)))
        raise AirflowSkipException(f"nothing is trained: drift was told of {told}, and no such model is configured")
    return sorted(configured)
