"""docs/bi.md shows every relation of BI, and its queries run as a reader."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from psycopg2.errors import InsufficientPrivilege

from clustering.config import PROJECT
from clustering.versions.registry import Registry
from clustering.warehouse import Warehouse
from tests.appointing import appoint
from tests.clustering.bi_contract import charted, pinned
from tests.docs.pages import blocks, rows
from tests.logins import administer, url_as
from tests.projects import Project

CHARTS = PROJECT / "examples" / "dashboard.sql"
QUERIES = blocks("docs/bi.md", "sql")
MAY_BE_EMPTY = ("segment_events",)  # nothing happens to segments in the nights of these tests


@pytest.fixture
def reader(project: Project, create_login: Callable[..., str]) -> Project:
    """Return a project with nights up to today, as a login of BI sees it."""
    today = datetime.now(UTC).date()
    for days in (40, 1):
        project.night((today - timedelta(days=days)).isoformat())
    appoint(project, "kmeans", n_clusters=4)
    project.night(today.isoformat())
    return replace(project, warehouse=Warehouse(create_login(project.warehouse, "in role segmentation_reader")))


def test_every_relation_is_listed() -> None:
    """The page lists what a reader may read and call, and nothing else."""
    listed = {
        name.strip("`").partition("(")[0] for name, _, _ in rows("docs/bi.md", "relation", "one row per", "answers")
    }
    assert listed == {name.partition("(")[0] for name in pinned()}


def test_every_query_is_answered(reader: Project) -> None:
    """Each query of the page runs as it is, and has an answer."""
    assert len(QUERIES) > 8
    for query in QUERIES:
        found = reader.sql(query)
        assert found or any(name in query for name in MAY_BE_EMPTY), query


def test_every_chart_is_a_query_too(reader: Project) -> None:
    """The file for other tools has a query for each relation, which runs as it is, and has an answer."""
    named = re.findall(r"^-- name: (\w+)\n(.*?;)$", CHARTS.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert [name for name, _ in named] == list(dict.fromkeys(name for name, _ in named))
    assert {name for name, _ in named} == set(charted())
    for name, query in named:
        assert f"from segmentation.{name}\n" in query
        assert reader.sql(query) or name in MAY_BE_EMPTY, name


def test_logins_of_the_page(project: Project, postgresql: Any) -> None:
    """The statements of docs/database.md make a login that scores a night, and one that only reads the result.

    Those of docs/operate.md run as the owner.
    """
    owner = project.warehouse.uri
    try:
        administer(owner, *blocks("docs/database.md", "sql"), *blocks("docs/operate.md", "sql"))
        writer, reader = (replace(project, warehouse=Warehouse(_as(owner, name))) for name in ("airflow", "tableau"))
        replace(writer, registry=Registry(writer.warehouse, project.registry.store)).night()
        assert reader.sql("select count(*) > 1000 from segmentation.customer_segments") == [(True,)]
        with pytest.raises(InsufficientPrivilege):
            reader.sql("select * from public.customers")
    finally:
        administer(owner, *(f"drop owned by {name} cascade; drop role {name}" for name in ("airflow", "tableau")))


def _as(uri: str, user: str) -> str:
    password = {"airflow": "a long random text", "tableau": "another one"}[user]
    return url_as(uri, user, password)
