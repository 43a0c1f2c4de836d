"""What the tests send to the app, and the backend that they send it to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.testclient import TestClient

from clustering.web import Backend
from clustering.web.champion_changes import Champions
from tests.projects import Project

Visit = Callable[..., TestClient]

SECRET = "a long random text"  # noqa: S105 (of the tests alone)

REQUEST: dict[str, Any] = {
    "model_of_choice": "KMeans",
    "data": [
        {"customer_id": 1, "age": 25, "gender": "Male", "annual_income": 50000, "spending_score": 70},
        {"customer_id": 2, "age": 41, "gender": "Female", "annual_income": 86500, "spending_score": 82},
    ],
}


def backend_of(project: Project, *, seconds: float = 0) -> Backend:
    """Return the backend on a project; it asks for the champions every time unless told otherwise."""
    champions = Champions(project.configuration, project.registry, seconds=seconds)
    return Backend(project.warehouse, project.configuration, champions)


def changed(**row: Any) -> dict[str, Any]:
    """Return the request with another first row."""
    first, *others = REQUEST["data"]
    return {**REQUEST, "data": [{**first, **row}, *others]}
