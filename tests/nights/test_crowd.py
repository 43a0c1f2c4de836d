"""Thirty nights that retention has not cleared away, sixteen shards, and ninety readers beside one more night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

import views
from clustering import Configuration, Registry, Warehouse, drop_expired, migrate
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from setting import running_server
from tests.appointing import SETTINGS, appoint
from tests.projects import Project

READABLE = """
select relname from pg_class
where relnamespace = 'segmentation'::regnamespace and relkind in ('r', 'p', 'v')
    and has_table_privilege('segmentation_reader', oid, 'select')
"""
READERS, MOST_LOCKS, MOST_PLANNING = 90, 150, 0.02
CUSTOMERS = 2_000


@pytest.fixture
def kept(tmp_path: Path, configuration: Configuration) -> Iterator[Project]:
    """Return a project with thirty nights on a server with PostgreSQL's own limits."""
    with running_server(tmp_path / "server", {"max_connections": "100"}) as server:
        warehouse = Warehouse(server.ensure_database("warehouse"))
        migrate(warehouse, configuration.contract)
        load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
        project = Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))
        for model in SETTINGS:
            appoint(project, model)
        with closing(psycopg2.connect(warehouse.uri)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            versions = views.champions(cursor)
            views.fill(cursor, versions, rows=CUSTOMERS, nights=30, shards=16, first_day="date '2026-10-23'")
        yield project


@pytest.mark.slow
def test_readers_are_well_beside_a_night_when_retention_has_failed_for_thirty(kept: Project) -> None:
    """No view takes more than 150 locks or long to plan; 90 readers in transactions, and a night beside them, go on."""
    asked = " ".join(views.QUESTIONS)
    assert [name for (name,) in kept.sql(READABLE) if not re.search(rf"segmentation[.]{name}\b", asked)] == []
    costs = {question: views.cost(kept.warehouse.uri, f"explain {question}") for question in views.QUESTIONS}
    assert {question: cost for question, cost in costs.items() if cost.again > MOST_PLANNING} == {}
    locks = {question: views.cost(kept.warehouse.uri, question).locks for question in views.QUESTIONS}
    assert {question: count for question, count in locks.items() if count > MOST_LOCKS} == {}
    shown = "select distinct as_of::text from segmentation.current_customer_segments"
    with views.reading(kept.warehouse.uri, READERS) as readers:
        kept.night("2026-11-22", shards=16)
        left = drop_expired(kept.warehouse, kept.with_contract(label_runs=1).configuration)
        assert left["dropped"] == []
        for reader in readers:
            reader.execute(shown)
            assert reader.fetchall() == [("2026-11-22",)]
    assert drop_expired(kept.warehouse, kept.with_contract(label_runs=1).configuration)["left"] == []
    assert kept.sql(shown) == [("2026-11-22",)]
