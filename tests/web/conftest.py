"""The app on a warehouse with three champions."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clustering.settings import TOKEN
from clustering.web import Access, create_app
from clustering.web.security import Caller, token_access
from tests.projects import Project
from tests.web.examples import SECRET, Visit, backend_of


@pytest.fixture
def access(monkeypatch: pytest.MonkeyPatch) -> Access:
    """Return access for whoever has the token."""
    monkeypatch.setenv(TOKEN, SECRET)
    return token_access()


@pytest.fixture
def serve(access: Access) -> Iterator[Callable[[Project], TestClient]]:
    """Return a function that serves a project to a client with the token."""
    clients: list[TestClient] = []

    def serve(project: Project) -> TestClient:
        backend = backend_of(project)
        app = create_app(lambda: backend, access)
        clients.append(TestClient(app, headers={"Authorization": f"Bearer {SECRET}"}))
        return clients[-1]

    yield serve
    for client in clients:
        client.close()


@pytest.fixture(scope="session")
def unchanged_app(unchanged: Project) -> FastAPI:
    """Return the app on a project with three champions and two nights, made once: it keeps nothing of its clients."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN, SECRET)
        backend = backend_of(unchanged)
        return create_app(lambda: backend, token_access())


@pytest.fixture
def api(access: Access, unchanged_app: FastAPI) -> Iterator[TestClient]:
    """Return a client of its own of the app on a project with three champions and two nights."""
    client = TestClient(unchanged_app, headers={"Authorization": f"Bearer {SECRET}"})
    yield client
    client.close()


@pytest.fixture
def visit(monkeypatch: pytest.MonkeyPatch) -> Iterator[Visit]:
    """Return a function that opens the page's app on a project for somebody."""
    clients: list[TestClient] = []

    def open_for(project: Project, *, may_change: bool = True) -> TestClient:
        monkeypatch.setenv("CLUSTERING_STORE", str(project.registry.store))
        backend = backend_of(project)
        access = Access(reads=_anybody, customers=_anybody, caller=lambda: Caller("Ada", may_change=may_change))
        clients.append(TestClient(create_app(lambda: backend, access)))
        return clients[-1]

    yield open_for
    for client in clients:
        client.close()


def _anybody() -> None:
    """Let everybody through."""
