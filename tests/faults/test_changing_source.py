"""Customers that change while the night runs. The key is who a customer is: a changed key is another customer."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import numpy as np
import psycopg2
import pytest

from tests.faults.published import TODAY, assert_as_undisturbed, published

pytestmark = pytest.mark.slow

SHARDS = 6
# Only customers whose key ends in 7 change, so that all the others have to come out as if nothing had happened.
CHANGES = (
    "update customers set annual_income = 100000 - annual_income, spending_score = 101 - spending_score"
    " where customer_id = %(key)s",
    "update customers set annual_income = null where customer_id = %(key)s",
    "delete from customers where customer_id = %(key)s",
    "insert into customers select %(key)s + 1000000, age, gender, annual_income, spending_score from customers"
    " where customer_id = %(key)s",
    "insert into customers select -%(key)s, age, gender, annual_income, spending_score from customers"
    " where customer_id = %(key)s",
    "update customers set customer_id = (customer_id + 30000) %% 60000 where customer_id = %(key)s",
    "update customers set customer_id = -customer_id where customer_id = %(key)s",
)
UNCHANGED = """
    select model, customer_id, cluster_label, segment_id, confidence
    from segmentation.current_customer_segments
    where customer_id between 0 and 60000 and customer_id % 10 <> 7
    order by model, customer_id
"""


def test_rows_are_changed_all_the_time(project, open_copy):
    """Nobody is labelled twice, counts add up, and who has not changed has the same labels as ever."""
    quiet = open_copy()
    quiet.night(TODAY)
    planned = project.plan(TODAY, shards=SHARDS)
    stop, changes = threading.Event(), [0]
    changing = threading.Thread(target=_change, args=(project.warehouse.uri, stop, changes))
    changing.start()
    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda shard: project.score(planned["run_id"], shard), planned["shards"]))
    finally:
        stop.set()
        changing.join()
    project.publish(planned["run_id"])
    assert changes[0] > 100
    assert published(project).segments
    assert project.sql(UNCHANGED) == quiet.sql(UNCHANGED)
    assert project.staged() == []


def test_each_shard_shows_its_own_moment(project):
    """A change counts from the next shard on; a key that moves into a shard that was read before waits for a night."""
    run_id = project.plan(TODAY, shards=2)["run_id"]
    (bound,) = project.sql("select upper_bound from segmentation.run_shards where run_id = %s and shard = 0", run_id)[0]
    customers = project.sql(
        "select customer_id from segmentation.current_customer_segments where model = 'kmeans' order by 1"
    )
    keys = [key for (key,) in customers]
    read = [key for key in keys if key < bound]
    to_read = [key for key in keys if key >= bound]
    deleted, moved_down, late_deleted, moved_up = to_read[0], to_read[1], read[0], read[1]
    project.score(run_id, 0)
    project.sql("delete from customers where customer_id in (%s, %s)", deleted, late_deleted)
    project.sql("update customers set customer_id = -1 where customer_id = %s", moved_down)
    project.sql("update customers set customer_id = 1000000 where customer_id = %s", moved_up)
    project.score(run_id, 1)
    counts = project.publish(run_id)
    published(project)
    assert counts["rows_labelled"] == len(keys) - 2 + 1
    changed = (deleted, moved_down, late_deleted, moved_up, -1, 1_000_000)
    assert _labelled(project, changed) == {late_deleted, moved_up, 1_000_000}
    project.night("2026-11-23")
    assert _labelled(project, changed) == {-1, 1_000_000}


def test_table_is_rewritten_between_shards(project, undisturbed):
    """Rows that are all replaced by the same ones, in another order, change nothing."""
    planned = project.plan(TODAY, shards=4)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
        project.sql(
            "create temp table copied on commit drop as table customers; truncate customers;"
            " insert into customers select * from copied order by random()"
        )
    project.publish(planned["run_id"])
    assert_as_undisturbed(project, undisturbed)


def _change(uri: str, stop: threading.Event, changes: list[int]) -> None:
    chance = np.random.default_rng(9)
    with closing(psycopg2.connect(uri)) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        while not stop.is_set():
            cursor.execute(CHANGES[chance.integers(len(CHANGES))], {"key": int(chance.integers(6_000)) * 10 + 7})
            changes[0] += cursor.rowcount


def _labelled(project, keys) -> set[int]:
    found = project.sql(
        "select distinct customer_id from segmentation.current_customer_segments where customer_id = any(%s)",
        list(keys),
    )
    return {key for (key,) in found}
