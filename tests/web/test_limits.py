"""A warehouse that does not answer: requests end in time, and hold up nobody else in the process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any

import httpx
import psycopg2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from clustering.errors import WarehouseError
from clustering.versions.registry import Registry
from clustering.web import Access, create_app
from clustering.web.limits import LOCK_SECONDS, QUEUE_SECONDS, THREADS, HurriedWarehouse
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET, backend_of

READS = ("/models", "/models/kmeans", "/segments", "/segments/kmeans/1", "/health", "/page", "/page/charts")
HEADERS = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture
def hurried(appointed_project: Project) -> Project:
    """Return a project with a night, on the warehouse as the web app opens it."""
    appointed_project.night("2026-11-22")
    warehouse = HurriedWarehouse(appointed_project.warehouse.uri)
    return replace(
        appointed_project, warehouse=warehouse, registry=Registry(warehouse, appointed_project.registry.store)
    )


@contextmanager
def locked(project: Project, table: str) -> Iterator[None]:
    """Hold the strongest lock on a table."""
    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute(f"lock table segmentation.{table} in access exclusive mode")
        yield


@pytest.mark.parametrize(("table", "route"), [("model_versions", "/models"), ("segments", "/segments")])
def test_locked_table_is_a_503_with_a_hint(
    serve: Callable[[Project], TestClient], hurried: Project, table: str, route: str
) -> None:
    """Every route that needs the table answers in time, and works again when the lock is gone."""
    api = serve(hurried)
    with locked(hurried, table):
        for path in READS:
            started = time.monotonic()
            answer = api.get(path)
            assert answer.status_code in (200, 503)
            assert time.monotonic() - started < LOCK_SECONDS + 2
            if answer.status_code == 503:
                assert "he warehouse is busy: a lock or a long statement holds it up" in answer.text
                assert answer.headers["Retry-After"] == "5"
        assert api.get(route).status_code == 503
        if table == "model_versions":
            assert api.post("/cluster", json=REQUEST).status_code == 503
    assert {api.get(path).status_code for path in READS} == {200}
    assert api.post("/cluster", json=REQUEST).status_code == 200


def test_locked_source_is_a_503_with_a_hint(serve: Callable[[Project], TestClient], hurried: Project) -> None:
    """A customer's label is not told without the reasons that it would have a second later."""
    api = serve(hurried)
    ((key,),) = hurried.sql("select min(customer_id) from segmentation.customer_segments")
    with closing(psycopg2.connect(hurried.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute("lock table public.customers in access exclusive mode")
        started = time.monotonic()
        answer = api.get(f"/customers/{key}")
        assert time.monotonic() - started < LOCK_SECONDS + 2
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert "the warehouse is busy: a lock or a long statement holds it up" in answer.text
    assert api.get(f"/customers/{key}").status_code == 200


def test_every_transaction_of_the_app_has_limits_of_time(hurried: Project) -> None:
    """Statements, locks and silence within a transaction end by themselves; nothing is left for the next session."""
    asked = "select current_setting('statement_timeout'), current_setting('lock_timeout')"
    with hurried.warehouse.transaction() as transaction:
        row = transaction.connection.exec_driver_sql(asked).one()
        assert tuple(row) == ("15s", "2s")
    with pytest.raises(WarehouseError, match="lock timeout"), locked(hurried, "promotions"):
        hurried.registry.roll_back("kmeans", decided_by="ann")


def test_reads_of_a_locked_warehouse_leave_the_hosts_threads_alone(hurried: Project, access: Access) -> None:
    """Fifty of them wait in threads of their own: what else the process serves answers within a second."""
    backend = backend_of(hurried)
    host = FastAPI()
    host.mount("/segmentation", create_app(lambda: backend, access))

    @host.get("/own")
    def own() -> str:
        return "well"

    async def crowd() -> tuple[list[httpx.Response], list[float]]:
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://host", timeout=60) as http:
            reads = [
                asyncio.create_task(http.get(f"/segmentation{READS[number % 4]}", headers=HEADERS))
                for number in range(50)
            ]
            times = []
            while not all(read.done() for read in reads):
                started = time.monotonic()
                assert (await http.get("/own")).text == '"well"'
                times.append(time.monotonic() - started)
                await asyncio.sleep(0.1)
            return [await read for read in reads], times

    started = time.monotonic()
    answers, times = in_a_loop(hurried, crowd)
    assert {answer.status_code for answer in answers} == {503}
    assert time.monotonic() - started < QUEUE_SECONDS + LOCK_SECONDS + 8
    assert len(times) > 5
    assert max(times) < 1
    assert THREADS < 40  # the threads that a host has by default


def in_a_loop(project: Project, crowd: Callable[[], Any]) -> Any:
    """Run a coroutine in a thread of its own while versions and segments are locked."""
    with locked(project, "model_versions"), locked(project, "segments"), ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(crowd())).result()
