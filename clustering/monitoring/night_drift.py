"""The drift checks of a scored night: its customers beside those that each version was trained on."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from clustering.config import Drift
from clustering.drift.checks import DriftCheck, ModelNight, check_nights
from clustering.drift.measurements import merge_measures
from clustering.drift.reference import CONFIDENCE, DISTANCE, FEATURE, Reference
from clustering.errors import ArtifactError, StoreError
from clustering.features import Scaling
from clustering.features.categories import OTHER, spoken_level
from clustering.monitoring.scored_night import ScoredNight
from clustering.versions.artifacts import Artifact
from clustering.versions.registry import Registry
from clustering.versions.version import Version
from clustering.warehouse import Transaction

log = logging.getLogger(__name__)


def check_drift(
    registry: Registry, night: ScoredNight, drift: Drift, *, may_retry: bool
) -> tuple[list[DriftCheck], dict[str, str]]:
    """Compare a night with the training samples of its versions; also return why models could not be compared.

    A version without a reference is left out with a line in the log. Raises StoreError where files cannot be read and
    the caller `may_retry`.
    """
    nights, shards = list[ModelNight](), night.shards
    unchecked: dict[str, str] = {}
    for version in night.versions:
        try:
            artifact = registry.load(version)
        except (ArtifactError, StoreError) as error:
            if may_retry and isinstance(error, StoreError):
                raise
            log.error("%s version %s is not checked for drift: %s", version.model, version.version, error)
            unchecked[version.model] = str(error)
            continue
        if artifact.reference is None or not all(shard.measures for shard in shards):
            log.warning(
                "%s version %s is not checked for drift: it was trained, or the run scored, by a release that kept "
                "nothing to compare with; the next retraining brings it",
                version.model,
                version.version,
            )
            continue
        nights.append(_night(version, artifact, artifact.reference, night))
    return check_nights(nights, false_alarms=drift.false_alarms, min_effect=drift.min_effect), unchecked


def as_record(check: DriftCheck) -> dict[str, Any]:
    """Return a check as the row of `drift_checks` that publishing writes, but for the run and its date."""
    return {
        "model": check.comparison.night.model,
        "model_version_id": check.comparison.night.model_version_id,
        "layer": check.comparison.layer,
        "check_name": check.comparison.check,
        "subject": check.comparison.subject,
        "statistic": check.statistic,
        "threshold": check.threshold,
        "alarm": check.alarm,
        "rows": sum(check.comparison.counts),
        "reference_rows": sum(check.comparison.expected),
        "description": check.description,
    }


def read_drift(transaction: Transaction, models: Sequence[str], *, as_of: date | None = None) -> list[dict[str, Any]]:
    """Return the drift checks of some models on a published date, by default the latest of each, JSON-able.

    Alarms come first, then those nearest to their limit.
    """
    rows = transaction.rows("monitoring/drift", models=list(models), as_of=as_of)
    return [{**row._mapping, "as_of": row.as_of.isoformat()} for row in rows]


def _night(version: Version, artifact: Artifact, reference: Reference, night: ScoredNight) -> ModelNight:
    clusters = night.counts.profiles[version.model]
    columns = {name for cluster in clusters.values() for name in cluster.columns}
    customers = sum(cluster.customers for cluster in clusters.values())
    return ModelNight(
        model=version.model,
        model_version_id=version.model_version_id,
        reference=reference,
        structured=version.structure == "structured",
        segments={each.cluster_label: (each.segment_id, each.segment_name) for each in artifact.clusters},
        rejected=night.counts.rows_rejected,
        customers=customers,
        missing={
            name: customers - sum(cluster.columns[name].present for cluster in clusters.values()) for name in columns
        },
        clusters={label: cluster.customers for label, cluster in clusters.items()},
        measures=merge_measures(shard.measures[version.model_version_id] for shard in night.shards),
        describe_bin=lambda name, place: describe_bin(reference, artifact.scaling, name, place),
    )


def describe_bin(reference: Reference, scaling: Scaling, name: str, place: int) -> str:
    """Say where a bin of a histogram lies, a feature's in the column's own units.

    >>> from clustering.drift.histograms import Histogram
    >>> scaling = Scaling(("income",), ("none",), np.array([100.0]), np.array([10.0]))
    >>> reference = Reference(30, 0, {}, {}, {}, {"feature income": Histogram((-1.0, 2.0), (10, 10, 10))})
    >>> describe_bin(reference, scaling, "feature income", 1)
    'income from 90 to 120'
    """
    edges = np.array(reference.histograms[name].edges)
    title = {CONFIDENCE: "confidence", DISTANCE: "distance to the own centre"}.get(name, name.removeprefix(FEATURE))
    if title in scaling.levels:
        return f"{title} {[*map(spoken_level, scaling.levels[title]), OTHER][place]}"
    if name not in (CONFIDENCE, DISTANCE):
        column = scaling.places(title).start
        values = np.tile(scaling.mean * 0, (len(edges), 1))
        values[:, column] = edges
        edges = scaling.invert(values)[:, column]
    if not len(edges):
        return title
    if place == 0:
        return f"{title} below {edges[0]:.5g}"
    if place == len(edges):
        return f"{title} from {edges[-1]:.5g} on"
    return f"{title} from {edges[place - 1]:.5g} to {edges[place]:.5g}"
