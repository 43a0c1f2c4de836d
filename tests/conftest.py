"""Fixtures that need a warehouse: a real PostgreSQL, embedded unless `WAREHOUSE_URL` names one."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from hypothesis import settings

import embedded
from clustering.config import Configuration, load_configuration
from clustering.training import evaluation as evaluation
from clustering.warehouse import Warehouse, bulk, connection, migrate
from tests.databases import KeptConnections, KnownTypes, Server, folder_of_servers
from tests.paths import CONFIGURATION

pytest_plugins = [
    f"tests.fixtures.{name}"
    for name in ("airflow", "categories", "command_line", "logins", "object_stores", "projects", "shops", "spark")
]

# The same examples each time: what a search at random finds is mended when it is looked for, by `make soak`.
settings.register_profile("fixed", derandomize=True, deadline=None)
settings.register_profile("search", print_blob=True, deadline=None)
settings.load_profile("fixed")

os.environ["CLUSTERING_CONFIG"] = str(CONFIGURATION)  # for the processes that tests start, too


WHOLE = {name: getattr(evaluation, name) for name in ("SPLITS", "FINAL_BOOTSTRAPS", "BOOTSTRAPS", "REFERENCES")}
FEW = {"SPLITS": (2, 2), "FINAL_BOOTSTRAPS": 8, "BOOTSTRAPS": (4, 4), "REFERENCES": (12, 8)}
FEWER: dict[str, dict[str, Any]] = {
    "kmeans": {"clusters": (4, 6), "n_init": 10},
    "gmm": {"components": (4, 6), "covariance_types": ("full",), "n_init": 3},
    "dbscan": {},
}


def pytest_collection_finish() -> None:
    """Leave what thousands of tests are made of out of every later collection of garbage: it stays to the end."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def configuration() -> Configuration:
    """Return the configuration of the tests, with fewer candidates, so that a training takes a second."""
    whole = load_configuration(CONFIGURATION)
    models = {name: spec.model_copy(update=FEWER[name]) for name, spec in whole.models.items()}
    return whole.model_copy(update={"models": models})


@pytest.fixture(autouse=True, scope="session")
def few_replicates() -> Iterator[None]:
    """Let the criteria ask for little evidence, where it is not itself what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        for name, count in FEW.items():
            patch.setattr(evaluation, name, count)
        yield


@pytest.fixture(autouse=True, scope="session")
def kept_connections() -> Iterator[None]:
    """Let a warehouse keep its connections in this process, and types; processes that tests start do not."""
    types = KnownTypes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connection, "NullPool", KeptConnections)
        patch.setattr(bulk, "dbapi", types)
        yield
    types.close()


@pytest.fixture(scope="module")
def whole_evaluation() -> Iterator[None]:
    """Let the criteria ask for all the evidence that they ask for at work."""
    with pytest.MonkeyPatch.context() as patch:
        for name, count in WHOLE.items():
            patch.setattr(evaluation, name, count)
        yield


@pytest.fixture(scope="session")
def postgresql(configuration: Configuration) -> Iterator[Server]:
    """Run a server for the session; databases of a real one are dropped, the embedded one is removed."""
    if real := os.environ.get("WAREHOUSE_URL"):
        uri = Warehouse(real).uri
        yield Server(lambda database: urlunsplit(urlsplit(uri)._replace(path=f"/{database}")))
        return
    directory = Path(tempfile.mkdtemp(prefix="clustering-tests-", dir=folder_of_servers()))
    server = embedded.start(directory)
    databases = Server(server.url)
    databases.wait_for_no_disk()
    yield databases
    server.stop()
    shutil.rmtree(directory)


@pytest.fixture(scope="session")
def migrated_template(postgresql: Server, configuration: Configuration) -> Iterator[str]:
    """Return the name of a migrated database to copy."""
    name = postgresql.create()
    migrate(Warehouse(postgresql.url(name)), configuration.contract)
    yield name
    postgresql.drop(name)


@pytest.fixture
def create_database(postgresql: Server) -> Iterator[Callable[..., str]]:
    """Return a function that creates an empty database and returns its URL; dropped after the test."""
    names: list[str] = []

    def create(template: str = "template1") -> str:
        names.append(postgresql.create(template))
        return postgresql.url(names[-1])

    yield create
    for name in names:
        postgresql.drop(name)


@pytest.fixture
def empty_warehouse(create_database: Callable[..., str]) -> Warehouse:
    """Return a warehouse without the schema."""
    return Warehouse(create_database())


@pytest.fixture
def warehouse(create_database: Callable[..., str], migrated_template: str) -> Warehouse:
    """Return a freshly migrated warehouse for the default contract."""
    return Warehouse(create_database(migrated_template))
