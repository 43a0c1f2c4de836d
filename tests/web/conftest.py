"""The app on a warehouse with three champions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clustering import Configuration, Registry, Warehouse
from clustering.settings import TOKEN
from clustering.web import Access, Backend, create_app
from clustering.web.champion_changes import Champions
from clustering.web.security import token_access
from tests.appointing import appointed_template, project  # noqa: F401 (fixtures)
from tests.clustering.scoring.conftest import Project, untrained  # noqa: F401 (a fixture)

SECRET = "a long random text"  # noqa: S105 (of the tests alone)

REQUEST: dict[str, Any] = {
    "model_of_choice": "KMeans",
    "data": [
        {"customer_id": 1, "age": 25, "gender": "Male", "annual_income": 50000, "spending_score": 70},
        {"customer_id": 2, "age": 41, "gender": "Female", "annual_income": 86500, "spending_score": 82},
    ],
}


def backend_of(project: Project, *, seconds: float = 0) -> Backend:  # noqa: F811
    """Return the backend on a project; it asks for the champions every time unless told otherwise."""
    champions = Champions(project.configuration, project.registry, seconds=seconds)
    return Backend(project.warehouse, project.configuration, champions)


def changed(**row: Any) -> dict[str, Any]:
    """Return the request with another first row."""
    first, *others = REQUEST["data"]
    return {**REQUEST, "data": [{**first, **row}, *others]}


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch) -> Access:
    """Return access for whoever has the token."""
    monkeypatch.setenv(TOKEN, SECRET)
    return token_access()


@pytest.fixture
def serve(access: Access) -> Iterator[Callable[[Project], TestClient]]:
    """Return a function that serves a project to a client with the token."""
    clients: list[TestClient] = []

    def serve(project: Project) -> TestClient:  # noqa: F811
        backend = backend_of(project)
        app = create_app(lambda: backend, access)
        clients.append(TestClient(app, headers={"Authorization": f"Bearer {SECRET}"}))
        return clients[-1]

    yield serve
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def unchanged(postgresql: Any, appointed_template: tuple[str, Path], configuration: Configuration) -> Iterator[Project]:  # noqa: F811
    """Return a project that all tests of the session share, so that none of them may change it."""
    template, store = appointed_template
    name = postgresql.create(template)
    warehouse = Warehouse(postgresql.url(name))
    shared = Project(warehouse, configuration, Registry(warehouse, store))
    shared.night("2026-11-21")
    shared.night("2026-11-22")
    yield shared
    postgresql.drop(name)


@pytest.fixture
def api(serve: Callable[[Project], TestClient], unchanged: Project) -> TestClient:
    """Return a client of the app on a project with three champions and two nights."""
    return serve(unchanged)
