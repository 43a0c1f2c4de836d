"""The night on two Celery workers: shared, the same as on one, and the same when one of them dies.

With `make test-celery ROWS=5000000` it is a measurement too: two workers have to be faster than one.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import embedded
from clustering import Configuration, Registry, Warehouse, migrate
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.appointing import SETTINGS, appoint
from tests.celery.cluster import Cluster, running
from tests.databases import folder_of_servers
from tests.faults.published import Published, assert_as_undisturbed, published
from tests.faults.server import held, session, wait_for, waiting
from tests.projects import Project
from workspace import Workspace

ROWS = int(os.environ.get("CELERY_ROWS", "100000"))
WORTH_A_RATIO = 1_000_000  # below, the start of tasks takes longer than their work
NIGHT = {"shards": 8}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600 if ROWS > WORTH_A_RATIO else 900, method="thread"),
    pytest.mark.skipif(
        shutil.which("redis-server") is None,
        reason="no redis-server in PATH, so nothing was tried with Celery; on Debian: apt-get install redis-server",
    ),
]


@dataclass(frozen=True)
class System:
    """Airflow with workers, and its warehouse."""

    cluster: Cluster
    project: Project


@pytest.fixture(scope="module")
def system(configuration: Configuration) -> Iterator[System]:
    """Run Airflow on a server of its own, with champions of all models."""
    folder = Path(tempfile.mkdtemp(prefix="celery-tests-", dir=folder_of_servers()))
    server = embedded.start(folder / "postgres")
    workspace = Workspace("celery", folder, server, None)
    workspace.ensure()
    warehouse = Warehouse(workspace.warehouse_url)
    project = Project(warehouse, configuration, Registry(warehouse, workspace.store))
    migrate(warehouse, configuration.contract)
    for model in SETTINGS:
        appoint(project, model)
    load_customers(warehouse, configuration.contract, generate_customers(ROWS, seed=2))
    try:
        with running(workspace) as cluster:
            yield System(cluster, project)
    finally:
        server.stop()
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Alone:
    """What the first worker did by itself."""

    seconds: float
    undisturbed: Published


@pytest.fixture(scope="module")
def alone(system: System) -> Alone:
    """Run a night on one worker, and start a second one after it."""
    system.cluster.start_worker("one")
    night = system.cluster.wait(system.cluster.trigger(**NIGHT))
    assert night.machines == ["one"] * 8
    undisturbed = published(system.project)
    assert {model for model, *_ in undisturbed.labels} == {"dbscan", "gmm", "kmeans"}
    system.cluster.start_worker("two")
    return Alone(night.seconds, undisturbed)


def test_two_workers_share_the_night(system: System, alone: Alone, capsys: pytest.CaptureFixture[str]) -> None:
    """Shards run on both workers, and the tables are those of one."""
    night = system.cluster.wait(system.cluster.trigger(**NIGHT))
    assert set(night.machines) == {"one", "two"}
    assert night.tries == [1] * 8
    assert_as_undisturbed(system.project, alone.undisturbed)
    with capsys.disabled():
        print(
            f"\n{ROWS:,} customers in 8 shards: {alone.seconds:.1f} s on one worker, {night.seconds:.1f} s on two, "
            f"{alone.seconds / night.seconds:.2f} times as fast"
        )
    if ROWS >= WORTH_A_RATIO:
        assert night.seconds < alone.seconds


def test_worker_killed_while_it_scores(system: System, alone: Alone) -> None:
    """The other worker scores the dead one's shard again, and the tables are those of an undisturbed night."""
    run = system.cluster.trigger(**NIGHT)
    with session(system.project.warehouse.uri) as cursor:
        wait_for(lambda: _is_planned(cursor))
        with held(system.project.warehouse.uri, "lock table segmentation.run_shards in share mode"):
            wait_for(lambda: len(waiting(cursor)) == 2)
            system.cluster.kill_worker("two")
    night = system.cluster.wait(run)
    assert night.machines == ["one"] * 8
    assert sorted(night.tries) == [1] * 7 + [2]
    assert_as_undisturbed(system.project, alone.undisturbed)


def _is_planned(cursor) -> bool:
    cursor.execute("select from segmentation.scoring_runs where status = 'running'")
    return bool(cursor.rowcount)
