"""Readers and publishing do not disturb each other."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace

import psycopg2
import pytest

from clustering.scoring.retention import drop_expired

COUNTS = (
    "select model, sum(customers)::bigint from segmentation.current_segments group by model order by model",
    "select model, count(*) from segmentation.current_customer_segments group by model order by model",
)


def _read_in_one_snapshot(connection):
    with connection, connection.cursor() as cursor:
        results = []
        for statement in COUNTS:
            cursor.execute(statement)
            results.append(cursor.fetchall())
        return results


def test_reader_in_a_loop_never_sees_counts_that_do_not_add_up(project):
    """During three nights with changing customers, both views agree in every snapshot."""
    few = replace(project, configuration=_keeping(project, 1))
    few.night("2026-11-20")
    seen, failures, stop = set(), [], threading.Event()

    def read():
        with closing(psycopg2.connect(project.warehouse.uri)) as connection:
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
            while not stop.is_set():
                segments, labels = _read_in_one_snapshot(connection)
                seen.add(tuple(labels))
                if segments != labels:
                    failures.append((segments, labels))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for night in ("2026-11-21", "2026-11-22", "2026-11-22"):
            project.sql("delete from customers where customer_id in (select customer_id from customers limit 100)")
            few.night(night, shards=3)
            drop_expired(few.warehouse, few.configuration)
    finally:
        stop.set()
        reader.join()
    assert failures == []
    assert len(seen) >= 3


def test_open_reader_neither_delays_publishing_nor_loses_its_snapshot(project):
    """Retention waits for the reader, publishing does not; the first night after the reader has gone catches up."""
    few = replace(project, configuration=_keeping(project, 1))
    few.night("2026-11-20")
    with closing(psycopg2.connect(project.warehouse.uri)) as connection:
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with connection, connection.cursor() as cursor:
            cursor.execute(COUNTS[0])
            before = cursor.fetchall()
            for night in ("2026-11-21", "2026-11-22"):
                started = time.monotonic()
                few.night(night)
                assert time.monotonic() - started < 30
                assert drop_expired(few.warehouse, few.configuration)["dropped"] == []
            cursor.execute(COUNTS[1])
            assert cursor.fetchall() == before
    few.night("2026-11-23")
    assert drop_expired(few.warehouse, few.configuration)["left"] == []
    assert len(project.sql("select distinct run_id from segmentation.customer_labels")) == 1


def test_reader_of_the_labels_does_not_hold_up_publishing(after_night):
    """Attaching takes no lock that conflicts with one that a reader holds."""
    project = after_night("2026-11-20")
    with closing(psycopg2.connect(project.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from segmentation.customer_labels")
        cursor.execute("select count(*) from segmentation.segments")
        publisher = threading.Thread(target=project.night, args=("2026-11-21",))
        publisher.start()
        publisher.join(timeout=60)
        assert not publisher.is_alive()
    assert project.sql("select distinct as_of::text from segmentation.current_segments") == [("2026-11-21",)]


@pytest.mark.parametrize("state", ["pending", "detached"])
def test_retention_goes_on_where_it_was_interrupted(project, state):
    """A detaching that was cut short, or a table that was detached but not dropped, is finished by the next pass."""
    few = replace(project, configuration=_keeping(project, 1))
    first = few.night("2026-11-20")["run_id"]
    few.night("2026-11-21")
    made = project.sql("select model, model_version_id from segmentation.run_models where run_id = %s", first)
    schema = "alter table segmentation_partitions"
    detach = [
        f"{schema}.labels_{model} detach partition {schema[12:]}.labels_{first}_{version}" for model, version in made
    ]
    with closing(psycopg2.connect(project.warehouse.uri)) as session, session.cursor() as cursor:
        session.autocommit = True
        if state == "detached":
            for statement in detach:
                cursor.execute(statement)
        else:
            with closing(psycopg2.connect(project.warehouse.uri)) as reader, reader.cursor() as reading:
                reading.execute("select count(*) from segmentation.customer_labels")
                cursor.execute("set lock_timeout = '200ms'")
                with pytest.raises(psycopg2.errors.LockNotAvailable):
                    cursor.execute(f"{detach[1]} concurrently")
                reader.rollback()  # a server needs a moment to see that a connection is closed
    few.night("2026-11-22")
    result = drop_expired(few.warehouse, few.configuration)
    assert (result["dropped"], result["left"]) == ([first, first + 1], [])
    assert project.sql("select run_id from segmentation.scoring_runs where labels_dropped_at is null") == [(first + 2,)]


def test_retention_keeps_what_is_current(project):
    """A model that ran last long ago keeps its labels, however many runs came after."""
    few = replace(project, configuration=_keeping(project, 1))
    old = few.night("2026-11-01")["run_id"]
    for day in ("2026-11-20", "2026-11-21"):
        newest = few.night(day, models=["kmeans"])["run_id"]
    drop_expired(few.warehouse, few.configuration)
    kept = project.sql("select distinct run_id from segmentation.customer_labels order by run_id")
    assert kept == [(old,), (newest,)]
    assert {model for model, _ in project.sql(COUNTS[1])} == {"dbscan", "gmm", "kmeans"}


def _keeping(project, runs):
    contract = project.configuration.contract.model_copy(update={"label_runs": runs})
    return project.configuration.model_copy(update={"contract": contract})
