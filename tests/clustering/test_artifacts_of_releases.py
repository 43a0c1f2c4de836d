"""Artifacts that were written under other releases of scikit-learn."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from clustering.algorithms import algorithm
from clustering.versions.artifacts import read_artifact
from tests.clustering.artifacts.make import customers

FOLDERS = sorted((Path(__file__).parent / "artifacts").glob("scikit-learn-*"))
WITHOUT = """
import json, pickle, sys
sys.modules.update(sklearn=None, joblib=None)
def refuse(*arguments, **options): raise AssertionError("unpickled")
pickle.load = pickle.loads = pickle.Unpickler = refuse
from pathlib import Path
import numpy as np
from clustering.algorithms import algorithm
from clustering.versions.artifacts import read_artifact
artifact = read_artifact(Path(sys.argv[1]), sys.argv[2], sha256=sys.argv[3])
features = np.array(json.loads(sys.stdin.read()))
print(json.dumps(algorithm(artifact.algorithm).assigner(artifact.parameters)(features).labels.tolist()))
"""


def _cases():
    for folder in FOLDERS:
        expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
        for name, one in expected.items():
            yield pytest.param(folder, one, id=f"{folder.name}-{name}")


def test_old_and_new_releases_are_there():
    """The oldest release and the present one have written artifacts."""
    assert [folder.name for folder in FOLDERS] == ["scikit-learn-1.5", "scikit-learn-1.9"]


@pytest.mark.parametrize(("folder", "expected"), list(_cases()))
def test_an_artifact_labels_as_it_did(folder, expected):
    """Labels and confidences are those under the release that wrote it; a warning would fail the test."""
    artifact = read_artifact(folder, expected["name"], sha256=expected["sha256"])
    assignment = algorithm(artifact.algorithm).assigner(artifact.parameters)(artifact.scaling.apply(customers(seed=1)))

    assert assignment.labels.tolist() == expected["labels"]
    assert np.allclose(assignment.confidence, expected["confidence"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("folder", "expected"), list(_cases()))
def test_an_artifact_needs_neither_scikit_learn_nor_pickle(folder, expected):
    """An interpreter in which scikit-learn cannot be imported gives the same labels, with warnings as errors."""
    artifact = read_artifact(folder, expected["name"], sha256=expected["sha256"])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", WITHOUT, str(folder), expected["name"], expected["sha256"]],
        input=json.dumps(artifact.scaling.apply(customers(seed=1)).tolist()),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == expected["labels"]


def test_releases_write_the_same_arrays():
    """The same customers and settings give the same artifact, to the last byte."""
    one, other = (json.loads((folder / "expected.json").read_text(encoding="utf-8")) for folder in FOLDERS)

    assert one == other
