"""Airflow for the tests, and a warehouse with customers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tests.airflow_home  # noqa: F401 (before Airflow)
from clustering import Registry, Warehouse, draw_sample, drop_sample, gate, train
from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.dags.nights import Night, bundles, params_restored, read_dags
from tests.databases import Server

CUSTOMERS = 1_500


@pytest.fixture(scope="session")
def bag_once() -> Any:
    """Return the project's DAGs."""
    return read_dags()


@pytest.fixture
def bag(bag_once: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the project's DAGs with the defaults of their params."""
    monkeypatch.setenv("AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST", bundles())
    with params_restored(bag_once):
        yield bag_once


@pytest.fixture(scope="session")
def trained_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the model store of the champion of `trained_database`."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture(scope="session")
def trained_database(
    postgresql: Server, migrated_template: str, configuration: Configuration, trained_store: Path
) -> Iterator[str]:
    """Return the name of a database with customers, of whom some are dirty, and a champion of K-Means."""
    name = postgresql.create(migrated_template)
    warehouse = Warehouse(postgresql.url(name))
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    registry = Registry(warehouse, trained_store)
    drawn = draw_sample(warehouse, configuration, models=["kmeans"], requested_by="test")
    version = train(warehouse, configuration, registry, model="kmeans", sample=drawn["sample"])
    drop_sample(warehouse, sample=drawn["sample"])
    gate(configuration, registry, model_version_id=version["model_version_id"], decided_by="test")
    yield name
    postgresql.drop(name)


@pytest.fixture
def night(
    warehouse: Warehouse,
    metadata: None,
    bag: Any,
    configuration: Configuration,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Night:
    """Return DAGs on a warehouse with customers, of whom some are dirty, before any training."""
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(tmp_path / "store"))
    return Night(warehouse, bag)


@pytest.fixture
def trained_night(
    create_database: Callable[..., str],
    trained_database: str,
    trained_store: Path,
    metadata: None,
    bag: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> Night:
    """Return DAGs on a warehouse with customers and a champion of K-Means."""
    warehouse = Warehouse(create_database(trained_database))
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(trained_store))
    return Night(warehouse, bag)
