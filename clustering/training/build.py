"""Make a version from customers in memory: select, compare with the champion, name."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.algorithms import FloatMatrix, algorithm
from clustering.algorithms.base import NOISE, Fitted, Labels
from clustering.config import Configuration
from clustering.drift.reference import Reference, reference_of
from clustering.features import fit_scaling
from clustering.segments.naming import SegmentIdentity, name_clusters
from clustering.training.comparison import ChampionOnSample, comparison_metrics, happened, incumbent, kinship
from clustering.training.segment_rules import with_explanations
from clustering.training.selection import DIVISION, select
from clustering.versions.artifacts import Artifact, ClusterSegment
from clustering.versions.registry import Training


@dataclass(frozen=True)
class Built:
    """A version that is not registered yet."""

    artifact: Artifact
    training: Training
    estimator: Any


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
    spec = configuration.models[model]
    scaling = fit_scaling(customers, spec.features, configuration.contract)
    features = scaling.apply(customers)
    selection = select(
        features,
        spec,
        seed=spec.seed,
        segments=len(configuration.segments.segments) or DIVISION,
        incumbent=incumbent(champion, scaling, spec),
    )
    fitted = selection.fitted
    columns = configuration.segments.columns or spec.features
    centres = _centres(fit_scaling(customers, columns, configuration.contract).apply(customers), fitted.labels)
    named = name_clusters(centres, configuration.segments, columns=columns, taken=())
    kin = kinship(champion, fitted.labels, named={place: identity.name for place, identity in enumerate(named)})
    identities = name_clusters(
        centres, configuration.segments, columns=columns, taken=taken, survivors=kin.survivors, reserved=reserved
    )
    clusters = with_explanations(
        _clusters(identities, fitted.labels, configuration, model),
        customers,
        fitted.labels,
        features=spec.features,
        contract=configuration.contract,
        stability=selection.stability,
    )
    compared = comparison_metrics(
        champion, fitted, clusters, customers=customers, features=features, scaling=scaling, spec=spec
    )
    events = [asdict(event) for event in happened(champion, kin, clusters)]
    return Built(
        artifact=Artifact(
            model,
            spec.algorithm,
            scaling,
            fitted.settings,
            clusters,
            fitted.parameters,
            describe(configuration, model, fitted, customers=customers, features=features, rejected=rejected),
        ),
        training=Training(
            structure=selection.structure,
            metrics={**selection.metrics, **compared, "events": events},
            sample_rule=sample_rule,
            sample_rows=customers.num_rows,
            sample_sha256=hashlib.sha256(np.ascontiguousarray(features).tobytes()).hexdigest(),
            candidates=[asdict(candidate) for candidate in selection.candidates],
        ),
        estimator=fitted.estimator,
    )


def describe(
    configuration: Configuration,
    model: str,
    fitted: Fitted,
    *,
    customers: pa.RecordBatch,
    features: FloatMatrix,
    rejected: int,
) -> Reference:
    """Return what nights of a new version are compared with."""
    spec, contract = configuration.models[model], configuration.contract
    return reference_of(
        features,
        algorithm(spec.algorithm).assigner(fitted.parameters)(features),
        columns=spec.features,
        customers=customers,
        optional=tuple(name for name in contract.averaged if contract.columns[name].missing == "allow"),
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
