"""Versions in a bucket: written before their row, checked when read, and lost to no error that passes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from clustering import Registry
from clustering.errors import ArtifactError, StoreError
from clustering.training import pruning
from clustering.training.pruning import prune
from clustering.versions.object_store import ObjectStore
from tests.clustering.made import CUSTOMERS, fit, register
from tests.object_stores import SECRET, Bucket, asking_for_credentials
from tests.web.served import free_port

WRITER = """
import os, signal, sys
from clustering import Registry, Warehouse
from clustering.config import load_configuration, model_store
from clustering.versions.object_store import ObjectStore
from tests.clustering.made import register

uri, moment = sys.argv[1:]
put, written = ObjectStore._put, []
def killed(self, path, content):
    put(self, path, content)
    written.append(path)
    if len(written) == int(moment):
        os.kill(os.getpid(), signal.SIGKILL)
ObjectStore._put = killed
register(Registry(Warehouse(uri), model_store()), load_configuration())
"""


@pytest.fixture
def registry(warehouse, bucket: Bucket) -> Registry:
    """Return a registry whose versions lie in a bucket."""
    return Registry(warehouse, bucket.uri)


def promote(registry: Registry, version) -> None:
    """Make a version the champion."""
    registry.promote(version, instead_of=None, reason="", checks=(), events=(), decided_by="test")


@pytest.mark.parametrize("model", ["kmeans", "dbscan"])
def test_version_comes_back_as_it_was_written(registry, configuration, bucket, model):
    """Nothing else is in the bucket, also of the question whether it can be written."""
    registry.files.require_writable(model)
    assert bucket.objects() == {}
    version = register(registry, configuration, model)
    scaling, _, fitted = fit(configuration, model)
    artifact = registry.load(version)
    assert artifact.scaling.apply(CUSTOMERS).tobytes() == scaling.apply(CUSTOMERS).tobytes()
    assert {name: values.tobytes() for name, values in artifact.parameters.items()} == {
        name: values.tobytes() for name, values in fitted.parameters.items()
    }
    files = ("meta.json", "model.joblib", "parameters.npz")
    assert sorted(bucket.objects()) == [f"{version.artifact}/{file}" for file in files]


def test_a_machine_fetches_once_and_a_promotion_from_the_store(registry, configuration, bucket):
    """What is kept goes on labelling while the store is away; a champion is made of what is in the store alone."""
    version = register(registry, configuration)
    kept = registry.load(version)
    bucket.system.delete_dir_contents(bucket.name)
    again = Registry(registry.warehouse, bucket.uri).load(version)
    assert again.parameters.keys() == kept.parameters.keys()
    assert again.scaling.to_dict() == kept.scaling.to_dict()
    with pytest.raises(StoreError, match="it is not there"):
        promote(registry, version)
    assert registry.champions(["kmeans"]) == {}


def test_values_of_single_customers_are_never_kept(registry, configuration, bucket, tmp_path):
    """Nothing of a core point stays on a machine that has read it, so nothing has to be forgotten there."""
    version = register(registry, configuration, "dbscan")
    registry.load(version)
    (kept,) = (tmp_path / "kept").iterdir()
    assert kept.name == version.artifact_sha256
    bucket.system.delete_file(f"{bucket.name}/versions/{version.artifact}/parameters.npz")
    with pytest.raises(StoreError, match=r"parameters.npz: cannot be read: it is not there"):
        registry.load(version)


def test_changed_object_is_refused(registry, configuration, bucket, tmp_path):
    """As it is in a folder; and nothing of it is kept."""
    version = register(registry, configuration)
    with bucket.system.open_output_stream(f"{bucket.name}/versions/{version.artifact}/meta.json") as stream:
        stream.write(b"{}")
    with pytest.raises(ArtifactError, match=f"{bucket.uri}/{version.artifact}/meta.json: has the SHA-256"):
        registry.load(version)
    assert not (tmp_path / "kept").exists()


def test_each_fault_of_a_store_is_one_clear_passing_error(registry, configuration, bucket, monkeypatch):
    """A removed bucket, wrong credentials and no network are told apart, without secrets, and nothing is registered."""
    version = register(registry, configuration)

    def faults(text: str, to: Registry) -> None:
        for act in (
            lambda: to.load(version, fresh=True),
            lambda: promote(to, version),
            lambda: to.files.require_writable("kmeans"),
            lambda: to.files.require_reachable(),
            lambda: to.files.remove(version.artifact),
            lambda: register(to, configuration),
        ):
            with pytest.raises(StoreError, match=text) as caught:
                act()
            assert SECRET not in str(caught.value)
            assert bucket.uri in str(caught.value)
        assert prune(configuration, to) == {}  # says so in the log

    with asking_for_credentials():
        faults("the store refuses whoever asks; Airflow's connection model_store", registry)
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_STORE", bucket.connection(endpoint_url=f"http://127.0.0.1:{free_port()}"))
    faults("the store cannot be reached from this machine", Registry(registry.warehouse, bucket.uri))
    assert registry.load(version, fresh=True)
    bucket.system.delete_dir(bucket.name)
    for act in (lambda: registry.load(version, fresh=True), lambda: register(registry, configuration)):
        with pytest.raises(StoreError, match="there is no such bucket; make it, or correct CLUSTERING_STORE"):
            act()
    with pytest.raises(StoreError, match="there is no such bucket"):
        registry.files.require_reachable()
    with registry.warehouse.transaction() as transaction:
        assert transaction.scalar("registry/next_version", model="kmeans") == 2


def test_version_that_is_pruned_while_it_is_read_says_so(registry, configuration, monkeypatch):
    """Not that a file is missing, which somebody would look for."""
    version = register(registry, configuration)
    read = ObjectStore.read

    def pruned(self, name, file):
        content = read(self, name, file)
        with registry.warehouse.transaction() as transaction:
            transaction.execute("registry/mark_pruned", model_version_id=version.model_version_id)
        self.remove(name)
        return content

    monkeypatch.setattr(ObjectStore, "read", pruned)
    with pytest.raises(ArtifactError, match="the artifact of kmeans version 1 was pruned on"):
        registry.load(version)


@pytest.mark.slow
@pytest.mark.parametrize("moment", [1, 2, 3])
def test_writing_that_is_killed_makes_no_version_and_is_swept(
    registry, configuration, bucket, monkeypatch, tmp_path, moment
):
    """Whether half or all of it was uploaded: the next takes the number, and a day later what was left is gone."""
    done = subprocess.run([sys.executable, "-c", WRITER, registry.warehouse.uri, str(moment)], cwd=Path.cwd())
    assert done.returncode == -signal.SIGKILL
    assert len(bucket.objects()) == moment
    (left,) = bucket.names()
    version = register(registry, configuration)
    assert version.version == 1
    foreign = {"meta.json": json.dumps({"warehouse": "somebody else's"}).encode()}
    registry.files.write("kmeans/7-0123456789ab", foreign)
    assert prune(configuration, registry) == {}
    assert len(bucket.names()) == len({left, version.artifact}) + 1  # it may yet be registered
    monkeypatch.setattr(pruning, "SETTLED", -pruning.SETTLED)
    assert prune(configuration, registry) == {}
    assert bucket.names() == sorted([version.artifact, "kmeans/7-0123456789ab"])
    assert registry.load(version, fresh=True)


def test_two_that_write_at_once_do_not_meet(registry, configuration, bucket):
    """Each gets a number and files of its own."""
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(lambda _: register(registry, configuration), range(4)))
    assert sorted(version.version for version in versions) == [1, 2, 3, 4]
    assert bucket.names() == sorted(version.artifact for version in versions)
    for version in versions:
        assert registry.load(version, fresh=True)


def test_pruning_empties_the_bucket_of_what_nothing_needs(registry, configuration, bucket):
    """And finishes what was interrupted."""
    versions = [register(registry, configuration) for _ in range(3)]
    few = {name: spec.model_copy(update={"keep_versions": 1}) for name, spec in configuration.models.items()}
    keeping = configuration.model_copy(update={"models": few})
    assert prune(keeping, registry) == {"kmeans": [1, 2]}
    assert bucket.names() == [versions[2].artifact]
    registry.files.write(versions[0].artifact, {"parameters.npz": b"left"})
    assert prune(keeping, registry) == {}
    assert bucket.names() == [versions[2].artifact]


@pytest.mark.parametrize(
    "name", ["../precious/1-0123456789ab", "./1-0123456789ab", "kmeans", "", "kmeans/../1-0123456789ab"]
)
def test_nothing_outside_of_the_store_is_read_or_removed(registry, configuration, bucket, name):
    """Whatever the warehouse says where an artifact lies."""
    version = register(registry, configuration)
    with registry.warehouse.transaction() as transaction:
        transaction.execute(
            "forgetting/set_artifact",
            model_version_id=version.model_version_id,
            artifact=name,
            artifact_sha256=version.artifact_sha256,
        )
    with pytest.raises(ArtifactError, match="outside of the model store"):
        registry.load(registry.version(version.model_version_id))


def test_failed_upload_leaves_nothing(registry, configuration, bucket, monkeypatch):
    """What was written before the fault is removed, and nothing is registered."""
    put = ObjectStore._put

    def failing(self, path, content):
        if path.endswith("meta.json"):
            raise OSError("the disk of the store is full")
        put(self, path, content)

    monkeypatch.setattr(ObjectStore, "_put", failing)
    with pytest.raises(StoreError, match="no version of kmeans can be written there: the disk of the store is full"):
        register(registry, configuration)
    assert bucket.objects() == {}
    monkeypatch.setattr(ObjectStore, "_put", put)
    assert register(registry, configuration).version == 1


def test_server_that_does_not_tell_which_it_is_hinders_nothing(registry, configuration, bucket, monkeypatch):
    """Versions are registered; what was written in full and never registered then stays."""
    with closing(psycopg2.connect(registry.warehouse.uri)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("revoke execute on function pg_control_system() from public")
    version = register(registry, configuration)
    registry.files.write("kmeans/7-0123456789ab", {"meta.json": b"{}"})
    monkeypatch.setattr(pruning, "SETTLED", -pruning.SETTLED)
    assert prune(configuration, registry) == {}
    assert bucket.names() == sorted([version.artifact, "kmeans/7-0123456789ab"])
