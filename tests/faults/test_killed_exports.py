"""Exports that are killed: the destination has the former rows or the new ones, and the records are true."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy.engine import make_url

from tests.audiences import NOTED
from tests.faults.export_work import send
from tests.faults.processes import Worker
from tests.faults.published import TODAY, YESTERDAY
from tests.faults.server import FragileServer, session, wait_until_alone
from tests.projects import Project

pytestmark = pytest.mark.slow
KILLS = 10
MISSING = f"""
select count(*)
from segmentation.customer_segments as label
where model = 'kmeans' and as_of = %s and not exists (
    select from ({NOTED}) as noted where noted.customer_id = label.customer_id and noted.audience = 'everybody'
)
"""  # noqa: S608


@pytest.fixture
def dated(project: Project) -> Project:
    """Return the project with another night."""
    project.night(TODAY, models=["kmeans"])
    return project


def test_file_that_is_killed_at_random_points(dated: Project, tmp_path: Any) -> None:
    """What is read is the one file or the other, whole; a part that is left over is replaced."""

    def read() -> set[tuple[int, int]]:
        with (tmp_path / "now.csv").open(encoding="utf-8", newline="") as file:
            return {(int(row["customer_id"]), int(row["run_id"])) for row in csv.DictReader(file)}

    given = {"place": {"path": "now.csv"}, "connection": {"conn_type": "fs", "extra_dejson": {"path": str(tmp_path)}}}
    assert_whole_after_kills(dated, given, read)
    assert [one.name for one in tmp_path.iterdir()] == ["now.csv"]


def test_table_that_is_killed_at_random_points(dated: Project, server: FragileServer) -> None:
    """The same of the rows of a table."""
    database = server.create()
    url = make_url(server.url(database))
    extra = {name: str(value) for name, value in url.query.items()}
    host = url.host or extra.pop("host")
    fields = {"login": url.username, "host": host, "port": url.port, "schema": database, "extra_dejson": extra}

    def read() -> set[tuple[int, int]]:
        wait_until_alone(server.url(database))
        with session(server.url(database)) as cursor:
            cursor.execute("select customer_id, run_id from everybody where audience = 'everybody'")
            return set(cursor.fetchall())

    given = {"place": {"table": "everybody"}, "connection": {"conn_type": "postgres", **fields}}
    assert_whole_after_kills(dated, given, read)


def assert_whole_after_kills(project: Project, given: dict[str, Any], read: Callable[[], set[tuple[int, int]]]) -> None:
    """Kill exports of today, each after a share of the time that one takes, and look at what is left."""
    chance = np.random.default_rng(28)
    states = {}
    for day in (TODAY, YESTERDAY):
        seconds = _send(project, given, day)
        states[day] = read()
    assert states[TODAY] != states[YESTERDAY]
    arrived = 0
    for delay in (0, *sorted(chance.uniform(0, seconds, KILLS - 2)), seconds):
        before = project.sql("select max(export_id) from segmentation.exports")[0][0]
        worker = Worker(send, project, as_of=TODAY, **given)
        time.sleep(delay)
        worker.kill()
        wait_until_alone(project.warehouse.uri)
        found = read()
        assert found in states.values()
        _assert_told(project, before, is_new=found == states[TODAY])
        if found == states[TODAY]:
            arrived += 1
            _send(project, given, YESTERDAY)
    assert arrived < KILLS
    _send(project, given, TODAY)
    assert read() == states[TODAY]


def _assert_told(project: Project, before: int, *, is_new: bool) -> None:
    """Require that what was sent is told as that or as not known to have ended, with everybody noted and logged."""
    rows = project.sql("select export_id, status from segmentation.exports where export_id > %s", before)
    if not rows:
        assert not is_new
        return
    [(number, status)] = rows
    assert status in ("started", "sent")
    assert is_new or status == "started"
    logged = project.sql(
        "select count(*) from segmentation.audit_log where action = 'export' and (detail ->> 'export_id')::bigint = %s",
        number,
    )
    assert not is_new or logged == [(1,)]
    missing = project.sql(MISSING, TODAY)
    assert not is_new or missing == [(0,)]


def _send(project: Project, given: dict[str, Any], day: str) -> float:
    """Send to the end, and return the seconds that it took."""
    worker = Worker(send, project, as_of=day, **given)
    started = time.monotonic()
    assert worker.result() == ""
    seconds = time.monotonic() - started
    worker.kill()
    return seconds
