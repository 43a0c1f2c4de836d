"""A project on a server that may be broken, and what an undisturbed night publishes there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from clustering import Configuration, Registry, Warehouse, migrate
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.warehouse import bulk
from tests.appointing import SETTINGS, appoint
from tests.databases import folder_of_servers
from tests.faults.processes import BATCH_BYTES
from tests.faults.published import TODAY, YESTERDAY, Published, published
from tests.faults.server import FragileServer
from tests.projects import Project

CUSTOMERS = 60_000


@dataclass(frozen=True)
class Template:
    """A database with champions, customers and yesterday's result, to be copied for each test."""

    database: str
    store: Path


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read in many batches, as larger tables are."""
    monkeypatch.setattr(bulk, "BATCH_BYTES", BATCH_BYTES)


@pytest.fixture(scope="session")
def server() -> Iterator[FragileServer]:
    """Run a server of its own, whatever the environment names, because it gets crashed."""
    directory = Path(tempfile.mkdtemp(prefix="clustering-faults-", dir=folder_of_servers()))
    fragile = FragileServer(directory)
    yield fragile
    fragile.stop()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def template(server: FragileServer, configuration: Configuration, tmp_path_factory: pytest.TempPathFactory) -> Template:
    """Return the template."""
    made = Template(server.create(), tmp_path_factory.mktemp("store"))
    warehouse = Warehouse(server.url(made.database))
    migrate(warehouse, configuration.contract)
    project = Project(warehouse, configuration, Registry(warehouse, made.store))
    for model in SETTINGS:
        appoint(project, model)
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=2))
    project.night(YESTERDAY)
    return made


@pytest.fixture
def open_copy(
    server: FragileServer, template: Template, configuration: Configuration
) -> Iterator[Callable[[], Project]]:
    """Return a function that opens a copy of the template, dropped after the test."""
    names: list[str] = []

    def copy() -> Project:
        names.append(server.create(template.database))
        warehouse = Warehouse(server.url(names[-1]))
        return Project(warehouse, configuration, Registry(warehouse, template.store))

    yield copy
    for name in names:
        server.drop(name)


@pytest.fixture
def project(open_copy: Callable[[], Project]) -> Project:
    """Return a project where yesterday is published."""
    return open_copy()


@pytest.fixture(scope="session")
def yesterday(template: Template, server: FragileServer, configuration: Configuration) -> Published:
    """Return what is published before today's run."""
    warehouse = Warehouse(server.url(template.database))
    return published(Project(warehouse, configuration, Registry(warehouse, template.store)))


@pytest.fixture(scope="session")
def undisturbed(template: Template, server: FragileServer, configuration: Configuration) -> Published:
    """Return what today's run publishes when nothing disturbs it."""
    name = server.create(template.database)
    warehouse = Warehouse(server.url(name))
    project = Project(warehouse, configuration, Registry(warehouse, template.store))
    project.night(TODAY, shards=1)
    result = published(project)
    server.drop(name)
    return result
