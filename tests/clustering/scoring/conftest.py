"""A small project whose history is easy to follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from clustering import Configuration
from tests.clustering.scoring.histories import place
from tests.projects import Project


@pytest.fixture(scope="session")
def small_once(copy_for_session: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with 40 customers at five places, and a champion of K-Means; not to be changed."""
    whole = appointed_once.configuration
    some = {
        "models": {"kmeans": whole.models["kmeans"]},
        "contract": whole.contract.model_copy(update={"max_rejected_share": 0.9}),
    }
    project = replace(copy_for_session(appointed_once), configuration=whole.model_copy(update=some))
    project.sql("truncate customers")
    for customer in range(1, 41):
        place(project, customer, customer % 5)
    return project


@pytest.fixture
def project(copy_project: Callable[[Project], Project], small_once: Project) -> Project:
    """Return a copy of the small project."""
    return copy_project(small_once)


@pytest.fixture
def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let dates be published that are still to come, as a machine does whose clock is wrong."""
    monkeypatch.setattr("clustering.scoring.plan.require_begun", lambda *_, **__: None)


@pytest.fixture
def both(project: Project, configuration: Configuration) -> Project:
    """Return the small project with two models."""
    models = {name: configuration.models[name] for name in ("gmm", "kmeans")}
    return replace(project, configuration=project.configuration.model_copy(update={"models": models}))
