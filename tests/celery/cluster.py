"""Airflow with CeleryExecutor: a real Redis, and workers with homes of their own that share the model store."""

from __future__ import annotations

import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
from cryptography.fernet import Fernet

from client import Client
from clustering.config import PROJECT
from components import Components, free_port, start_airflow
from components import running as running_components
from tests.celery.names import VARIABLE
from workspace import Workspace, airflow_environment

DAG = "segment_customers"
QUICK = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False",
}


@dataclass(frozen=True)
class Night:
    """How a DAG run went: the machine and the tries of each scored shard, and how long the scoring took."""

    machines: list[str]
    tries: list[int]
    seconds: float


@dataclass
class Cluster:
    """A scheduler and its workers."""

    client: Client
    folder: Path
    environment: Mapping[str, str]
    workers: dict[str, Components] = field(default_factory=dict)
    processes: dict[str, psutil.Process] = field(default_factory=dict)

    def start_worker(self, name: str) -> None:
        """Start a worker that does one task at a time, as on a machine of its own."""
        home = self.folder / name
        home.mkdir(exist_ok=True)
        environment = {**self.environment, "AIRFLOW_HOME": str(home), VARIABLE: name}
        self.workers[name] = Components(environment, logs=home, record=home / "processes.json")
        started = self.workers[name].start(
            "celery", "worker", "--concurrency", "1", "--skip-serve-logs", "--celery-hostname", name
        )
        self.processes[name] = psutil.Process(started.pid)
        self._wait_until_ready(name)

    def stop_worker(self, name: str) -> None:
        """End a worker as an administrator does."""
        self.processes.pop(name)
        self.workers.pop(name).stop()

    def kill_worker(self, name: str) -> None:
        """Kill a worker with all of its processes, as when its machine loses power."""
        worker = self.processes[name]
        members = [*worker.children(recursive=True), worker]
        for process in members:
            process.kill()
        psutil.wait_procs(members, timeout=10)
        self.stop_worker(name)

    def trigger(self, **conf: Any) -> str:
        """Start a night and return its run's id."""
        return self.client.trigger(DAG, conf)

    def wait(self, run: str) -> Night:
        """Wait for a night to end well and return how it went."""
        self.client.wait_for_run(DAG, run, lambda _: self._check_workers())
        tasks = sorted(
            (task for task in self.client.tasks(DAG, run) if task["task_id"] == "score"),
            key=lambda task: task["map_index"],
        )
        starts, ends = ([datetime.fromisoformat(task[f"{end}_date"]) for task in tasks] for end in ("start", "end"))
        return Night(
            [task["hostname"] for task in tasks],
            [task["try_number"] for task in tasks],
            (max(ends) - min(starts)).total_seconds(),
        )

    def _check_workers(self) -> None:
        for worker in self.workers.values():
            worker.check()

    def _wait_until_ready(self, name: str) -> None:
        limit = time.monotonic() + 120
        while f"{name} ready." not in self.workers[name].log("celery").read_text(errors="replace"):
            self._check_workers()
            assert time.monotonic() < limit, f"the worker {name} did not start"
            time.sleep(0.2)


@contextmanager
def running(workspace: Workspace) -> Iterator[Cluster]:
    """Run Redis, and Airflow without a worker so far."""
    with _redis(workspace.folder / "redis") as broker:
        port = free_port()
        environment = _environment(workspace, broker, port=port)
        with running_components(environment, logs=workspace.logs, record=workspace.record) as components:
            components.start("db", "migrate")
            components.finish("db")
            start_airflow(components, port=port, names=("scheduler", "dag-processor"))
            with Client(port, workspace.home, components.check) as client:
                cluster = Cluster(client, workspace.folder, environment)
                try:
                    client.wait_until_ready(("scheduler", "dag-processor"), (DAG,))
                    yield cluster
                finally:
                    for name in list(cluster.workers):
                        cluster.stop_worker(name)


def _environment(workspace: Workspace, broker: str, *, port: int) -> dict[str, str]:
    base = airflow_environment(workspace, port=port)
    return {
        **base,
        **QUICK,
        "AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_hex(32),
        "AIRFLOW__CELERY__BROKER_URL": broker,
        "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{base['AIRFLOW__DATABASE__SQL_ALCHEMY_CONN']}",
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CORE__FERNET_KEY": Fernet.generate_key().decode(),
        "AIRFLOW__CORE__HOSTNAME_CALLABLE": "tests.celery.names.machine",
        "PYTHONPATH": str(PROJECT),
    }


@contextmanager
def _redis(folder: Path) -> Iterator[str]:
    """Run a Redis that only this machine reaches, and yield its URL."""
    folder.mkdir()
    port, password = free_port(), secrets.token_hex(16)
    settings = folder / "redis.conf"
    settings.write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\ndir "{folder}"\nsave ""\nappendonly no\nlogfile log\n'
    )
    server = subprocess.Popen([str(shutil.which("redis-server")), str(settings)], start_new_session=True)
    try:
        yield f"redis://:{password}@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=30)
