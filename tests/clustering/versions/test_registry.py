"""Versions are numbered, stored whole, checked when read, and promoted one at a time."""

from __future__ import annotations

import json
import subprocess
import sys

import joblib
import numpy as np
import pytest

from clustering.algorithms import algorithm
from clustering.errors import ArtifactError
from clustering.versions.registry import Registry
from tests.clustering.made import CUSTOMERS, SETTINGS, fit, register


@pytest.fixture
def registry(warehouse, tmp_path):
    return Registry(warehouse, tmp_path / "store")


def test_versions_count_up_within_their_model(registry, configuration):
    """Each model has its own 1, 2, 3."""
    versions = [register(registry, configuration, model) for model in ("kmeans", "gmm", "kmeans")]
    assert [(version.model, version.version, version.status) for version in versions] == [
        ("kmeans", 1, "candidate"),
        ("gmm", 1, "candidate"),
        ("kmeans", 2, "candidate"),
    ]


@pytest.mark.parametrize("model", SETTINGS)
def test_artifact_comes_back_as_it_was_written(registry, configuration, model):
    """Scaling, clusters and parameters survive the disk to the last bit; labels of arrays and estimator are equal."""
    version = register(registry, configuration, model)
    artifact = registry.load(version)
    scaling, features, fitted = fit(configuration, model)
    assert artifact.scaling.apply(CUSTOMERS).tobytes() == scaling.apply(CUSTOMERS).tobytes()
    assert artifact.clusters[2].segment_name == "Segment 2"
    labels = algorithm(artifact.algorithm).assigner(artifact.parameters)(features).labels
    assert labels.tolist() == fitted.labels.tolist()
    estimator = joblib.load(registry.store / version.artifact / "model.joblib")
    again = estimator.labels_ if model == "dbscan" else estimator.predict(features)
    assert np.asarray(again).tolist() == labels.tolist()


def test_directory_is_complete_and_readable_without_python(registry, configuration):
    """The record beside the arrays is JSON; no draft is left."""
    version = register(registry, configuration)
    directory = registry.store / version.artifact
    assert sorted(path.name for path in directory.iterdir()) == ["meta.json", "model.joblib", "parameters.npz"]
    assert [path.name for path in directory.parent.iterdir()] == [directory.name]
    meta = json.loads((directory / "meta.json").read_text())
    assert (meta["format"], meta["model"], meta["version"]) == (1, "kmeans", 1)


def test_reading_needs_neither_pickle_nor_scikit_learn(registry, configuration):
    """A fresh interpreter where scikit-learn cannot be imported scores from the stored arrays."""
    _, features, fitted = fit(configuration, "gmm")
    version = register(registry, configuration, "gmm")
    program = (
        "import sys, pickle; sys.modules.update(sklearn=None, joblib=None)\n"
        "def refuse(*a, **k): raise AssertionError('unpickled')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        "from pathlib import Path; import numpy as np\n"
        "from clustering.algorithms import algorithm; from clustering.versions.artifacts import read_artifact\n"
        "store, name, sha256 = sys.argv[1:4]\n"
        "artifact = read_artifact(Path(store), name, sha256=sha256)\n"
        "features = np.array(eval(sys.argv[4]))\n"
        "print(algorithm(artifact.algorithm).assigner(artifact.parameters)(features).labels.tolist())\n"
    )
    arguments = [str(registry.store), version.artifact, version.artifact_sha256, repr(features.tolist())]
    done = subprocess.run([sys.executable, "-W", "error", "-c", program, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(fitted.labels.tolist())


def test_unknown_version_is_a_clear_error(registry):
    """An id that does not exist is named."""
    with pytest.raises(ArtifactError, match="no version with the id 7"):
        registry.version(7)
