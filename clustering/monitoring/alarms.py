"""Watch a night that is published: check it for drift, keep the checks, and ask for a retraining where one is due."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

import numpy as np

from clustering.config import Configuration, Drift
from clustering.drift.checks import DriftCheck, ModelNight, check_nights
from clustering.drift.measurements import merge_measures
from clustering.drift.reference import CONFIDENCE, DISTANCE, FEATURE, Reference
from clustering.errors import ArtifactError, StoreError
from clustering.features import Scaling
from clustering.monitoring.watched_run import ShardCounts, WatchedRun, lock_watched_run, read_shard_counts
from clustering.segments.profiles import merge_profiles
from clustering.versions.artifacts import Artifact
from clustering.versions.registry import Registry
from clustering.versions.version import Version, read_run_versions
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Alarm:
    """A check that found drift."""

    model: str
    layer: str
    check_name: str
    subject: str
    statistic: float
    threshold: float
    description: str

    def __str__(self) -> str:
        where = f"{self.model}, {self.layer}, {self.check_name} of {self.subject}"
        return f"{where}: {self.statistic:.2f} (limit {self.threshold:.2f}); {self.description}"


def watch(
    warehouse: Warehouse,
    configuration: Configuration,
    registry: Registry,
    *,
    run_id: int,
    may_ask: bool = True,
    may_retry: bool = False,
) -> dict[str, Any]:
    """Check a published run for drift, keep the checks, and return the alarms and the models to retrain.

    Models for which a later run holds are left out. Models are to be retrained when the run's date is the latest one
    and the last such request is old enough, unless nobody `may_ask` for it, and never one whose champion was brought
    back by a roll-back. A version without a reference is left out with a line in the log; one whose files cannot be
    used is `unwatched`, with the reason, unless they cannot be read and the caller `may_retry`: StoreError. Watching a
    run again returns and writes the same, while nothing else is published or decided. Raises RunError for a run that
    is not published.
    """
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        run = lock_watched_run(transaction, run_id)
        checks: list[DriftCheck] = []
        unwatched: dict[str, str] = {}
        if run.models:
            drift = configuration.contract.drift
            nights, unwatched = _nights(transaction, registry, run, may_retry=may_retry)
            checks = check_nights(nights, false_alarms=drift.false_alarms, min_effect=drift.min_effect)
            _keep(transaction, run, checks)
        alarms = [_alarm(check) for check in checks if check.alarm]
        retrain = _due(transaction, run, alarms, configuration.contract.drift) if may_ask else []
    for alarm in alarms:
        log.warning("drift as of %s: %s", run.as_of, alarm)
    log.info("run %s: %s checks, %s alarms, to retrain: %s", run_id, len(checks), len(alarms), retrain or "nothing")
    return {
        "run_id": run_id,
        "as_of": run.as_of.isoformat(),
        "is_latest": run.is_latest,
        "checks": len(checks),
        "alarms": [asdict(alarm) | {"sentence": str(alarm)} for alarm in alarms],
        "retrain": retrain,
        "unwatched": unwatched,
    }


def _nights(
    transaction: Transaction, registry: Registry, run: WatchedRun, *, may_retry: bool
) -> tuple[list[ModelNight], dict[str, str]]:
    """Return the nights of the models that can be checked, and why others cannot."""
    shards = read_shard_counts(transaction, run)
    nights: list[ModelNight] = []
    unwatched: dict[str, str] = {}
    for version in (each for each in read_run_versions(transaction, run.run_id) if each.model in run.models):
        try:
            artifact = registry.load(version)
        except (ArtifactError, StoreError) as error:
            if may_retry and isinstance(error, StoreError):
                raise
            log.error("%s version %s is not watched: %s", version.model, version.version, error)
            unwatched[version.model] = str(error)
            continue
        if artifact.reference is None or not all(shard.measures for shard in shards):
            log.warning(
                "%s version %s is not watched: it was trained, or the run scored, by a release that kept nothing to "
                "compare with; the next retraining brings it",
                version.model,
                version.version,
            )
            continue
        nights.append(_night(version, artifact, artifact.reference, shards))
    return nights, unwatched


def _night(version: Version, artifact: Artifact, reference: Reference, shards: Sequence[ShardCounts]) -> ModelNight:
    key = version.model_version_id
    clusters = merge_profiles(shard.profiles[key] for shard in shards)
    columns = {name for cluster in clusters.values() for name in cluster.columns}
    customers = sum(cluster.customers for cluster in clusters.values())
    return ModelNight(
        model=version.model,
        model_version_id=version.model_version_id,
        reference=reference,
        structured=version.structure == "structured",
        segments={each.cluster_label: (each.segment_id, each.segment_name) for each in artifact.clusters},
        rejected=sum(shard.rows_rejected for shard in shards),
        customers=customers,
        missing={
            name: customers - sum(cluster.columns[name].present for cluster in clusters.values()) for name in columns
        },
        clusters={label: cluster.customers for label, cluster in clusters.items()},
        measures=merge_measures(shard.measures[key] for shard in shards),
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
    if name not in (CONFIDENCE, DISTANCE):
        column = scaling.columns.index(title)
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


def _keep(transaction: Transaction, run: WatchedRun, checks: Sequence[DriftCheck]) -> None:
    transaction.execute("monitoring/delete_checks", run_id=run.run_id, as_of=run.as_of)
    records: list[Mapping[str, Any]] = [
        {
            "as_of": run.as_of,
            "run_id": run.run_id,
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
        for check in checks
    ]
    transaction.insert("monitoring/insert_check", records)


def _alarm(check: DriftCheck) -> Alarm:
    one = check.comparison
    return Alarm(
        one.night.model, one.layer, one.check, one.subject, check.statistic, check.threshold, check.description
    )


def _due(transaction: Transaction, run: WatchedRun, alarms: Sequence[Alarm], drift: Drift) -> list[str]:
    """Return the models to retrain because of the alarms, and note the request."""
    alarmed = {alarm.model for alarm in alarms}
    if not (alarmed and run.is_latest and drift.retrain_at_most_every_days):
        return []
    models = _without_rolled_back(transaction, alarmed)
    if not models:
        return []
    transaction.execute("monitoring/lock_requests")
    last = transaction.scalar("monitoring/last_request", run_id=run.run_id)
    if last is not None and run.as_of < last + timedelta(days=drift.retrain_at_most_every_days):
        log.info("no retraining: one was asked for as of %s, too short a time ago", last)
        return []
    transaction.execute("monitoring/insert_request", run_id=run.run_id, as_of=run.as_of, models=models)
    return models


def _without_rolled_back(transaction: Transaction, models: Set[str]) -> list[str]:
    """Leave out the models that somebody has rolled back: a retraining would bring the like of what they rejected."""
    rolled_back = models & {row.model for row in transaction.rows("monitoring/rolled_back")}
    if rolled_back:
        log.warning(
            "no retraining of %s because of drift: rolled back; promote a version once the cause is known",
            ", ".join(sorted(rolled_back)),
        )
    return sorted(models - rolled_back)
