"""Write artifacts of all three algorithms with the scikit-learn at hand, and the labels that they give.

`PYTHONPATH=. python tests/clustering/artifacts/make.py` in an environment with another scikit-learn adds its folder,
from which `test_artifacts_of_releases.py` reads.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import sklearn
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.algorithms.base import Settings
from clustering.config import Column, Contract, DbscanSpec, GaussianMixtureSpec, KMeansSpec, ModelSpec
from clustering.features import fit_scaling
from clustering.versions.artifacts import PARAMETERS, Artifact, ClusterSegment, write_artifact

HERE = Path(__file__).parent
COLUMNS = ("income", "score")
CASES: tuple[tuple[ModelSpec, Settings], ...] = (
    (KMeansSpec(algorithm="kmeans", features=COLUMNS), {"n_clusters": 4}),
    (GaussianMixtureSpec(algorithm="gmm", features=COLUMNS), {"n_components": 4, "covariance_type": "full"}),
    (DbscanSpec(algorithm="dbscan", features=COLUMNS), {"eps": 0.25, "min_samples": 5}),
)


def customers(*, seed: int) -> pa.RecordBatch:
    """Return 400 customers in four groups; another seed gives others between and around them."""
    centres = [[20, 20], [20, 80], [80, 20], [80, 80]]
    rows = make_blobs(400, centers=centres, cluster_std=9, random_state=seed)[0].round(6)
    return pa.RecordBatch.from_pydict(dict(zip(COLUMNS, rows.T, strict=True)))


def main() -> None:
    """Write the folder of this scikit-learn."""
    folder = HERE / f"scikit-learn-{'.'.join(sklearn.__version__.split('.')[:2])}"
    columns = {name: Column(type="number", role="cluster") for name in COLUMNS}
    contract = Contract(table="customers", columns={"customer_id": Column(type="bigint", role="key"), **columns})
    trained = customers(seed=0)
    scaling = fit_scaling(trained, COLUMNS, contract)
    expected = {}
    for spec, settings in CASES:
        fitted = algorithm(spec.algorithm).fit(scaling.apply(trained), settings, spec)
        segments = tuple(
            ClusterSegment(
                int(label), max(int(label), 0), f"segment {label}", "", "", int((fitted.labels == label).sum())
            )
            for label in np.unique(fitted.labels)
        )
        artifact = Artifact(spec.algorithm, spec.algorithm, scaling, settings, segments, fitted.parameters)
        name, digest = write_artifact(folder, artifact, version=1, estimator=None)
        assert {path.name for path in (folder / name).iterdir()} >= {PARAMETERS}
        (folder / name / "model.joblib").unlink()
        assignment = algorithm(spec.algorithm).assigner(fitted.parameters)(scaling.apply(customers(seed=1)))
        expected[spec.algorithm] = {
            "name": name,
            "sha256": digest,
            "labels": assignment.labels.tolist(),
            "confidence": [round(float(one), 6) for one in assignment.confidence],
        }
    (folder / "expected.json").write_text(json.dumps(expected) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
