"""A whole Airflow with the real scheduler, and tasks in processes of their own, on a server of its own."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql

import embedded
from client import Client
from clustering import Registry, Warehouse, migrate
from clustering.config import Configuration
from components import Components, free_port, running, start_airflow
from tests.databases import folder_of_servers
from tests.projects import Project
from workspace import Workspace, airflow_environment


@dataclass(frozen=True)
class System:
    """A running Airflow and its warehouse."""

    project: Project
    client: Client
    components: Components
    scheduler: psutil.Process

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.project.sql(statement)

    def published(self) -> list[list[tuple[Any, ...]]]:
        """Return what people read, apart from the numbers of runs."""
        return [
            self.project.labels(),
            self.project.segments(),
            self.sql(
                "select customer_id, reason, column_name, value from segmentation.rejected_customers"
                " where run_id in (select run_id from segmentation.current_models) order by 1, 2, 3, 4"
            ),
        ]


@contextmanager
def airflow_system(
    configuration: Configuration, prepare: Callable[[Project], None], settings: Mapping[str, str]
) -> Iterator[System]:
    """Run Airflow, without its schedules, on a migrated warehouse that was prepared, with settings of its own."""
    folder = Path(tempfile.mkdtemp(prefix="airflow-system-", dir=folder_of_servers()))
    server = embedded.start(folder / "postgres")
    workspace = Workspace("system", folder, server, None)
    workspace.ensure()
    warehouse = Warehouse(workspace.warehouse_url)
    project = Project(warehouse, configuration, Registry(warehouse, workspace.store))
    migrate(warehouse, configuration.contract)
    prepare(project)
    port = free_port()
    environment = {**airflow_environment(workspace, port=port, scheduled=False), **settings}
    with running(environment, logs=workspace.logs, record=workspace.record) as components:
        components.start("db", "migrate")
        components.finish("db")
        start_airflow(components, port=port, names=("dag-processor",))
        scheduler = psutil.Process(components.start("scheduler", "--skip-serve-logs").pid)
        with Client(port, workspace.home, components.check) as client:
            client.wait_until_ready(("scheduler", "dag-processor"), ("segment_customers",))
            yield System(project, client, components, scheduler)
    server.stop()
    shutil.rmtree(folder)


@contextmanager
def nobody_writes(uri: str, table: str) -> Iterator[None]:
    """Hold a table of the schema, so that whoever comes to write it waits."""
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("lock table {} in share mode").format(sql.Identifier("segmentation", table)))
        yield


def wait_for(found: Callable[[], Any], *, seconds: float = 60) -> None:
    """Wait until something is found; fail when it is not."""
    limit = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.05)
