"""A scoring task that dies under the real scheduler, with LocalExecutor and tasks in processes of their own."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import pytest

from clustering import Registry, Warehouse, draw_sample, drop_sample, embedded, gate, migrate, train
from clustering.config import PROJECT, Configuration
from clustering.generator import generate_customers
from clustering.loading import load_customers

sys.path.append(str(PROJECT / "tools"))
from client import Client
from components import free_port, running, start_airflow
from workspace import Workspace, airflow_environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600, method="thread")]

NIGHT = {"as_of": "2026-11-22", "shards": 2}
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


@dataclass(frozen=True)
class System:
    """A running Airflow and its warehouse."""

    uri: str
    client: Client
    scheduler: psutil.Process

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        with closing(psycopg2.connect(self.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    def published(self) -> list[list[tuple[Any, ...]]]:
        """Return what people read, apart from the numbers of runs."""
        return [
            self.sql(
                "select as_of, model, customer_id, cluster_label, segment_id, confidence"
                " from segmentation.current_customer_segments order by 2, 3"
            ),
            self.sql(
                "select as_of, model, segment_id, segment_name, customers, share, avg_age, avg_annual_income"
                " from segmentation.current_segments order by 2, 3"
            ),
            self.sql(
                "select customer_id, reason, column_name, value from segmentation.rejected_customers"
                " where run_id in (select run_id from segmentation.current_models) order by 1, 2, 3, 4"
            ),
        ]


@pytest.fixture(scope="module")
def system(configuration: Configuration) -> Iterator[System]:
    """Run Airflow on a server of its own, with a champion of K-Means."""
    folder = Path(tempfile.mkdtemp(prefix="airflow-killed-"))
    server = embedded.start(folder / "postgres")
    workspace = Workspace("killed", folder, server, None)
    workspace.ensure()
    warehouse = Warehouse(workspace.warehouse_url)
    _train(warehouse, configuration, workspace.store)
    port = free_port()
    environment = {**airflow_environment(workspace, port=port, scheduled=False), **QUICK}
    with running(environment, logs=workspace.logs, record=workspace.record) as components:
        components.start("db", "migrate")
        components.finish("db")
        start_airflow(components, port=port, names=("dag-processor",))
        scheduler = psutil.Process(components.start("scheduler", "--skip-serve-logs").pid)
        with Client(port, workspace.home, components.check) as client:
            client.wait_until_ready(("scheduler", "dag-processor"), ("segment_customers",))
            yield System(warehouse.uri, client, scheduler)
    server.stop()
    shutil.rmtree(folder)


@pytest.mark.parametrize("with_supervisor", [False, True], ids=["task", "task and supervisor"])
def test_killed_scoring_task_is_retried_and_the_night_is_the_same(system: System, with_supervisor: bool) -> None:
    """Killed when all is staged but not claimed, the task is tried again; the night is as if nothing had been."""
    run = system.client.trigger("segment_customers", NIGHT)
    system.client.wait_for_run("segment_customers", run, lambda _: None)
    undisturbed = system.published()

    run = system.client.trigger("segment_customers", NIGHT)
    _wait_for(lambda: system.sql("select from segmentation.scoring_runs where status = 'running'"))
    with _nobody_claims_a_shard(system.uri):
        _wait_for(lambda: system.sql("select from pg_locks where not granted"))
        _kill_a_task(system.scheduler, with_supervisor=with_supervisor)
    system.client.wait_for_run("segment_customers", run, lambda _: None)

    tries = [task["try_number"] for task in system.client.tasks("segment_customers", run) if task["task_id"] == "score"]
    assert sorted(tries) == [1, 2]
    assert system.published() == undisturbed
    assert system.sql("select tablename from pg_tables where schemaname = 'segmentation_staging'") == []


def _train(warehouse: Warehouse, configuration: Configuration, store: Path) -> None:
    migrate(warehouse, configuration.contract)
    load_customers(warehouse, configuration.contract, generate_customers(20_000, seed=1))
    registry = Registry(warehouse, store)
    drawn = draw_sample(warehouse, configuration, models=["kmeans"], requested_by="test")
    version = train(warehouse, configuration, registry, model="kmeans", sample=drawn["sample"])
    drop_sample(warehouse, sample=drawn["sample"])
    gate(configuration, registry, model_version_id=version["model_version_id"], decided_by="test")


@contextmanager
def _nobody_claims_a_shard(uri: str) -> Iterator[None]:
    """Hold the manifest, so that attempts stop right before their last statement."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute("lock table segmentation.run_shards in share mode")
        yield


def _kill_a_task(scheduler: psutil.Process, *, with_supervisor: bool) -> None:
    supervisor, task = next((worker, task) for worker in scheduler.children() for task in worker.children())
    if with_supervisor:
        supervisor.kill()
    task.kill()


def _wait_for(found: Callable[[], Any], *, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)
