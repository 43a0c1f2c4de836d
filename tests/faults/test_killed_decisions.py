"""Processes that are killed while a night is checked, released, abandoned or withdrawn."""

from __future__ import annotations

import numpy as np
import pytest

from clustering.config import Checks
from clustering.errors import HeldError
from tests.clustering.scoring.histories import assert_right, read, withdraw
from tests.faults.processes import Worker, abandon, check, kill_after, release, seconds_of
from tests.faults.processes import withdraw as withdraw_in_a_process
from tests.faults.published import TODAY, YESTERDAY, published
from tests.faults.server import wait_until_alone

pytestmark = pytest.mark.slow

KILLS = [3, pytest.param(12, marks=pytest.mark.soak)]
HALF = "delete from customers where customer_id % 2 = 0"
FIGURES = "select to_jsonb(figure) - 'checked_at' from segmentation.night_checks as figure where run_id = %s order by 1"
SHOWN = "select distinct as_of::text from segmentation.current_models"
STATUS = "select status, note from segmentation.scoring_runs where run_id = %s"


@pytest.mark.parametrize("kills", KILLS)
def test_checking_killed_at_random_points(project, yesterday, kills):
    """SIGKILL while checking: the figures are all there or none is, and checking again holds the night by the same."""
    project = project.with_contract(checks=Checks())
    seconds = seconds_of(project, check, run_id=_scored(project, "2026-11-23"))
    run_id, outcomes = _scored(project, TODAY, HALF), []
    for delay in _delays(6, seconds, kills):
        kill_after(delay, check, project, run_id=run_id)
        wait_until_alone(project.warehouse.uri)
        outcomes.append((project.sql(STATUS, run_id)[0][0], len(project.sql(FIGURES, run_id))))
    with pytest.raises(HeldError, match="readers keep the former night"):
        project.check(run_id)
    found = project.sql(FIGURES, run_id)
    assert set(outcomes) <= {("running", 0), ("held", len(found))}
    assert ("running", 0) in outcomes
    with pytest.raises(HeldError):
        project.check(run_id)
    assert project.sql(FIGURES, run_id) == found
    assert published(project) == yesterday


@pytest.mark.parametrize("kills", KILLS)
def test_release_killed_at_random_points(project, kills):
    """SIGKILL while a held night is released: it is held or published as a whole, and recorded once."""
    project = project.with_contract(checks=Checks())
    seconds = seconds_of(project, release, run_id=_held(project, "2026-11-23"))
    withdraw(project, "2026-11-23")
    run_id, outcomes = _held(project, TODAY), []
    for delay in _delays(7, seconds, kills):
        kill_after(delay, release, project, run_id=run_id)
        wait_until_alone(project.warehouse.uri)
        outcomes.append((project.sql(STATUS, run_id)[0][0], project.sql(SHOWN)))
    assert {status for status, _ in outcomes} <= {"held", "published"}
    assert all(shown == ([(TODAY,)] if status == "published" else [(YESTERDAY,)]) for status, shown in outcomes)
    assert outcomes[0][0] == "held"
    worker = Worker(release, project, run_id=run_id)
    assert worker.result() == ""
    worker.kill()
    assert project.sql(STATUS, run_id)[0][0] == "published"
    assert project.sql("select count(*) from segmentation.audit_log where description like %s", f"Run {run_id}, %") == [
        (1,)
    ]
    assert project.staged() == []
    assert_right(project)


@pytest.mark.parametrize("kills", KILLS)
def test_abandoning_killed_at_random_points(project, yesterday, kills):
    """SIGKILL while a held night is abandoned: readers never notice, and a second try leaves nothing staged."""
    project = project.with_contract(checks=Checks())
    seconds = seconds_of(project, abandon, run_id=_held(project, "2026-11-23"))
    run_id = _held(project, TODAY)
    for delay in _delays(8, seconds, kills):
        kill_after(delay, abandon, project, run_id=run_id)
        wait_until_alone(project.warehouse.uri)
        assert project.sql(STATUS, run_id)[0][0] in ("held", "abandoned")
    worker = Worker(abandon, project, run_id=run_id)
    worker.result()
    worker.kill()
    assert project.sql(STATUS, run_id) == [("abandoned", "abandoned by Ada: the load failed")]
    assert project.staged() == []
    assert published(project) == yesterday


@pytest.mark.parametrize("kills", KILLS)
def test_withdrawing_killed_at_random_points(project, kills):
    """SIGKILL while a date is withdrawn: it is as it was or as if it had never been, and a second try withdraws it."""
    project.sql(HALF)
    project.night("2026-11-23")
    seconds = seconds_of(project, withdraw_in_a_process, as_of="2026-11-23")
    project.night(TODAY)
    before, outcomes = read(project), []
    for delay in _delays(9, seconds, kills):
        kill_after(delay, withdraw_in_a_process, project, as_of=TODAY)
        wait_until_alone(project.warehouse.uri)
        outcomes.append(read(project))
    assert before in outcomes
    after = [one for one in outcomes if one != before]
    if not after:
        withdraw(project, TODAY)
        after = [read(project)]
    assert all(one == after[0] for one in after)
    assert project.sql("select count(*) from segmentation.published_runs where as_of = %s", TODAY) == [(0,)]
    assert project.staged() == []
    assert_right(project)


def _scored(project, as_of, *changes):
    for statement in changes:
        project.sql(statement)
    planned = project.plan(as_of, shards=2)
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    return planned["run_id"]


def _held(project, as_of):
    """Hold a night of half of the customers, and return its run."""
    run_id = _scored(project, as_of, HALF)
    with pytest.raises(HeldError):
        project.check(run_id)
    return run_id


def _delays(seed, seconds, kills):
    return (0, *sorted(np.random.default_rng(seed).uniform(0, seconds, kills - 1)))
