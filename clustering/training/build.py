"""Make a version from customers in memory: select, compare with the champion, name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.algorithms import FloatMatrix, algorithm
from clustering.algorithms.base import NOISE, Fitted, Labels
from clustering.config import Configuration, ModelSpec
from clustering.drift.reference import Reference, reference_of
from clustering.features import Scaling, fit_scaling
from clustering.segments.naming import SegmentIdentity, name_clusters
from clustering.segments.prevailing_levels import prevailing_levels
from clustering.segments.typical_values import typical_values
from clustering.training.comparison import (
    ChampionOnSample,
    Kinship,
    compare,
    happened,
    incumbent,
    kinship,
)
from clustering.training.segment_rules import with_explanations
from clustering.training.selection import DIVISION, Selection, select
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Training


@dataclass(frozen=True)
class Built:
    """A version that is not registered yet."""

    artifact: Artifact
    training: Training
    estimator: Any


@dataclass(frozen=True)
class Trained:
    """A model's valid customers, their features (n, d), and the fit that was selected."""

    model: str
    configuration: Configuration
    customers: pa.RecordBatch
    scaling: Scaling
    features: FloatMatrix
    selection: Selection

    @property
    def spec(self) -> ModelSpec:
        """The model's specification."""
        return self.configuration.models[self.model]

    @property
    def labels(self) -> Labels:
        """Cluster labels (n,) of the customers."""
        return self.selection.fitted.labels


def build(
    model: str,
    configuration: Configuration,
    customers: pa.RecordBatch,
    *,
    champion: ChampionOnSample | None,
    taken: Collection[int] = (),
    reserved: Collection[str] = (),
    sample_rule: str,
    rejected: int = 0,
) -> Built:
    """Train a model on valid customers and make its clusters the segments that they carry on.

    `taken` are the segment ids that the model has used, `reserved` the names that analysts gave, `rejected` counts the
    rows that were drawn and not valid. Raises TrainingError with the reason when no version can be made from these
    customers.
    """
    trained = _select(model, configuration, customers, champion)
    kin, identities = _identities(trained, champion, taken, reserved)
    clusters = _explained(trained, identities)
    return Built(
        artifact=_artifact(trained, clusters, rejected),
        training=Training(
            structure=trained.selection.structure,
            metrics=_metrics(trained, champion, kin, clusters),
            sample_rule=sample_rule,
            sample_rows=customers.num_rows,
            sample_sha256=hashlib.sha256(np.ascontiguousarray(trained.features).tobytes()).hexdigest(),
            candidates=trained.selection.candidates,
        ),
        estimator=trained.selection.fitted.estimator,
    )


def _select(
    model: str, configuration: Configuration, customers: pa.RecordBatch, champion: ChampionOnSample | None
) -> Trained:
    spec = configuration.models[model]
    scaling = fit_scaling(customers, spec.features, configuration.contract)
    features = scaling.apply(customers)
    selection = select(
        features,
        spec,
        seed=spec.seed,
        segments=len(configuration.segments.segments) or DIVISION,
        incumbent=incumbent(champion, scaling, spec),
        names=scaling.owners,
    )
    return Trained(model, configuration, customers, scaling, features, selection)


def _identities(
    trained: Trained, champion: ChampionOnSample | None, taken: Collection[int], reserved: Collection[str]
) -> tuple[Kinship, list[SegmentIdentity]]:
    """Return how the clusters descend from the champion's segments, and what each of them is called from now on."""
    configuration, catalogue = trained.configuration, trained.configuration.segments
    features, categories = trained.spec.features, configuration.contract.categories
    columns = catalogue.columns or tuple(name for name in features if name not in categories)
    encoded = [name for name in features if name in categories]
    levels = prevailing_levels(trained.customers, trained.labels, encoded)
    scaling = fit_scaling(trained.customers, columns, configuration.contract)
    centres = _centres(scaling.apply(trained.customers), trained.labels)
    named = name_clusters(centres, catalogue, columns=columns, taken=(), levels=levels)
    kin = kinship(champion, trained.labels, named={place: identity.name for place, identity in enumerate(named)})
    identities = name_clusters(
        centres,
        catalogue,
        columns=columns,
        taken=taken,
        survivors=kin.survivors,
        reserved=reserved,
        typical=typical_values(
            trained.customers,
            trained.labels,
            columns=tuple(dict.fromkeys([*columns, *encoded])),
            contract=configuration.contract,
        ),
        levels=levels,
    )
    return kin, identities


def _explained(trained: Trained, identities: list[SegmentIdentity]) -> tuple[ClusterSegment, ...]:
    return with_explanations(
        _clusters(identities, trained.labels, trained.configuration, trained.model),
        trained.customers,
        trained.labels,
        features=trained.spec.features,
        contract=trained.configuration.contract,
        scaling=trained.scaling,
        stability=trained.selection.stability,
    )


def _artifact(trained: Trained, clusters: tuple[ClusterSegment, ...], rejected: int) -> Artifact:
    fitted, configuration, model = trained.selection.fitted, trained.configuration, trained.model
    reference = describe(
        configuration,
        model,
        fitted,
        customers=trained.customers,
        features=trained.features,
        columns=trained.scaling.owners,
        rejected=rejected,
    )
    return Artifact(
        model, trained.spec.algorithm, trained.scaling, fitted.settings, clusters, fitted.parameters, reference
    )


def _metrics(
    trained: Trained, champion: ChampionOnSample | None, kin: Kinship, clusters: tuple[ClusterSegment, ...]
) -> Metrics:
    compared = compare(
        champion,
        trained.selection.fitted,
        clusters,
        customers=trained.customers,
        features=trained.features,
        scaling=trained.scaling,
        spec=trained.spec,
    )
    return replace(
        trained.selection.metrics,
        champion_version_id=champion.version.model_version_id if champion else None,
        comparison=compared,
        uncompared=champion.unreadable if champion else None,
        events=tuple(happened(champion, kin, clusters)),
    )


def describe(
    configuration: Configuration,
    model: str,
    fitted: Fitted,
    *,
    customers: pa.RecordBatch,
    features: FloatMatrix,
    columns: tuple[str, ...] | None = None,
    rejected: int,
) -> Reference:
    """Return what nights of a new version are compared with; `columns` (d,) are the features', see `reference_of`."""
    spec, contract = configuration.models[model], configuration.contract
    return reference_of(
        features,
        algorithm(spec.algorithm).assigner(fitted.parameters)(features),
        columns=columns or spec.features,
        customers=customers,
        optional=tuple(name for name in contract.averaged if contract.columns[name].may_be_empty),
        rejected=rejected,
        # Of a density model it is the nearness to the nearest core customer, who in training may be oneself.
        with_confidence=not spec.has_noise,
    )


def _centres(standardised: FloatMatrix, labels: Labels) -> FloatMatrix:
    return np.stack([standardised[labels == cluster].mean(axis=0) for cluster in range(int(labels.max()) + 1)])


def _clusters(
    identities: list[SegmentIdentity], labels: Labels, configuration: Configuration, model: str
) -> tuple[ClusterSegment, ...]:
    by_label = dict(enumerate(identities))
    if configuration.models[model].has_noise:
        by_label[NOISE] = SegmentIdentity(0, **configuration.segments.outliers.model_dump())
    return tuple(
        ClusterSegment(
            cluster_label=label,
            segment_id=identity.segment_id,
            segment_name=identity.name,
            description=identity.description,
            recommended_action=identity.recommended_action,
            customers=int((labels == label).sum()),
            named_at=identity.named_at,
        )
        for label, identity in sorted(by_label.items())
    )
