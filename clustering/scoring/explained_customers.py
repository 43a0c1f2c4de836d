"""In which segments a customer is now, and why: the labels of the latest nights, and the values of this moment."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from clustering.algorithms.base import DECIMALS
from clustering.config import Configuration
from clustering.customers import describe_rejections, key_as_written
from clustering.errors import ArtifactError, DataError, StoreError
from clustering.features.categories import spoken_level
from clustering.scoring.customer_labels import PublishedLabel, read_labels
from clustering.scoring.labeller import missing_columns, outdated
from clustering.segments.explanations import NOBODY, Explanations, Given, explain
from clustering.versions.artifacts import Artifact
from clustering.versions.registry import Registry
from clustering.versions.version import Version
from clustering.warehouse.customer_values import CustomerValues, TimeLimit, customer_values

log = logging.getLogger(__name__)

LIMIT = TimeLimit(statement=15, lock=2)


@dataclass(frozen=True)
class Pull:
    """What a feature would cost more in the runner-up than in the segment; negative where it speaks for the runner-up.

    `value` is the feature's, now, in the contract's unit, or a category in words. Without a feature it is the part that
    depends on none: size and spread of the groups, or eps. `share` is the part in the sum of all absolute pulls.
    """

    feature: str | None
    value: float | str | None
    pull: float
    share: float


@dataclass(frozen=True)
class Explanation:
    """Why a customer is in a segment rather than in the runner-up, the strongest pull first; pulls add up exactly.

    Without pulls the sentence says why there are none.
    """

    sentence: str
    runner_up_id: int | None = None
    runner_up_name: str | None = None
    pulls: tuple[Pull, ...] = ()


@dataclass(frozen=True)
class CustomerLabel:
    """The segment of a customer by a model, as the night of `as_of` published it."""

    model: str
    as_of: date
    version: int
    cluster_label: int
    segment_id: int
    segment_name: str
    confidence: float
    has_history: bool  # False where labels are files: since when the customer is there is not known
    explanation: Explanation


@dataclass(frozen=True)
class ExplainedCustomer:
    """A customer with the current label of every model that has one."""

    customer_id: str | int
    labels: tuple[CustomerLabel, ...]

    def to_document(self) -> dict[str, Any]:
        """Return the customer as JSON-able values."""
        document = asdict(self)
        for label in document["labels"]:
            label["as_of"] = label["as_of"].isoformat()
        return document


@dataclass(frozen=True)
class _Label:
    """A published label with its version, and with the version's artifact or why there is none."""

    row: PublishedLabel
    version: Version
    artifact: Artifact | str

    @property
    def features(self) -> tuple[str, ...]:
        return () if isinstance(self.artifact, str) else self.artifact.features


def explain_customer(
    configuration: Configuration, registry: Registry, *, customer_id: str | int, models: Sequence[str] | None = None
) -> ExplainedCustomer:
    """Return a customer's current labels by some models, by default all, with the reasons for them.

    The values are those that the source has now; where it has none, a label stands with a sentence that says why.
    Raises DataError for what is no key or has no current label by these models, ConfigurationError for a model that is
    not configured, and WarehouseError where the source is locked, or not read in time.
    """
    chosen = list(configuration.select(models))
    key = key_as_written(customer_id, configuration.contract)
    with registry.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        found = read_labels(transaction, configuration.contract, key, models=chosen)
    require_label(found, key, models=chosen)
    return explain_labels(configuration, registry, key, found)


def require_label(found: Sequence[Any], key: str, *, models: Sequence[str]) -> None:
    """Raise DataError where a customer is not known."""
    if not found:
        raise DataError(
            f"no customer with the key {key!r} has a current label by {', '.join(models)}; keys are compared as they "
            "are written, with every space, in upper and lower case"
        )


def explain_labels(
    configuration: Configuration, registry: Registry, key: str, found: Sequence[tuple[PublishedLabel, Version]]
) -> ExplainedCustomer:
    """Return a customer with the reasons for labels, of which there is at least one; raises as explain_customer."""
    labels = [_Label(row, version, _artifact(registry, version, configuration)) for row, version in found]
    values = _values(registry, configuration, key, {name for label in labels for name in label.features})
    told = tuple(_told(label, configuration, values) for label in labels)
    first = found[0][0].customer_id
    return ExplainedCustomer(first if isinstance(first, int) else str(first), told)


def _artifact(registry: Registry, version: Version, configuration: Configuration) -> Artifact | str:
    """Return a version's artifact, or in a sentence why it explains nothing."""
    try:
        artifact = registry.load(version)
    except (ArtifactError, StoreError) as error:
        log.warning("%s version %s explains nothing: %s", version.model, version.version, error)
        return (
            f"The files of {version.model} version {version.version}, which gave this label, cannot be read from the "
            "model store; the log says why."
        )
    missing = missing_columns(artifact, configuration.contract)
    return f"{outdated(version, missing)}." if missing else artifact


def _values(registry: Registry, configuration: Configuration, key: str, features: set[str]) -> CustomerValues | str:
    """Return a customer's values of now, or in a sentence why they cannot be had."""
    try:
        return customer_values(registry.warehouse, configuration.contract.only(features), [key], limit=LIMIT)
    except DataError as error:
        log.warning("the source cannot be read: %s", error)
        return f"The source cannot be read: {error.told}."


def _told(label: _Label, configuration: Configuration, values: CustomerValues | str) -> CustomerLabel:
    row = label.row
    return CustomerLabel(
        model=row.model,
        as_of=row.as_of,
        version=label.version.version,
        cluster_label=row.cluster_label,
        segment_id=row.segment_id,
        segment_name=row.segment_name,
        confidence=round(row.confidence, DECIMALS),
        has_history=row.has_history,
        explanation=_explanation(label, configuration, values),
    )


def _explanation(label: _Label, configuration: Configuration, values: CustomerValues | str) -> Explanation:
    if isinstance(label.artifact, str):
        return Explanation(label.artifact)
    if isinstance(values, str):
        return Explanation(values)
    if not values.rows.num_rows:
        return Explanation("The source no longer holds this customer.")
    artifact = _as_published(label.artifact, label.row.segment_names)
    parts = values.split(artifact.features, required=artifact.scaling.always_present)
    if not parts.valid.num_rows:
        told = describe_rejections(parts.faults, configuration.contract)
        return Explanation(f"The source no longer holds one row with valid values for this customer: {told}.")
    given = Given(np.array([label.row.cluster_label]), label.row.as_of)
    features = artifact.scaling.apply(parts.valid)
    if np.isnan(features).any():
        return Explanation("The values are outside of what the version was trained for; retrain the model.")
    try:
        found = explain(artifact, features, given)
    except ArtifactError as error:
        return Explanation(f"{error}.")
    medians = artifact.scaling.medians
    known = {name: parts.valid[name][0].as_py() for name in artifact.features}
    shown = [medians.get(name) if value is None else value for name, value in known.items()]
    return _first(found, artifact, shown)


def _as_published(artifact: Artifact, names: Mapping[str, str]) -> Artifact:
    """Return the artifact with the names that the night gave to its segments."""
    named = [
        replace(cluster, segment_name=names.get(str(cluster.segment_id), cluster.segment_name))
        for cluster in artifact.clusters
    ]
    return replace(artifact, clusters=tuple(named))


def _shown(value: float | str | None) -> float | str:
    """Return a value as a document has it; a category that is missing in words."""
    return spoken_level(value or "") if value is None or isinstance(value, str) else float(value)


def _first(found: Explanations, artifact: Artifact, values: Sequence[float | str | None]) -> Explanation:
    """Return the only explanation that was found."""
    runner_up = int(found.runners_up[0])
    if runner_up == NOBODY:
        return Explanation(found.sentences[0])
    shares = found.shares[0].tolist()
    pulls = [
        Pull(*part)
        for part in zip(artifact.features, map(_shown, values), found.pulls[0].tolist(), shares, strict=False)
    ]
    pulls.sort(key=lambda part: -part.pull)
    constant = float(found.constant[0])
    rest = [Pull(None, None, constant, shares[-1])] if constant else []
    names = {cluster.segment_id: cluster.segment_name for cluster in artifact.clusters}
    return Explanation(found.sentences[0], runner_up, names[runner_up], (*pulls, *rest))
