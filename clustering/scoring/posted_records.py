"""Label a few customers who are handed over, with a model's champion; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from clustering.algorithms import Assigner, algorithm
from clustering.algorithms.base import DECIMALS
from clustering.config import Configuration, Contract
from clustering.customers.record_checks import Checked, check_records, describe_faults
from clustering.errors import ArtifactError, DataError, NoChampionError
from clustering.scoring.labeller import missing_columns, outdated, with_values_for
from clustering.segments.explanations import explain
from clustering.versions.artifacts import Artifact
from clustering.versions.own_names import OwnName, own_names, put_on
from clustering.versions.registry import Registry
from clustering.versions.version import Version


@dataclass(frozen=True)
class Scorer:
    """A version that is ready to label customers."""

    version: Version
    artifact: Artifact
    assign: Assigner

    def check_again(self, records: Sequence[Mapping[str, Any]], checked: Checked, contract: Contract) -> Checked:
        """Check records that the contract lets pass by what the version has nothing to stand for."""
        stricter = with_values_for([self.artifact], contract)
        return checked if stricter is contract else check_records(records, stricter)

    def label(self, customers: pa.RecordBatch, keys: Sequence[Any], *, detail: bool = False) -> list[dict[str, Any]]:
        """Return the cluster of every valid customer under its key, with segment and reason where `detail` is asked."""
        features = self.artifact.scaling.apply(customers)
        assignment = self.assign(features)
        labels = assignment.labels.tolist()
        if not detail:
            return [{"customer_id": key, "cluster_label": label} for key, label in zip(keys, labels, strict=True)]
        segments = {cluster.cluster_label: cluster for cluster in self.artifact.clusters}
        told = explain(self.artifact, features).sentences
        return [
            {
                "customer_id": key,
                "cluster_label": label,
                "segment_id": segments[label].segment_id,
                "segment_name": segments[label].segment_name,
                "confidence": round(confidence, DECIMALS),
                "version": self.version.version,
                "reason": reason,
            }
            for key, label, confidence, reason in zip(keys, labels, assignment.confidence.tolist(), told, strict=True)
        ]


def make_scorer(version: Version, artifact: Artifact, contract: Contract, *, own: Mapping[int, OwnName]) -> Scorer:
    """Return a version ready to score; `own` are the analysts' names of its segments.

    Raises ArtifactError when the version needs a column that the contract no longer has as a number.
    """
    if missing := missing_columns(artifact, contract):
        raise ArtifactError(outdated(version, missing))
    named = replace(artifact, clusters=tuple(put_on(artifact.clusters, own)))
    return Scorer(version, named, algorithm(artifact.algorithm).assigner(artifact.parameters))


def cluster_records(
    configuration: Configuration,
    registry: Registry,
    *,
    model: str,
    records: Sequence[Mapping[str, Any]],
    detail: bool = False,
) -> dict[str, list[dict[str, Any]]]:
    """Return the clusters of posted customers by a model's champion.

    Raises ConfigurationError for a model that is not configured, NoChampionError when it was never promoted, and
    DataError, which names row, field, value and what is allowed, when a record is not a valid customer.
    """
    (name,) = configuration.select([model])
    contract = configuration.contract
    checked = _require_valid(check_records(records, contract), rows=len(records))
    version = registry.champions([name]).get(name)
    if version is None:
        raise no_champion(name)
    with registry.warehouse.transaction(read_only=True) as transaction:
        own = own_names(transaction, [name])[name]
    scorer = make_scorer(version, registry.load(version), contract, own=own)
    checked = _require_valid(scorer.check_again(records, checked, contract), rows=len(records))
    return {"clusters": scorer.label(checked.customers, checked.keys, detail=detail)}


def _require_valid(checked: Checked, *, rows: int) -> Checked:
    if checked.faults:
        raise DataError(describe_faults(checked.faults, rows=rows))
    return checked


def no_champion(model: str) -> NoChampionError:
    """Return the error that says what to do where a model has no champion yet."""
    return NoChampionError(
        f"{model} has no champion yet: no version has been trained and promoted; run the DAG retrain_models first"
    )
