"""Runs that meet, and attempts that come back after they were given up."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest

from clustering import abandon_run
from clustering.errors import RunError
from tests.faults.processes import Worker, score
from tests.faults.published import TODAY, assert_as_undisturbed, published
from tests.faults.server import CLAIMING_WAITS_FOR, PUBLISHING_WAITS_FOR, at_work, held, session, wait_for, waiting

PLANNING_WAITS_FOR = "lock table segmentation.run_models in share mode"

pytestmark = pytest.mark.slow


def test_runs_of_a_date_planned_at_once(project, undisturbed):
    """Of runs that are planned at the same time one is going on; the others have ended as superseded."""
    plans = [lambda: project.plan(TODAY, shards=2)] * 4
    runs = [planning.result()["run_id"] for planning in _meet(project, *plans, at=PLANNING_WAITS_FOR)]
    status = _status(project)
    (last,) = [run_id for run_id in runs if status[run_id] == "running"]
    assert sorted(status[run_id] for run_id in runs) == ["abandoned"] * 3 + ["running"]
    with pytest.raises(RunError, match="superseded by a later run of 2026-11-22"):
        project.score(min(set(runs) - {last}))
    _score(project, last)
    project.publish(last)
    assert_as_undisturbed(project, undisturbed)


def test_run_superseded_while_an_attempt_is_frozen(project, undisturbed):
    """An attempt that comes back when its run has been superseded stages nothing and says why."""
    first = project.plan(TODAY, shards=1)["run_id"]
    attempt = _frozen_attempt(project, first)
    second = project.plan(TODAY, shards=1)["run_id"]
    _score(project, second)
    attempt.thaw()
    assert attempt.result() == (
        f"RunError: run {first} is abandoned (superseded by a later run of {TODAY}); start a new run"
    )
    attempt.kill()
    project.publish(second)
    assert_as_undisturbed(project, undisturbed)


def test_run_published_while_an_attempt_is_frozen(project, undisturbed):
    """An attempt that comes back when another one has won and the run is published changes nothing."""
    run_id = project.plan(TODAY, shards=1)["run_id"]
    attempt = _frozen_attempt(project, run_id)
    _score(project, run_id)
    project.publish(run_id)
    attempt.thaw()
    assert attempt.result() == f"RunError: run {run_id} is published; start a new run"
    attempt.kill()
    assert_as_undisturbed(project, undisturbed)


def test_run_superseded_while_it_claims(project, undisturbed):
    """A run that is superseded the moment that its shard is claimed is dropped with what the claim has staged."""
    first = project.plan(TODAY, shards=1)["run_id"]
    with session(project.warehouse.uri) as cursor, ThreadPoolExecutor(2) as pool:
        with held(project.warehouse.uri, CLAIMING_WAITS_FOR, first):
            attempt = pool.submit(project.score, first)
            wait_for(lambda: len(waiting(cursor)) == 1)
            planning = pool.submit(project.plan, TODAY, shards=1)
            wait_for(lambda: len(waiting(cursor)) == 2)
        assert attempt.result()["rows_read"] > 0
        second = planning.result()["run_id"]
    assert project.staged() == []
    _score(project, second)
    project.publish(second)
    assert_as_undisturbed(project, undisturbed)


def test_next_run_is_planned_while_one_is_published(project, undisturbed):
    """The plan waits for the publication, which holds until the new run takes its place."""
    first = _scored(project)
    publishing, planning = _meet(project, lambda: project.publish(first), lambda: project.plan(TODAY, shards=2))
    assert publishing.result()["status"] == "published"
    assert_as_undisturbed(project, undisturbed)
    second = planning.result()["run_id"]
    _score(project, second)
    project.publish(second)
    assert_as_undisturbed(project, undisturbed)
    assert [_status(project)[run_id] for run_id in (first, second)] == ["replaced", "published"]


def test_run_is_abandoned_while_it_is_published(project, undisturbed):
    """A publication that has begun is not abandoned."""
    run_id = _scored(project)
    publishing, abandoning = _meet(
        project, lambda: project.publish(run_id), lambda: abandon_run(project.warehouse, run_id=run_id, note="test")
    )
    assert publishing.result()["status"] == "published"
    assert abandoning.result() is False
    assert_as_undisturbed(project, undisturbed)


def test_run_is_published_twice_at_once(project, undisturbed):
    """Both publications return the same, and it was done once."""
    run_id = _scored(project)
    results = _meet(project, lambda: project.publish(run_id), lambda: project.publish(run_id))
    assert results[0].result() == results[1].result()
    assert_as_undisturbed(project, undisturbed)


def test_runs_of_different_models_are_published_at_once(project, undisturbed):
    """Runs of one date with different models stand beside each other."""
    some = _scored(project, models=["gmm"])
    others = _scored(project, models=["kmeans", "dbscan"])
    for future in _meet(project, lambda: project.publish(others), lambda: project.publish(some)):
        assert future.result()["status"] == "published"
    assert published(project).labels == undisturbed.labels
    assert published(project).segments == undisturbed.segments
    assert project.staged() == []


@pytest.mark.parametrize("first", [TODAY, "2026-11-20"])
def test_runs_of_different_dates_are_published_at_once(project, undisturbed, first):
    """The latest date is current, whichever is published first."""
    days = [first, *({TODAY, "2026-11-20"} - {first})]
    runs = [_scored(project, day) for day in days]
    for future in _meet(project, *(lambda run_id=run_id: project.publish(run_id) for run_id in runs)):
        assert future.result()["status"] == "published"
    assert_as_undisturbed(project, undisturbed)
    assert project.sql("select count(distinct as_of) from segmentation.segments") == [(3,)]


def _meet(project, *calls, at=PUBLISHING_WAITS_FOR) -> list[Future[Any]]:
    """Make the first call wait halfway until the others wait for something too, and return what came of them."""
    with session(project.warehouse.uri) as cursor, ThreadPoolExecutor(len(calls)) as pool:
        with held(project.warehouse.uri, at):
            futures = []
            for number, call in enumerate(calls, 1):
                futures.append(pool.submit(call))
                wait_for(partial(_are_waiting, cursor, number))
        return futures


def _are_waiting(cursor, number: int) -> bool:
    return len(waiting(cursor)) == number


def _frozen_attempt(project, run_id) -> Worker:
    attempt = Worker(score, project, run_id=run_id, shard=0)
    with session(project.warehouse.uri) as cursor:
        wait_for(lambda: at_work(cursor, "writer"))
    attempt.freeze()
    return attempt


def _scored(project, as_of=TODAY, **options):
    run_id = project.plan(as_of, shards=2, **options)["run_id"]
    _score(project, run_id)
    return run_id


def _score(project, run_id):
    for (shard,) in project.sql("select shard from segmentation.run_shards where run_id = %s order by 1", run_id):
        project.score(run_id, shard)


def _status(project):
    return dict(project.sql("select run_id, status from segmentation.scoring_runs"))
