"""A scoring task that dies under the real scheduler, with LocalExecutor and tasks in processes of their own."""

from __future__ import annotations

from collections.abc import Iterator

import psutil
import pytest

from clustering import draw_sample, drop_sample, gate, train
from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.dags.system import System, airflow_system, nobody_writes, wait_for
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600, method="thread")]

NIGHT = {"shards": 2}
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
}


@pytest.fixture(scope="module")
def system(configuration: Configuration) -> Iterator[System]:
    """Run Airflow on a server of its own, with a champion of K-Means."""
    with airflow_system(configuration, _train, QUICK) as system:
        yield system


@pytest.mark.parametrize("with_supervisor", [False, True], ids=["task", "task and supervisor"])
def test_killed_scoring_task_is_retried_and_the_night_is_the_same(system: System, with_supervisor: bool) -> None:
    """Killed when all is staged but not claimed, the task is tried again; the night is as if nothing had been."""
    run = system.client.trigger("segment_customers", NIGHT)
    system.client.wait_for_run("segment_customers", run, lambda _: None)
    undisturbed = system.published()

    run = system.client.trigger("segment_customers", NIGHT)
    wait_for(lambda: system.sql("select 1 from segmentation.scoring_runs where status = 'running'"))
    with nobody_writes(system.project.warehouse.uri, "run_shards"):
        wait_for(lambda: system.sql("select 1 from pg_locks where not granted"))
        _kill_a_task(system.scheduler, with_supervisor=with_supervisor)
    system.client.wait_for_run("segment_customers", run, lambda _: None)

    tries = [task["try_number"] for task in system.client.tasks("segment_customers", run) if task["task_id"] == "score"]
    assert sorted(tries) == [1, 2]
    assert system.published() == undisturbed
    assert system.sql("select tablename from pg_tables where schemaname = 'segmentation_staging'") == []


def _train(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(20_000, seed=1))
    drawn = draw_sample(project.warehouse, project.configuration, models=["kmeans"], requested_by="test")
    version = train(project.warehouse, project.configuration, project.registry, model="kmeans", sample=drawn["sample"])
    drop_sample(project.warehouse, sample=drawn["sample"])
    gate(project.configuration, project.registry, model_version_id=version["model_version_id"], decided_by="test")


def _kill_a_task(scheduler: psutil.Process, *, with_supervisor: bool) -> None:
    supervisor, task = next((worker, task) for worker in scheduler.children() for task in worker.children())
    if with_supervisor:
        supervisor.kill()
    task.kill()
