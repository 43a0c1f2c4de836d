"""Two configurations at once, each without a model that the other one has: both go on, and nobody waits for ever."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest

from clustering import migrate, retire_model
from clustering.warehouse import deadlocks
from tests.appointing import appoint
from tests.clustering.scoring.histories import assert_sound
from tests.faults.published import TODAY
from tests.faults.server import PUBLISHING_WAITS_FOR, held, session, wait_for, waiting
from tests.nights.test_gone_models import of, shown

pytestmark = pytest.mark.slow

TOMORROW = "2026-11-23"
PLANNING_WAITS_FOR = "lock table segmentation.run_models in share mode"


def meet(project, *calls, at=PUBLISHING_WAITS_FOR):
    """Let each call come as far as a lock that is held, or as one before it, and return what came of them."""
    with session(project.warehouse.uri) as cursor, ThreadPoolExecutor(len(calls)) as pool:
        with held(project.warehouse.uri, at):
            futures = []
            for call in calls:
                futures.append(pool.submit(call))
                wait_for(partial(_stands_still, cursor, futures))
        return [future.result() for future in futures]


def _stands_still(cursor, futures) -> bool:
    """Return whether all calls wait for a lock, or one has ended, which shows in its result."""
    return len(waiting(cursor)) == len(futures) or any(future.done() for future in futures)


def scored(project, as_of, *models):
    """Return a project with these models alone, and a run of it that has been scored."""
    ours = of(project, *models)
    run_id = ours.plan(as_of, shards=1)["run_id"]
    ours.score(run_id)
    return ours, run_id


@pytest.fixture(autouse=True)
def only_once(monkeypatch):
    """Let nothing be repeated that a deadlock has ended: there is to be none."""
    monkeypatch.setattr(deadlocks, "ATTEMPTS", 1)


def test_nights_of_two_configurations_take_each_other_s_models_out_in_turn(project):
    """Each night retires the other's model; the later date has the last word, and neither is ended for the other."""
    runs = [scored(project, TODAY, "kmeans"), scored(project, TOMORROW, "dbscan")]
    results = meet(project, *(partial(ours.publish, run_id) for ours, run_id in runs))
    assert [result["status"] for result in results] == ["published", "published"]
    assert shown(project) == ["dbscan"]
    assert_sound(project)


def test_a_night_and_a_person_retire_each_other_s_models(project):
    """Whoever retires a model by hand waits for the night that does, and finds it done."""
    ours, run_id = scored(project, TODAY, "kmeans")
    retired = partial(retire_model, project.warehouse, model="kmeans", retired_by="Ada")
    published, by_hand = meet(project, partial(ours.publish, run_id), retired)
    assert sorted(published["retired"]) == ["dbscan", "gmm"]
    assert by_hand["model"] == "kmeans"
    assert shown(project) == []
    assert_sound(project)


def test_plans_of_two_configurations_meet(project):
    """Plans of one date by two configurations: the runs have no model in common, and both go on."""
    some, others = of(project, "kmeans"), of(project, "dbscan")
    plans = meet(project, partial(some.plan, TODAY), partial(others.plan, TODAY), at=PLANNING_WAITS_FOR)
    going = project.sql("select run_id from segmentation.scoring_runs where status = 'running' order by 1")
    assert going == sorted((plan["run_id"],) for plan in plans)


def test_migration_of_another_configuration_meets_a_night(project):
    """Who migrates with another default model waits for a new model's first night, and keeps nothing that it needs."""
    spec = project.configuration.models["kmeans"]
    models = {**project.configuration.models, "second": spec}
    project = replace(project, configuration=project.configuration.model_copy(update={"models": models}))
    appoint(project, "second", n_clusters=5)
    ours, run_id = scored(project, TODAY, "dbscan", "second")
    contract = project.configuration.contract.model_copy(update={"default_model": "dbscan"})
    published, applied = meet(project, partial(ours.publish, run_id), partial(migrate, project.warehouse, contract))
    assert (published["status"], applied) == ("published", [])
