"""What the tools ask Airflow's REST API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from progress import describe

POLL = 0.5  # seconds
PATIENCE = 60.0  # seconds in which an api-server under load may answer late or with an error
USER = "admin"


@dataclass(frozen=True)
class RunState:
    """How far a DAG run is."""

    state: str
    tasks: Sequence[Mapping[str, Any]]

    def describe(self) -> str:
        """Return what is being done and how much is as a phrase."""
        return describe(self.tasks)


class RunFailedError(Exception):
    """A DAG run has failed; the message holds the failing task's own error and where its log is."""


class Client:
    """An api-server on 127.0.0.1; `check` raises when a process behind it has ended."""

    def __init__(self, port: int, home: Path, check: Callable[[], None]) -> None:
        self._check = check
        self._home = home
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def password(self) -> str:
        """Return the password that Airflow has made for the user admin."""
        file = self._home / "simple_auth_manager_passwords.json.generated"
        return str(json.loads(file.read_text())[USER])

    def wait_until_ready(
        self,
        components: Sequence[str],
        dags: Sequence[str],
        *,
        seconds: float = 120,
        show: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Wait until the components are healthy and the DAGs are known, showing what is waited for."""
        show("waiting for the api-server")
        self._wait(self._answers, "the api-server to answer", seconds)
        self._warm_up(seconds)
        show(f"waiting for {' and '.join(components)}")
        self._wait(lambda: self._healthy(components), "the components to be healthy", seconds)
        show("reading the DAGs")
        answer = self.http.post("/auth/token", json={"username": USER, "password": self.password()}).raise_for_status()
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        self._wait(lambda: all(self._knows(dag) for dag in dags), "the DAGs to be read", seconds)

    def trigger(self, dag: str, conf: Mapping[str, Any]) -> str:
        """Unpause a DAG, start a run of it and return the run's id."""
        self.http.patch(f"/api/v2/dags/{dag}", json={"is_paused": False}).raise_for_status()
        answer = self.http.post(f"/api/v2/dags/{dag}/dagRuns", json={"logical_date": None, "conf": dict(conf)})
        return str(answer.raise_for_status().json()["dag_run_id"])

    def run_state(self, dag: str, run: str) -> RunState:
        """Return how far a run is."""
        tasks = self.tasks(dag, run)
        return RunState(str(self._get(f"/api/v2/dags/{dag}/dagRuns/{run}")["state"]), tasks)

    def tasks(self, dag: str, run: str) -> list[dict[str, Any]]:
        """Return the task instances of a run."""
        return list(self._get(f"/api/v2/dags/{dag}/dagRuns/{run}/taskInstances?limit=1000")["task_instances"])

    def wait_for_run(self, dag: str, run: str, show: Callable[[RunState], None]) -> None:
        """Wait for a run to end, showing how far it is; RunFailedError when it does not end well."""
        while (now := self.run_state(dag, run)).state not in ("success", "failed"):
            show(now)
            self._check()
            time.sleep(POLL)
        if now.state == "failed":
            raise RunFailedError(self._why_failed(dag, run))

    def _why_failed(self, dag: str, run: str) -> str:
        failed = [task for task in self.tasks(dag, run) if task["state"] == "failed"]
        if not failed:
            return f"{dag}: the run {run} failed without a failed task"
        lines = []
        for task in failed:
            log = self._task_log(task)
            lines.append(f"{dag}, task {_title(task)}: {error_line(log)}\n  Its log: {log}")
        return "\n".join(lines)

    def _task_log(self, task: Mapping[str, Any]) -> Path:
        mapped = [f"map_index={task['map_index']}"] if task["map_index"] >= 0 else []
        parts = [f"dag_id={task['dag_id']}", f"run_id={task['dag_run_id']}", f"task_id={task['task_id']}", *mapped]
        return (self._home.parent / "logs").joinpath(*parts, f"attempt={task['try_number']}.log")

    def _answers(self) -> bool:
        with suppress(httpx.HTTPError):
            return self.http.get("/api/v2/version").is_success
        return False

    def _warm_up(self, seconds: float) -> None:
        """Let the api-server make what it answers tasks with, else it would while the first of them waits."""
        with suppress(httpx.HTTPError):
            self.http.get("/execution/health", timeout=seconds)

    def _healthy(self, components: Sequence[str]) -> bool:
        try:
            health = self.http.get("/api/v2/monitor/health").raise_for_status().json()
        except httpx.HTTPError:
            return False
        return all(health[name.replace("-", "_")]["status"] == "healthy" for name in components)

    def _knows(self, dag: str) -> bool:
        if broken := self._get("/api/v2/importErrors")["import_errors"]:
            raise RunFailedError("\n".join(f"{error['filename']}: {error['stack_trace']}" for error in broken))
        return self.http.get(f"/api/v2/dags/{dag}").status_code == httpx.codes.OK

    def _get(self, path: str) -> dict[str, Any]:
        limit = time.monotonic() + PATIENCE
        while True:
            try:
                return dict(self.http.get(path).raise_for_status().json())
            except (httpx.TransportError, httpx.HTTPStatusError) as error:
                self._check()
                if time.monotonic() > limit or not _may_pass(error):
                    log = self._home.parent / "logs" / "api-server.log"
                    raise RunFailedError(f"the api-server does not answer: {error}; see {log}") from error
                time.sleep(POLL)

    def _wait(self, happened: Callable[[], bool], what: str, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while not self._happened(happened):
            self._check()
            if time.monotonic() > limit:
                raise RunFailedError(f"waited {seconds:.0f} s for {what}; see {self._home.parent / 'logs'}")
            time.sleep(POLL)

    @staticmethod
    def _happened(happened: Callable[[], bool]) -> bool:
        """Ask once; an answer that does not come says nothing."""
        with suppress(httpx.TransportError):
            return happened()
        return False


def _may_pass(error: httpx.TransportError | httpx.HTTPStatusError) -> bool:
    """Return whether the same question may be answered a moment later."""
    return isinstance(error, httpx.TransportError) or error.response.is_server_error


def error_line(log: Path) -> str:
    """Return the last error of a task's log as `Type: message`."""
    for line in reversed(log.read_text(errors="replace").splitlines() if log.exists() else []):
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if details := entry.get("error_detail"):
            return f"{details[-1]['exc_type']}: {details[-1]['exc_value']}"
        if entry.get("level") in ("error", "critical"):
            return str(entry["event"])
    return "it wrote no error"


def _title(task: Mapping[str, Any]) -> str:
    name = task.get("rendered_map_index") or (task["map_index"] if task["map_index"] >= 0 else None)
    return f"{task['task_id']} [{name}]" if name is not None else str(task["task_id"])
