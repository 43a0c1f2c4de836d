"""Airflow's api-server app with three users, in front of a warehouse with champions."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_home import HOME  # before Airflow is imported
from tests.projects import Project

USERS = "admin:admin,user:user,viewer:viewer"

os.environ["AIRFLOW__API_AUTH__JWT_SECRET"] = secrets.token_hex(32)  # a shorter one is warned of


@pytest.fixture(scope="session")
def airflow_app(metadata: None) -> Any:
    """Return the app, made once, since that takes a second: it asks for its users and connections at each request."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", USERS)
        from airflow.api_fastapi.app import create_app, purge_cached_app

        purge_cached_app()
        return create_app()


@pytest.fixture
def airflow(airflow_app: Any, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return a function that logs a user in at Airflow and returns the client; an empty name logs nobody in."""
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS", USERS)
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", project.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(project.registry.store))
    from fastapi.testclient import TestClient

    from segmentation_plugin import _following

    clients = []

    def log_in(user: str) -> TestClient:
        clients.append(TestClient(airflow_app, base_url="http://localhost:8080"))
        if user:
            passwords = json.loads((Path(HOME.name) / "simple_auth_manager_passwords.json.generated").read_text())
            answer = clients[-1].post("/auth/token", json={"username": user, "password": passwords[user]})
            clients[-1].headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return clients[-1]

    _following.cache_clear()
    yield log_in
    for client in clients:
        client.close()
    assert os.environ["AIRFLOW_HOME"] == HOME.name
