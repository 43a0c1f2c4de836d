"""Attempts that die, come twice, or meet a damaged artifact."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import shutil
import signal
import threading
from dataclasses import replace

import pytest

from clustering import Registry, Warehouse, load_configuration, score_shard, watch
from clustering.errors import RunError, StoreError
from clustering.scoring import staging
from tests.paths import CONFIGURATION


def test_two_attempts_at_once_stage_one_result(project):
    """Of two attempts at the same shard that run side by side, one wins; the other leaves nothing."""
    undisturbed = _labels_of_a_night(project)
    run_id = project.plan("2026-11-22", shards=1)["run_id"]
    results, barrier = [], threading.Barrier(2)

    def attempt():
        barrier.wait()
        results.append(project.score(run_id))

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1]
    assert len(project.staged()) == 4  # three models and the rejected rows
    project.publish(run_id)
    assert project.labels() == undisturbed
    assert project.staged() == []


@pytest.mark.parametrize("moment", ["append", pytest.param("claim", marks=pytest.mark.slow)])
def test_killed_attempt_leaves_nothing_and_its_retry_gives_the_same(project, moment):
    """SIGKILL before or at the end of an attempt: no staging table survives, and the retry publishes what it should."""
    undisturbed = _labels_of_a_night(project)
    run_id = project.plan("2026-11-22", shards=1)["run_id"]
    arguments = (project.warehouse.uri, project.registry.store, run_id, moment)
    process = multiprocessing.get_context("spawn").Process(target=_score_and_die, args=arguments)
    process.start()
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGKILL
    _wait_for_the_server(project)
    assert project.staged() == []
    project.score(run_id)
    project.publish(run_id)
    assert project.labels() == undisturbed
    assert project.staged() == []


@pytest.fixture
def broken(project, tmp_path):
    """Return the project on a model store of its own, that a test may break."""
    shutil.copytree(project.registry.store, tmp_path / "store")
    return replace(project, registry=Registry(project.warehouse, tmp_path / "store"))


@pytest.mark.parametrize("damage", ["flipped", "missing", "format", "column"])
def test_unusable_artifact_fails_the_night_of_its_model_alone(broken, damage):
    """A changed, missing, unknown or outdated artifact: its model keeps yesterday's result, the others go on."""
    before = _labels_of_a_night(broken)
    expected = _damage(broken, damage)
    planned = broken.plan("2026-11-23", shards=2)
    assert list(planned["failed"]) == ["kmeans"]
    assert expected in planned["failed"]["kmeans"]
    for shard in planned["shards"]:
        broken.score(planned["run_id"], shard)
    published = broken.publish(planned["run_id"])
    assert (published["models"], published["failed"]) == (["dbscan", "gmm"], planned["failed"])
    assert broken.staged() == []
    assert _of_model(broken.labels(), "kmeans") == _of_model(before, "kmeans")
    assert broken.sql("select model, as_of::text from segmentation.current_models order by 1") == [
        ("dbscan", "2026-11-23"),
        ("gmm", "2026-11-23"),
        ("kmeans", "2026-11-22"),
    ]
    watched = watch(broken.warehouse, broken.configuration, run_id=planned["run_id"])
    assert watched["unwatched"] == {}


def test_artifact_that_is_lost_between_two_shards_fails_its_model_alone(broken):
    """What one shard has staged by it is dropped; the other models are published from both."""
    run_id = broken.plan("2026-11-23", shards=2)["run_id"]
    broken.score(run_id, 0)
    _damage(broken, "missing")
    with pytest.raises(StoreError, match=r"meta\.json: cannot be read"):
        broken.score(run_id, 1, may_retry=True)
    broken.score(run_id, 1)
    published = broken.publish(run_id)
    assert (published["models"], list(published["failed"])) == (["dbscan", "gmm"], ["kmeans"])
    assert broken.staged() == []
    assert {row[1] for row in broken.labels()} == {"dbscan", "gmm"}


def test_store_that_is_not_mounted_is_a_passing_error(broken):
    """Where no artifact can be read, planning and scoring raise what is tried again, and nothing is left out."""
    run_id = broken.plan("2026-11-23", shards=1)["run_id"]
    away = replace(broken, registry=Registry(broken.warehouse, broken.registry.store / "away"))
    for attempt in (lambda: away.plan("2026-11-24"), lambda: away.score(run_id)):
        with pytest.raises(StoreError, match="needs the same model store"):
            attempt()
    broken.score(run_id)
    assert broken.publish(run_id)["models"] == ["dbscan", "gmm", "kmeans"]


def test_lost_artifact_leaves_its_model_unwatched_alone(broken):
    """Once it is scored, the night is published with it, and the other models are still checked for drift."""
    run_id = broken.plan("2026-11-22", shards=1)["run_id"]
    broken.score(run_id)
    _damage(broken, "missing")
    assert broken.publish(run_id)["models"] == ["dbscan", "gmm", "kmeans"]
    watched = watch(broken.warehouse, broken.configuration, run_id=run_id)
    assert list(watched["unwatched"]) == ["kmeans"]
    assert broken.sql("select distinct model from segmentation.drift_checks order by 1") == [("dbscan",), ("gmm",)]


def _damage(broken, damage):
    """Make the artifact of K-Means unusable, and return what is said of it."""
    artifact = broken.registry.store / broken.registry.champions(["kmeans"])["kmeans"].artifact
    if damage == "flipped":
        content = bytearray((artifact / "parameters.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (artifact / "parameters.npz").write_bytes(content)
        return "SHA-256"
    if damage == "missing":
        (artifact / "meta.json").unlink()
        return "cannot be read"
    if damage == "format":
        _register_unknown_format(broken, artifact)
        return "format 99 is unknown"
    content = (artifact / "meta.json").read_text().replace("spending_score", "former_score")
    _register(broken, artifact, content)
    return "was trained on former_score, which customers.yaml no longer has"


def _of_model(labels, model):
    return [row for row in labels if row[1] == model]


def _labels_of_a_night(project):
    project.night("2026-11-22")
    return project.labels()


def _register_unknown_format(project, artifact):
    _register(project, artifact, (artifact / "meta.json").read_text().replace('"format": 1', '"format": 99'))


def _register(project, artifact, content):
    (artifact / "meta.json").write_text(content)
    digest = hashlib.sha256(content.encode()).hexdigest()
    project.sql("update segmentation.model_versions set artifact_sha256 = %s where model = 'kmeans'", digest)


def _score_and_die(uri, store, run_id, moment):
    original = getattr(staging.Staging, moment)

    def die(self, *arguments, **options):
        if moment == "append":
            original(self, *arguments, **options)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(staging.Staging, moment, die)
    warehouse = Warehouse(uri)
    score_shard(warehouse, load_configuration(CONFIGURATION), Registry(warehouse, store), run_id=run_id, shard=0)


def _wait_for_the_server(project):
    """Wait until the server has noticed that the client is gone, and rolled its transaction back.

    Sessions that do nothing are those that this process keeps.
    """
    for _ in range(100):
        if project.sql(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend' and state <> 'idle'"
        ) == [(0,)]:
            return
        threading.Event().wait(0.1)
    raise AssertionError("the killed attempt's session is still there")


@pytest.mark.parametrize("change", ["another range", "a column more"])
def test_a_night_is_scored_and_published_under_the_contract_that_it_was_planned_under(project, change):
    """An image that is rolled out in between brings another unit, range or column: half a night in each is none."""
    columns = dict(project.configuration.contract.columns)
    if change == "a column more":
        project.sql("alter table customers add column visits integer not null default 1")
        columns["visits"] = columns["age"].model_copy(update={"role": "profile", "description": "Visits"})
    else:
        columns["annual_income"] = columns["annual_income"].model_copy(update={"range": (0.0, 50_000.0)})
    rolled_out = project.with_contract(columns=columns)
    run_id = project.plan("2026-11-22", shards=1)["run_id"]
    with pytest.raises(RunError, match=r"planned under another customers\.yaml"):
        rolled_out.score(run_id)
    project.score(run_id)
    with pytest.raises(RunError, match="start a new run"):
        rolled_out.publish(run_id)
    assert project.sql("select count(*) from segmentation.current_models") == [(0,)]
    project.with_contract(label_runs=7, history_days=100).publish(run_id)
    assert project.sql("select distinct as_of::text from segmentation.current_models") == [("2026-11-22",)]
