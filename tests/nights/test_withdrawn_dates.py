"""A date is withdrawn beside readers and other nights, and by a process that may be killed."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date

import psycopg2

from clustering import drop_expired, withdraw_date
from clustering.errors import ConfigurationError
from tests.clustering.scoring.histories import assert_right, read, withdraw
from tests.faults.processes import Worker
from tests.faults.processes import withdraw as withdraw_in_a_process
from tests.faults.server import PUBLISHING_WAITS_FOR, held, session, wait_for, waiting
from tests.nights.test_readers import COUNTS

DAYS = ("2026-11-20", "2026-11-21", "2026-11-22")
FEWER = "delete from customers where customer_id in (select customer_id from customers limit 100)"


def rows(cursor, statement):
    """Return what a statement finds."""
    cursor.execute(statement)
    return cursor.fetchall()


def test_reader_in_a_loop_never_sees_a_mixture(project):
    """While a date is withdrawn and published again, both views agree in every snapshot.

    A plan that is kept over transactions shows what holds after the announcement that retention makes, at the latest.
    """
    project.night(DAYS[0])
    seen, stop = [], threading.Event()

    def look():
        with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection.cursor() as cursor:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            cursor.execute("prepare labels as " + COUNTS[1])
            connection.commit()
            while not stop.is_set():
                seen.append((rows(cursor, COUNTS[0]), rows(cursor, COUNTS[1])))
                rows(cursor, "execute labels")
                connection.commit()
            drop_expired(project.warehouse, project.configuration)
            seen.append((rows(cursor, COUNTS[0]), rows(cursor, "execute labels")))

    reader = threading.Thread(target=look)
    reader.start()
    try:
        for _ in range(3):
            project.sql(FEWER)
            project.night(DAYS[1], shards=2)
            withdraw(project, DAYS[1])
    finally:
        stop.set()
        reader.join()
    assert [one for one in seen if one[0] != one[1]] == []
    assert len({str(labels) for _, labels in seen}) >= 3
    assert project.sql("select distinct as_of::text from segmentation.current_segments") == [(DAYS[0],)]
    assert_right(project)


def test_night_that_was_compared_with_a_withdrawn_date_is_compared_anew(project):
    """It was scored while the date was there, and is published when it is gone."""
    project.night(DAYS[0])
    project.sql(FEWER)
    project.night(DAYS[1])
    planned = project.plan(DAYS[2], shards=2)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    withdraw(project, DAYS[1])
    project.publish(planned["run_id"])
    assert project.staged() == []
    assert_right(project)


def test_night_and_withdrawal_side_by_side_wait_for_each_other(project):
    """Whichever comes first, both are done, and the history is that of the labels that are left."""
    project.night(DAYS[0])
    project.sql(FEWER)
    project.night(DAYS[1])
    project.sql(FEWER)
    planned = project.plan(DAYS[2])
    project.score(planned["run_id"])
    with ThreadPoolExecutor(2) as pool, session(project.warehouse.uri) as watching:
        with held(project.warehouse.uri, PUBLISHING_WAITS_FOR):
            publishing = pool.submit(project.publish, planned["run_id"])
            wait_for(lambda: len(waiting(watching)) == 1)
            withdrawing = pool.submit(withdraw, project, DAYS[1])
            wait_for(lambda: len(waiting(watching)) == 2)
        assert publishing.result()["status"] == "published"
        assert set(withdrawing.result()["current"].values()) == {DAYS[2]}
    assert_right(project)


def test_date_that_two_people_withdraw_at_once_is_withdrawn_once(project):
    """The second one is told that nothing was left."""
    project.night(DAYS[0])
    project.night(DAYS[1])

    def ask(name):
        try:
            withdraw_date(
                project.warehouse,
                project.configuration,
                as_of=date.fromisoformat(DAYS[1]),
                withdrawn_by=name,
                reason="wrong",
            )
        except ConfigurationError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(2) as pool:
        told = [one for one in pool.map(ask, ("Ada", "Grace")) if one]
    assert len(told) == 1
    assert "is not published any more" in told[0]
    assert project.sql("select count(distinct actor) from segmentation.audit_log where action = 'withdraw'") == [(1,)]
    assert_right(project)


def test_killed_withdrawal_changes_nothing(project):
    """The process dies after the pointer and the history were written; a second try does it."""
    project.night(DAYS[0])
    project.sql(FEWER)
    project.night(DAYS[1])
    before = read(project)
    with session(project.warehouse.uri) as watching:
        with held(project.warehouse.uri, PUBLISHING_WAITS_FOR):
            worker = Worker(withdraw_in_a_process, project, as_of=DAYS[1])
            wait_for(lambda: len(waiting(watching)) == 1)
            worker.kill()
        wait_for(lambda: not waiting(watching))
    assert read(project) == before
    assert project.staged() == []
    assert set(withdraw(project, DAYS[1])["current"].values()) == {DAYS[0]}
    assert_right(project)
