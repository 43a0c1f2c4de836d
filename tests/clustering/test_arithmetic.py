"""Elementary functions: as exact as the C library's, and the same to the last bit whatever the processor has."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from clustering.algorithms import algorithm, algorithm_names
from clustering.arithmetic import exp, log1p
from clustering.config import PROJECT, Contract
from clustering.features import Scaling, fit_scaling

CONTRACT = Contract.model_validate(
    {
        "table": "t",
        "columns": {
            "id": {"type": "bigint", "role": "key"},
            "days": {"type": "integer", "role": "cluster", "range": [0, None], "transform": "log"},
            "revenue": {"type": "number", "role": "cluster", "range": [0, None], "transform": "log"},
        },
    }
)
SETTINGS: dict[str, dict[str, Any]] = {
    "kmeans": {"n_clusters": 4},
    "gmm": {"n_components": 4, "covariance_type": "full"},
    "dbscan": {"eps": 0.3, "min_samples": 10},
}
ROWS, TRAINED = 200_000, 2_000


def customers() -> pa.RecordBatch:
    """Draw customers by sums and products alone, so that they are the same ones under any unit."""
    random = np.random.default_rng(7)
    days, revenue = random.integers(0, 700, ROWS), random.integers(0, 10**7, ROWS) * random.random(ROWS) / 100
    return pa.record_batch({"days": pa.array(days), "revenue": pa.array(revenue)})


def labelled(folder: Path) -> str:
    """Return a digest of what every version in a folder makes of the customers: features, labels and confidences."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        with np.load(path) as stored:
            kept = dict(stored)
        scaling = Scaling(("days", "revenue"), ("log", "log"), kept.pop("mean"), kept.pop("scale"))
        features = scaling.apply(customers())
        assigned = algorithm(path.stem).assigner(kept)(features)
        for found in (features, assigned.labels, assigned.confidence):
            digest.update(found.tobytes())
    return digest.hexdigest()


def units() -> list[str]:
    """Return the vector units beyond the ones that NumPy cannot do without."""
    core = import_module("numpy._core._multiarray_umath")

    return [unit for unit in core.__cpu_dispatch__ if core.__cpu_features__[unit]]


def ulps(found: np.ndarray, right: list[float]) -> float:
    """Return by how many units in the last place values are wrong at most."""
    return float((np.abs(found - right) / np.maximum(np.spacing(np.abs(right)), 5e-324)).max())


def test_functions_are_as_exact_as_the_c_library() -> None:
    """Within two units in the last place of what the C library says, which may be wrong by one itself."""
    random = np.random.default_rng(1)
    values = np.concatenate(
        [
            random.integers(0, 10**9, 50_000) / 100,
            np.exp(random.normal(0, 8, 50_000)),
            random.random(20_000) - 1 + 2e-16,
            random.normal(size=20_000) * 1e-9,
            [0.0, 1e308, 5e-324, -1 + 2e-16],
        ]
    )
    assert ulps(log1p(values), [math.log1p(value) for value in values]) <= 2
    powers = np.concatenate([-np.abs(random.normal(0, 40, 50_000)), [0.0, -708.0, -744.0, -745.0, 1.0, 700.0]])
    assert ulps(exp(powers), [math.exp(power) for power in powers]) <= 2


def test_values_at_the_ends_are_what_they_are_elsewhere() -> None:
    assert log1p(np.array([0.0, -1.0, np.inf])).tolist() == [0.0, -np.inf, np.inf]
    assert np.isnan(log1p(np.array([np.nan, -2.0]))).all()
    assert exp(np.array([[0.0], [-746.0], [-1e300]])).tolist() == [[1.0], [0.0], [0.0]]
    assert log1p(np.empty(0)).shape == (0,)


def test_values_do_not_depend_on_those_beside_them() -> None:
    values = np.random.default_rng(2).random(20_000) * 1e6
    assert log1p(values).tobytes() == np.concatenate([log1p(values[:7]), log1p(values[7:])]).tobytes()


def test_labels_are_the_same_without_the_vector_units(tmp_path: Path) -> None:
    """Features, labels and confidences of all algorithms, to the last bit."""
    if not (there := units()):
        pytest.skip("this processor has no vector unit that could be switched off")
    rows = customers()
    scaling = fit_scaling(rows, ("days", "revenue"), CONTRACT)
    features = scaling.apply(rows.slice(0, TRAINED))
    assert sorted(SETTINGS) == sorted(algorithm_names())
    for name, settings in SETTINGS.items():
        spec = algorithm(name).specification.model_validate({"algorithm": name, "features": ["days", "revenue"]})
        fitted = algorithm(name).fit(features, settings, spec)
        kept: dict[str, Any] = {"mean": scaling.mean, "scale": scaling.scale, **fitted.parameters}
        np.savez(tmp_path / name, **kept)
    script = "import sys; from pathlib import Path; from tests.clustering.test_arithmetic import labelled as of;"
    found = subprocess.run(
        [sys.executable, "-c", f"{script} print(of(Path(sys.argv[1])))", str(tmp_path)],
        cwd=PROJECT,
        env={**os.environ, "NPY_DISABLE_CPU_FEATURES": " ".join(there)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == labelled(tmp_path)
