"""Airflow for the tests: a home and a metadata database of its own, and a warehouse with customers."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from clustering import Registry, draw_sample, drop_sample, gate, train
from clustering.config import PROJECT, Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.warehouse import Warehouse

# Airflow reads these when it is imported, so they are set before any test of this folder is.
HOME = tempfile.TemporaryDirectory(prefix="airflow-tests-")
os.environ.update(
    AIRFLOW_HOME=HOME.name,
    AIRFLOW__CORE__DAGS_FOLDER=str(PROJECT / "dags"),
    AIRFLOW__CORE__LOAD_EXAMPLES="False",
    AIRFLOW__CORE__PLUGINS_FOLDER=str(PROJECT / "plugins"),
    AIRFLOW__CORE__UNIT_TEST_MODE="False",
)

CUSTOMERS = 1_500


@dataclass(frozen=True)
class Outcome:
    """How a DAG run ended."""

    state: str
    tasks: Mapping[str, list[str]]  # states of the instances by task, in the order of their map index


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
        for instance in instances:
            tasks.setdefault(instance.task_id, []).append(str(instance.state))
        return Outcome(str(run.state), tasks)

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with closing(psycopg2.connect(self.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def staged(self) -> list[str]:
        """Return the names of the tables that are left in the staging schema."""
        tables = self.sql("select tablename from pg_tables where schemaname = 'segmentation_staging'")
        return [name for (name,) in tables]


def read_dags() -> Any:
    """Read the project's DAGs, with retries that do not wait."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(PROJECT / "dags")
    for dag in bag.dags.values():
        dag.deadline = None  # Airflow 3.3.2 ends dag.test() of a run with a deadline by an error of its own (#73428)
        for task in dag.tasks:
            task.retry_delay = timedelta(milliseconds=1)
    return bag


@pytest.fixture
def bag() -> Any:
    """Return the project's DAGs, read anew: a run in this process leaves its params in the DAG."""
    return read_dags()


@pytest.fixture(scope="session")
def metadata() -> None:
    """Make Airflow's metadata database."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True, capture_output=True)


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model store of the champion of `trained_database`."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def trained_database(
    postgresql: Any, migrated_template: str, configuration: Configuration, trained_store: Path
) -> Iterator[str]:
    """Return the name of a database with customers, of whom some are dirty, and a champion of K-Means."""
    name = postgresql.create(migrated_template)
    warehouse = Warehouse(postgresql.url(name))
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    registry = Registry(warehouse, trained_store)
    drawn = draw_sample(warehouse, configuration, models=["kmeans"], requested_by="test")
    version = train(warehouse, configuration, registry, model="kmeans", sample=drawn["sample"])
    drop_sample(warehouse, sample=drawn["sample"])
    gate(configuration, registry, model_version_id=version["model_version_id"], decided_by="test")
    yield name
    postgresql.drop(name)


@pytest.fixture
def night(
    warehouse: Warehouse,
    metadata: None,
    bag: Any,
    configuration: Configuration,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Night:
    """Return DAGs on a warehouse with customers, of whom some are dirty, before any training."""
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(tmp_path / "store"))
    return Night(warehouse, bag)


@pytest.fixture
def trained_night(
    create_database: Callable[..., str],
    trained_database: str,
    trained_store: Path,
    metadata: None,
    bag: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Night:
    """Return DAGs on a warehouse with customers and a champion of K-Means."""
    warehouse = Warehouse(create_database(trained_database))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(trained_store))
    return Night(warehouse, bag)
