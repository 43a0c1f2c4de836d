"""Processes that are killed while they score or publish."""

from __future__ import annotations

import numpy as np
import pytest

from clustering import abandon_run
from tests.faults.processes import kill_after, publish, score, seconds_of
from tests.faults.published import TODAY, assert_as_undisturbed, published
from tests.faults.server import wait_until_alone

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kills", [6, pytest.param(20, marks=pytest.mark.soak)])
def test_scoring_killed_at_random_points(project, undisturbed, kills):
    """SIGKILL at random points of attempts: nothing of one stays but a claimed shard; retries give the same."""
    chance = np.random.default_rng(4)
    rehearsal = project.plan("2026-11-01", shards=kills)["run_id"]
    seconds = min(seconds_of(project, score, run_id=rehearsal, shard=shard) for shard in (1, 2))
    abandon_run(project.warehouse, run_id=rehearsal, note="rehearsal")
    planned = project.plan(TODAY, shards=kills)
    for shard in planned["shards"]:
        kill_after(chance.uniform(0, seconds), score, project, run_id=planned["run_id"], shard=shard)
    wait_until_alone(project.warehouse.uri)
    finished = project.sql(
        "select shard from segmentation.run_shards where run_id = %s and finished_at is not null", planned["run_id"]
    )
    assert len(finished) <= kills * 3 // 4
    assert len(project.staged()) == 7 * len(finished)  # three models, what each has changed, and the rejected rows
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    project.publish(planned["run_id"])
    assert_as_undisturbed(project, undisturbed)


@pytest.mark.parametrize("kills", [3, pytest.param(8, marks=pytest.mark.soak)])
def test_publishing_killed_at_random_points(project, yesterday, undisturbed, kills):
    """SIGKILL while publishing: all of it is there or nothing, and publishing again gives the same."""
    chance = np.random.default_rng(5)
    seconds = seconds_of(project, publish, run_id=_scored(project, "2026-11-01"))
    run_id, outcomes = _scored(project, TODAY), []
    for delay in (0, *sorted(chance.uniform(0, seconds, kills - 1))):
        kill_after(delay, publish, project, run_id=run_id)
        wait_until_alone(project.warehouse.uri)
        outcomes.append(published(project))
    assert all(outcome in (yesterday, undisturbed) for outcome in outcomes)
    assert yesterday in outcomes
    project.publish(run_id)
    assert_as_undisturbed(project, undisturbed)


def _scored(project, as_of):
    planned = project.plan(as_of, shards=2)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    return planned["run_id"]
