"""Small versions for the tests of registry, gate and pruning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.algorithms import Fitted, FloatMatrix, algorithm
from clustering.config import Configuration
from clustering.features import Scaling, fit_scaling
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Registry, Training, Version

CUSTOMERS = pa.record_batch(
    {
        "annual_income": [10.0, 11.0, 12.0, 50.0, 51.0, 52.0, 90.0, 91.0, 92.0],
        "spending_score": [10.0, 12.0, 11.0, 80.0, 82.0, 81.0, 20.0, 22.0, 21.0],
    }
)
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "kmeans": {"n_clusters": 3},
    "gmm": {"n_components": 3, "covariance_type": "full"},
    "dbscan": {"eps": 0.5, "min_samples": 2},
}
FIVE = ((86_500, 82), (55_000, 49.5), (26_000, 21), (88_000, 17), (26_000, 79))
THREE = {1: "Segment 0", 2: "Segment 1", 3: "Segment 2"}


def five_groups(rows: int = 600) -> pa.RecordBatch:
    """Make customers in the five groups of the named segments."""
    noise = np.random.default_rng(0).normal(size=(rows, 2)) * (5_000, 4)
    income, score = (np.array(FIVE)[np.arange(rows) % 5] + noise).T
    return pa.record_batch({"annual_income": income, "spending_score": score})


def fit(configuration: Configuration, model: str) -> tuple[Scaling, FloatMatrix, Fitted]:
    """Fit three clusters to nine customers."""
    spec = configuration.models[model]
    scaling = fit_scaling(CUSTOMERS, spec.features, configuration.contract)
    features = scaling.apply(CUSTOMERS)
    return scaling, features, algorithm(spec.algorithm).fit(features, SETTINGS[model], spec)


def register(
    registry: Registry,
    configuration: Configuration,
    model: str = "kmeans",
    *,
    names: Mapping[int, str] = THREE,
    structure: str = "structured",
    **metrics: Any,
) -> Version:
    """Register a candidate whose clusters are the segments with these names."""
    scaling, features, fitted = fit(configuration, model)
    clusters = tuple(
        ClusterSegment(label, segment, name, "", "", 3) for label, (segment, name) in enumerate(names.items())
    )
    artifact = Artifact(
        model, configuration.models[model].algorithm, scaling, fitted.settings, clusters, fitted.parameters
    )
    figures = Metrics.from_document({"silhouette": 0.5} | metrics)
    training = Training(structure, figures, "all nine", len(features), "0" * 64)
    return registry.register(artifact, training, estimator=fitted.estimator)
