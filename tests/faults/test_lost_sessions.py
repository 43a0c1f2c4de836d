"""Sessions that an administrator ends, and a server that goes down, while a run scores or publishes."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from clustering.errors import WarehouseError
from tests.faults.published import TODAY, assert_as_undisturbed, published
from tests.faults.server import (
    CLAIMING_WAITS_FOR,
    PUBLISHING_WAITS_FOR,
    at_work,
    held,
    hit,
    session,
    wait_for,
    wait_until_alone,
    waiting,
)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("blow", ["terminate", "cancel"])
@pytest.mark.parametrize("victim", ["reader", "writer", ""], ids=["reader", "writer", "both"])
def test_sessions_ended_while_scoring(project, undisturbed, victim, blow):
    """An attempt whose sessions end at a random point fails as worth a retry, or was done; the retry gives the same."""
    chance = np.random.default_rng(len(victim))
    planned = project.plan(TODAY, shards=8)
    failures = []
    with session(project.warehouse.uri) as cursor, ThreadPoolExecutor(1) as pool:
        for shard in planned["shards"]:
            attempt = pool.submit(project.score, planned["run_id"], shard)
            while not attempt.done():
                time.sleep(chance.uniform(0, 0.05))
                hit(cursor, at_work(cursor, victim), blow)
            failures.append(attempt.exception())
    assert {type(failure) for failure in failures} <= {WarehouseError, type(None)}
    assert any(failures)
    _score_what_is_left_and_publish(project, planned)
    assert_as_undisturbed(project, undisturbed)


@pytest.mark.parametrize("moment", ["claim", "publish"])
def test_session_ended_at_the_last_moment(project, yesterday, undisturbed, moment):
    """A claim or a publication that is cut off leaves what was there before, and can be repeated."""
    planned = project.plan(TODAY, shards=1)
    run_id = planned["run_id"]
    if moment == "publish":
        project.score(run_id)
    lock, work = {
        "claim": ((CLAIMING_WAITS_FOR, run_id), project.score),
        "publish": ((PUBLISHING_WAITS_FOR,), project.publish),
    }[moment]
    url = project.warehouse.uri
    with session(url) as cursor, held(url, *lock), ThreadPoolExecutor(1) as pool:
        cut = pool.submit(work, run_id)
        hit(cursor, wait_for(lambda: waiting(cursor)), "terminate")
        with pytest.raises(WarehouseError, match=r"did not go on: .*(terminating|closed the) connection"):
            cut.result()
    assert published(project) == yesterday
    _score_what_is_left_and_publish(project, planned)
    assert_as_undisturbed(project, undisturbed)


def test_server_crashes_while_scoring(project, server, undisturbed):
    """Attempts that lose the server fail as worth a retry; after its recovery they give the same."""
    chance = np.random.default_rng(7)
    planned = project.plan(TODAY, shards=6)
    failures = []
    for shards in ((0, 1), (2, 3), (4, 5)):
        with ThreadPoolExecutor(2) as pool:
            attempts = [pool.submit(project.score, planned["run_id"], shard) for shard in shards]
            with session(project.warehouse.uri) as cursor:
                wait_for(lambda: at_work(cursor))
                time.sleep(chance.uniform(0, 0.1))
                server.crash()
            failures += [attempt.exception() for attempt in attempts]
        server.restart()
    assert {type(failure) for failure in failures} <= {WarehouseError, type(None)}
    assert any(failures)
    _score_what_is_left_and_publish(project, planned)
    assert_as_undisturbed(project, undisturbed)


def test_server_crashes_while_publishing(project, server, yesterday, undisturbed):
    """A publication that loses the server has not happened; until the server is back it says what is wrong."""
    planned = project.plan(TODAY, shards=3)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    url = project.warehouse.uri
    with session(url) as cursor, held(url, PUBLISHING_WAITS_FOR), ThreadPoolExecutor(1) as pool:
        cut = pool.submit(project.publish, planned["run_id"])
        wait_for(lambda: waiting(cursor))
        server.crash()
    with pytest.raises(WarehouseError):
        cut.result()
    with pytest.raises(WarehouseError, match="cannot be reached"):
        project.publish(planned["run_id"])
    server.restart()
    assert published(project) == yesterday
    project.publish(planned["run_id"])
    assert_as_undisturbed(project, undisturbed)


def test_server_crashes_at_random_points_of_publishing(project, server, yesterday, undisturbed):
    """Whenever the server goes down, all of a publication is there afterwards, or nothing."""
    chance = np.random.default_rng(8)
    planned = project.plan(TODAY, shards=3)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    outcomes = []
    for _ in range(4):
        publication = threading.Thread(target=_publish_if_possible, args=(project, planned["run_id"]))
        publication.start()
        time.sleep(chance.uniform(0, 0.1))
        server.crash()
        publication.join()
        server.restart()
        outcomes.append(published(project))
    assert all(outcome in (yesterday, undisturbed) for outcome in outcomes)
    project.publish(planned["run_id"])
    assert_as_undisturbed(project, undisturbed)


def _publish_if_possible(project, run_id):
    try:
        project.publish(run_id)
    except WarehouseError:
        return


def _score_what_is_left_and_publish(project, planned):
    """Do what Airflow's retries do."""
    wait_until_alone(project.warehouse.uri)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    project.publish(planned["run_id"])
