"""The project's DAGs, run in this process on a warehouse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import psycopg2

from clustering import Warehouse
from clustering.config import PROJECT

RETURNED, LINK = "return_value", "_link_SegmentsLink"


@dataclass(frozen=True)
class Outcome:
    """How a DAG run ended."""

    state: str
    tasks: Mapping[str, list[str]]  # states of the instances by task, in the order of their map index
    tries: Mapping[str, list[int]]  # how often each was tried
    results: Mapping[str, Any]  # what those that are not mapped returned
    links: Mapping[str, str]  # where their links to the Segments page lead


@dataclass(frozen=True)
class Night:
    """Runs DAGs on a warehouse, and reads what came out."""

    warehouse: Warehouse
    bag: Any

    def run(self, dag: str, **conf: Any) -> Outcome:
        """Run a DAG to its end."""
        run = self.bag.dags[dag].test(run_conf=conf)
        instances = sorted(run.get_task_instances(), key=lambda instance: instance.map_index)
        tasks: dict[str, list[str]] = {}
        tries: dict[str, list[int]] = {}
        for instance in instances:
            tasks.setdefault(instance.task_id, []).append(str(instance.state))
            tries.setdefault(instance.task_id, []).append(instance.try_number)
        single = [one for one in instances if one.map_index < 0]
        left = {key: {one.task_id: one.xcom_pull(key=key) for one in single} for key in (RETURNED, LINK)}
        return Outcome(str(run.state), tasks, tries, left[RETURNED], left[LINK])

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with closing(psycopg2.connect(self.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def staged(self) -> list[str]:
        """Return the names of the tables that are left in the staging schema."""
        tables = self.sql("select tablename from pg_tables where schemaname = 'segmentation_staging'")
        return [name for (name,) in tables]


def bundles() -> str:
    """Return a setting that makes each DAG a bundle of its own: a run in this process reads all of its bundle."""
    local = "airflow.dag_processing.bundles.local.LocalDagBundle"
    files = [path for path in (PROJECT / "dags").glob("*.py") if not path.stem.startswith("segmentation_")]
    return json.dumps([{"name": one.stem, "classpath": local, "kwargs": {"path": str(one)}} for one in files])


@contextmanager
def params_restored(bag: Any) -> Iterator[None]:
    """Give the params of DAGs their defaults back at the end: a run in this process leaves its own there."""
    owners = [owner for dag in bag.dags.values() for owner in (dag, *dag.tasks)]
    params = [owner.params.get_param(name) for owner in owners for name in owner.params]
    values = [param.value for param in params]
    try:
        yield
    finally:
        for param, value in zip(params, values, strict=True):
            param.value = value


def read_dags() -> Any:
    """Read the project's DAGs, with retries that do not wait."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(PROJECT / "dags")
    for dag in bag.dags.values():
        dag.deadline = None  # Airflow 3.3.2 ends dag.test() of a run with a deadline by an error of its own (#73428)
        for task in dag.tasks:
            task.retry_delay = timedelta(milliseconds=1)
    return bag
