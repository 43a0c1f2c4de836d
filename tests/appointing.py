"""Champions that are fitted with fixed settings, for tests that need champions but no training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from clustering.algorithms import algorithm
from clustering.customers import split
from clustering.demo.generator import generate_customers
from clustering.features import fit_scaling
from clustering.segments.naming import SegmentIdentity, name_clusters
from clustering.training.build import describe
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Training
from clustering.versions.version import Version
from tests.projects import Project

CUSTOMERS = 2_000
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "dbscan": {"eps": 0.3, "min_samples": 20},
    "gmm": {"n_components": 5, "covariance_type": "full"},
    "kmeans": {"n_clusters": 5},
}


def appoint(project: Project, model: str, **settings: Any) -> Version:
    """Fit a model with some settings, make it the champion, and return its version."""
    registry, configuration = project.registry, project.configuration
    spec = configuration.models[model]
    made = generate_customers(CUSTOMERS, seed=1, dirty_share=0).combine_chunks().to_batches()[0]
    customers = split(made, configuration.contract).valid
    scaling = fit_scaling(customers, spec.features, configuration.contract)
    features = scaling.apply(customers)
    fitted = algorithm(spec.algorithm).fit(features, {**SETTINGS.get(model, {}), **settings}, spec)
    centres = np.stack([features[fitted.labels == label].mean(axis=0) for label in range(fitted.labels.max() + 1)])
    found = name_clusters(centres, configuration.segments, columns=spec.features, taken=())
    names = dict(enumerate(found))
    if spec.has_noise:
        names[-1] = SegmentIdentity(0, **configuration.segments.outliers.model_dump())
    clusters = tuple(
        ClusterSegment(label, one.segment_id, one.name, one.description, one.recommended_action, customers=0)
        for label, one in sorted(names.items())
    )
    dirty = generate_customers(CUSTOMERS, seed=1).combine_chunks().to_batches()[0]
    rejected = split(dirty, configuration.contract).rejected.num_rows
    reference = describe(configuration, model, fitted, customers=customers, features=features, rejected=rejected)
    artifact = Artifact(model, spec.algorithm, scaling, fitted.settings, clusters, fitted.parameters, reference)
    training = Training("structured", Metrics(silhouette=0.5), "all", customers.num_rows, "0" * 64)
    version = registry.register(artifact, training, estimator=fitted.estimator)
    registry.promote(
        version,
        instead_of=registry.champions([model]).get(model),
        reason="chosen by the test",
        checks=(),
        events=(),
        decided_by="test",
    )
    return registry.version(version.model_version_id)
