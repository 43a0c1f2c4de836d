"""The compose stack, run for real: commands, its API, its databases, and a log of what took how long."""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from client import Client
from clustering import Registry, Warehouse, load_configuration
from clustering.config import PROJECT
from components import free_port
from tests.docs.pages import section_commands
from tests.projects import Project

COMPONENTS = ("scheduler", "dag-processor", "triggerer")
DAGS = ("retrain_models", "segment_customers", "cluster_customers")
PASSWORDS = (
    "AIRFLOW_ADMIN_PASSWORD",
    "AIRFLOW_JWT_SECRET",
    "AIRFLOW_SECRET_KEY",
    "METADATA_PASSWORD",
    "REDIS_PASSWORD",
    "WAREHOUSE_PASSWORD",
    "WRITER_PASSWORD",
    "READER_PASSWORD",
)
PATIENCE = 300  # seconds for every container to be healthy
# Only what a test triggers runs.
QUIET = {"services": {"airflow-scheduler": {"environment": {"AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "False"}}}}


def engine() -> bool:
    """Return whether a container engine with Compose answers."""
    if shutil.which("docker") is None:
        return False
    return all(
        subprocess.run(["docker", *words], capture_output=True, check=False).returncode == 0
        for words in (["info"], ["compose", "version"])
    )


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say what is done, and how many seconds it took."""
    started = time.monotonic()
    yield
    print(f"{time.monotonic() - started:8.1f} s  {what}", flush=True)


class Api(Client):
    """Airflow's API, for the user admin of the stack."""

    def __init__(self, port: int, password: str) -> None:
        super().__init__(port, Path("/nowhere"), lambda: None)
        self._password = password

    def password(self) -> str:
        """Return the password of the user admin."""
        return self._password


@dataclass
class Stack:
    """A project of Compose with settings of its own; `folder` holds the compose file."""

    name: str
    settings_file: Path
    settings: Mapping[str, str]
    folder: Path = PROJECT
    overrides: list[Path] = field(default_factory=list)

    def compose(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run `docker compose` on this project; CalledProcessError, with what it said, when it fails."""
        files = [self.folder / "docker-compose.yaml", *self.overrides]
        command = ["docker", "compose", "--project-name", self.name, "--env-file", str(self.settings_file)]
        command += [word for path in files for word in ("--file", str(path))]
        done = subprocess.run(
            [*command, *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if check and done.returncode:
            raise AssertionError(f"docker compose {' '.join(words)}: {done.stderr[-3000:]}{done.stdout[-1000:]}")
        return done

    def run_documented(self, folder: Path, page: str, title: str, block: int) -> None:
        """Run a console block of a section of a document on this project, in a folder."""
        files = [self.folder / "docker-compose.yaml", *self.overrides]
        environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": self.name,
            "COMPOSE_FILE": os.pathsep.join(map(str, files)),
            "COMPOSE_ENV_FILES": str(self.settings_file),
        }
        for command in section_commands(page, title, block):
            words = ["bash", "-c", command]
            done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, (command, done.stderr)

    def up(self, **scale: int) -> None:
        """Start the stack with some number of containers of a service, and wait until all are healthy."""
        scaled = [word for service, count in scale.items() for word in ("--scale", f"{_dashed(service)}={count}")]
        self.compose("up", "--detach", "--quiet-pull", *scaled)
        self.wait_until_healthy()

    def down(self) -> None:
        """Remove the stack with its volumes."""
        self.compose("--profile", "demo", "down", "--volumes", "--remove-orphans", "--timeout", "20")

    def containers(self, service: str = "") -> list[dict[str, Any]]:
        """Return what the engine knows of the running containers, of a service or of all."""
        ids = self.compose("ps", "--quiet", *([service] if service else [])).stdout.split()
        return list(json.loads(docker("inspect", *ids))) if ids else []

    def wait_until_healthy(self) -> None:
        """Wait until every container that runs says that it is healthy, and the API answers."""
        limit = time.monotonic() + PATIENCE
        while sick := [one["Name"] for one in self.containers() if not _is_healthy(one)]:
            assert time.monotonic() < limit, (sick, self.compose("ps", "--all").stdout)
            time.sleep(2)
        with self.api():
            pass

    @contextmanager
    def api(self) -> Iterator[Api]:
        """Return the API, once it knows the DAGs."""
        with Api(int(self.settings["AIRFLOW_LOCAL_PORT"]), self.settings["AIRFLOW_ADMIN_PASSWORD"]) as api:
            api.wait_until_ready(COMPONENTS, DAGS)
            yield api

    def run(self, dag: str, conf: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Run a DAG by the API to its good end, and return its task instances."""
        with self.api() as api:
            return self.wait(api, dag, api.trigger(dag, conf or {}))

    def wait(self, api: Api, dag: str, run: str) -> list[dict[str, Any]]:
        """Wait for the good end of a run, and return its task instances."""
        api.wait_for_run(dag, run, lambda _: None)
        return sorted(api.tasks(dag, run), key=lambda task: (task["task_id"], task["map_index"]))

    def status(self, user: str, method: str, path: str, body: Any = None) -> int:
        """Return the status that a user gets; the name is the password, and without a name nobody is logged in."""
        base = f"http://127.0.0.1:{self.settings['AIRFLOW_LOCAL_PORT']}"
        with httpx.Client(base_url=base, trust_env=False, timeout=60) as client:
            if user:
                password = (
                    self.settings["AIRFLOW_ADMIN_PASSWORD"] if user == "admin" else self.settings["READER_PASSWORD"]
                )
                answer = client.post("/auth/token", json={"username": user, "password": password}).raise_for_status()
                client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
            return client.request(method, path, json=body).status_code

    def url(self, login: str = "segmentation", password: str = "WAREHOUSE_PASSWORD") -> str:  # noqa: S107 (its name)
        """Return the warehouse's URL for a login, by default the owner's."""
        port = self.settings["WAREHOUSE_LOCAL_PORT"]
        return f"postgresql://{login}:{self.settings[password]}@127.0.0.1:{port}/warehouse"

    def project(self) -> Project:
        """Return the warehouse of the stack with the default configuration, for the owner."""
        warehouse = Warehouse(self.url())
        return Project(warehouse, load_configuration(PROJECT / "models"), Registry(warehouse, Path("/nowhere")))


@contextmanager
def stack(folder: Path, **more: str) -> Iterator[Stack]:
    """Prepare a stack with made-up secrets, and remove it with its volumes at the end."""
    name = f"segmentation-test-{secrets.token_hex(4)}"
    settings = {variable: secrets.token_hex(32) for variable in PASSWORDS}
    settings["AIRFLOW_FERNET_KEY"] = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
    settings |= {variable: str(free_port()) for variable in ("AIRFLOW_LOCAL_PORT", "WAREHOUSE_LOCAL_PORT")}
    settings |= {"HEARTBEAT_TIMEOUT": "20", "SEGMENTATION_IMAGE": f"{name}:present", **more}
    images = ("AIRFLOW_IMAGE_NAME", "POSTGRES_IMAGE", "REDIS_IMAGE")
    settings |= {variable: os.environ[variable] for variable in images if variable in os.environ}
    file = folder / "settings.env"
    file.write_text("".join(f"{variable}={value}\n" for variable, value in settings.items()), encoding="utf-8")
    quiet = folder / "quiet.yaml"
    quiet.write_text(json.dumps(QUIET), encoding="utf-8")
    made = Stack(name, file, settings, overrides=[quiet])
    try:
        yield made
    finally:
        made.down()
        docker("image", "rm", "--force", settings["SEGMENTATION_IMAGE"])


def docker(*words: str) -> str:
    """Run `docker` and return what it prints."""
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def _is_healthy(container: Mapping[str, Any]) -> bool:
    state = container["State"]
    return bool(state["Running"]) and state["Health"]["Status"] == "healthy"


def _dashed(service: str) -> str:
    return service.replace("_", "-")
