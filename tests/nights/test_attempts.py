"""Attempts that die, come twice, or meet a damaged artifact."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import threading
from dataclasses import replace

import pytest

from clustering import Registry, Warehouse, load_configuration, score_shard
from clustering.errors import ArtifactError
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


@pytest.mark.parametrize("moment", ["append", "claim"])
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


@pytest.mark.parametrize("damage", ["flipped", "missing", "format"])
def test_damaged_artifact_is_refused(project, tmp_path, damage):
    """A changed, missing or unknown artifact is one clear error; yesterday's result stays."""
    before = _labels_of_a_night(project)
    shutil.copytree(project.registry.store, tmp_path / "store")
    broken = replace(project, registry=Registry(project.warehouse, tmp_path / "store"))
    artifact = next((tmp_path / "store" / "kmeans").iterdir())
    expected = "SHA-256"
    if damage == "flipped":
        content = bytearray((artifact / "parameters.npz").read_bytes())
        content[len(content) // 2] ^= 1
        (artifact / "parameters.npz").write_bytes(content)
    elif damage == "missing":
        (artifact / "meta.json").unlink()
        expected = "cannot be read"
    else:
        _register_unknown_format(broken, artifact)
        expected = "format 99 is unknown"
    run_id = broken.plan("2026-11-23", shards=1)["run_id"]
    with pytest.raises(ArtifactError, match=expected):
        broken.score(run_id)
    assert project.staged() == []
    assert project.labels() == before


def _labels_of_a_night(project):
    project.night("2026-11-22")
    return project.labels()


def _register_unknown_format(project, artifact):
    import hashlib

    content = (artifact / "meta.json").read_text().replace('"format": 1', '"format": 99')
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
    """Wait until the server has noticed that the client is gone, and rolled its transaction back."""
    for _ in range(100):
        if project.sql(
            "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            " and backend_type = 'client backend'"
        ) == [(0,)]:
            return
        threading.Event().wait(0.1)
    raise AssertionError("the killed attempt's session is still there")
