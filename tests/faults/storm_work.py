"""The pieces of work of a storm, each done in a process of its own; what they import, these processes begin with."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any

import sklearn.cluster  # noqa: F401 (else every process that promotes a version would load it)
import sklearn.mixture  # noqa: F401

from clustering import (
    ClusteringError,
    Configuration,
    Registry,
    Warehouse,
    abandon_run,
    drop_expired,
    load_configuration,
    name_segment,
    publish_run,
    retire_model,
    roll_back,
    withdraw_date,
)
from clustering import forget as forget_customer
from clustering.errors import HeldError
from clustering.scoring.publication import Release
from tests.appointing import SETTINGS, appoint
from tests.paths import CONFIGURATION
from tests.projects import Project

KEPT = 3
MODELS = tuple(SETTINGS)
LATER: dict[str, dict[str, Any]] = {"dbscan": {"eps": 0.35}, "gmm": {"n_components": 4}, "kmeans": {"n_clusters": 4}}


def _storming(work: Callable[..., None]) -> Callable[..., None]:
    """Let a piece of work end by any of our own errors, and tell every other one apart."""

    @wraps(work)
    def run(warehouse: Warehouse, store: Path, **arguments: Any) -> None:
        project = Project(warehouse, load_configuration(CONFIGURATION), Registry(warehouse, store))
        try:
            work(project, **arguments)
        except ClusteringError:
            raise
        except Exception:
            raise ClusteringError(f"unexpected: {traceback.format_exc()}") from None

    return run


def configured(project: Project, models: Sequence[str] = MODELS) -> Project:
    """Return the project with some of the models, and few nights to keep."""
    configuration: Configuration = project.configuration
    contract = configuration.contract.model_copy(update={"default_model": None, "label_runs": KEPT})
    kept = {name: configuration.models[name] for name in models}
    return replace(project, configuration=configuration.model_copy(update={"models": kept, "contract": contract}))


def publish(project: Project, run_id: int) -> None:
    """Check and publish a run, in spite of findings too, as a person would who knows of the storm."""
    try:
        project.publish(run_id)
    except HeldError:
        release = Release(released_by="Ada", reason="the storm")
        publish_run(project.warehouse, project.configuration, run_id=run_id, release=release)


@_storming
def night(project: Project, *, as_of: str, models: Sequence[str], shards: int) -> None:
    """Plan, score side by side, and publish; or end the run, as a command does."""
    project = configured(project, models)
    run_id = project.plan(as_of, shards=shards)["run_id"]
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda shard: project.score(run_id, shard), range(shards)))
        publish(project, run_id)
    except Exception:
        abandon_run(project.warehouse, run_id=run_id, note="the storm")
        raise


@_storming
def retention(project: Project) -> None:
    """Drop what is too old."""
    drop_expired(project.warehouse, configured(project).configuration)


@_storming
def retire(project: Project, *, model: str) -> None:
    """Retire a model by hand."""
    retire_model(project.warehouse, model=model, retired_by="the storm")


@_storming
def withdraw(project: Project, *, as_of: str) -> None:
    """Take a published date back, for all of its models."""
    configuration = configured(project).configuration
    day = date.fromisoformat(as_of)
    withdraw_date(project.warehouse, configuration, as_of=day, withdrawn_by="the storm", reason="the storm")


@_storming
def rename(project: Project, *, model: str, name: str) -> None:
    """Call a model's first segment something else."""
    name_segment(project.warehouse, model=model, segment_id=1, name=name, set_by="the storm")


@_storming
def promote(project: Project, *, model: str, later: bool) -> None:
    """Promote a new version."""
    appoint(project, model, **(LATER[model] if later else {}))


@_storming
def back(project: Project, *, model: str) -> None:
    """Go back to the former version."""
    roll_back(project.registry, model=model, decided_by="the storm")


@_storming
def forget(project: Project, *, key: int) -> None:
    """Forget a customer."""
    forget_customer(
        project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="the storm"
    )
