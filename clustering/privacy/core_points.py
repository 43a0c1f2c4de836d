"""The core points of density models' versions: values of single customers, that go when a customer is forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clustering.algorithms import algorithm, algorithm_names
from clustering.config import Contract
from clustering.errors import ArtifactError, DataError, SourceError, StoreError
from clustering.versions.artifacts import Artifact, remove_artifact, write_artifact
from clustering.versions.registry import Registry
from clustering.versions.stored_files import Store
from clustering.versions.version import Version
from clustering.versions.writing_warehouse import this_warehouse
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.customer_values import TimeLimit, customer_values

LIMIT = TimeLimit(statement=60, lock=10)  # of a query, which may not be made for single customers

ROUNDING = 1e-9  # standard deviations

Outcome = Literal["dropped", "not found", "unknown", "unreadable"]

_TOLD: dict[Outcome, str] = {
    "dropped": "the customer's values were a core point, which was dropped",
    "not found": "no core point has the values that the source has today; if they have changed since the version was "
    "trained, retrain the model to be sure",
    "unknown": "what the customer's values were when the version was trained cannot be told, so a core point of theirs "
    "cannot be told from others; retrain the model",
    "unreadable": "the artifact is not in the model store as it was registered; see there for a copy to restore",
}


@dataclass(frozen=True)
class CorePoint:
    """What became of a customer's values in one version; `artifact` is its new name, if it has one."""

    version: Version
    outcome: Outcome
    artifact: str | None = None

    @property
    def told(self) -> dict[str, Any]:
        """The outcome for people, as JSON-able values."""
        return {
            "model": self.version.model,
            "version": self.version.version,
            "status": self.version.status,
            "outcome": self.outcome,
            "meaning": _TOLD[self.outcome],
        }

    def finish(self, store: Store) -> None:
        """Remove the artifact that has been replaced; call it when the replacement is committed."""
        if self.artifact is not None and self.artifact != self.version.artifact:
            version = self.version
            remove_artifact(store, version.artifact, model=version.model, version=version.version)


@dataclass(frozen=True)
class Found:
    """What the source has of a customer: how many rows, in which files, and the valid one if there is exactly one."""

    rows: int | None
    valid: pa.RecordBatch | None
    files: Sequence[str] = ()


def find_customer(warehouse: Warehouse, contract: Contract, key: str) -> Found:
    """Look a customer up in the source; `rows` is None where the source cannot be read, or not in time.

    The values are those of a copy where there is one, which is older and so nearer to what versions were trained on;
    but whether the customer is still there, and comes back, only the origin can say.
    """
    found = _look_up(warehouse, contract, key, at_origin=False)
    if contract.origin.materialise:
        return replace(found, rows=_look_up(warehouse, contract, key, at_origin=True).rows)
    return found


def _look_up(warehouse: Warehouse, contract: Contract, key: str, *, at_origin: bool) -> Found:
    limit = LIMIT if contract.origin.query else None
    try:
        found = customer_values(warehouse, contract, [key], limit=limit, at_origin=at_origin)
    except (DataError, SourceError):
        return Found(None, None)
    valid = found.split().valid
    return Found(found.rows.num_rows, valid if valid.num_rows else None, found.files)


def drop_core_points(
    transaction: Transaction, registry: Registry, contract: Contract, customer: pa.RecordBatch | None
) -> list[CorePoint]:
    """Drop a customer's values from the versions that have them, and return what became of each.

    Columns that change with the date alone, such as counted days, are others than when a version was trained: which of
    its points is the customer's cannot be told.
    The new artifacts are written beside the old ones; `CorePoint.finish` removes those.
    """
    algorithms = [name for name in algorithm_names() if algorithm(name).personal]
    versions = transaction.typed_rows(Version.of_columns, "forgetting/versions_of_algorithms", algorithms=algorithms)
    known = None if customer is None else customer.drop_columns(list(contract.moving))
    return [_drop(transaction, registry, version, known) for version in versions]


def _drop(transaction: Transaction, registry: Registry, version: Version, customer: pa.RecordBatch | None) -> CorePoint:
    try:
        artifact = registry.load(version)
    except (ArtifactError, StoreError):
        return CorePoint(version, "unreadable")
    known = [] if customer is None else customer.schema.names
    if customer is None or any(name not in known for name in artifact.features):
        return CorePoint(version, "unknown")
    if any(customer.column(name).null_count for name in artifact.scaling.always_present):
        return CorePoint(version, "unknown")
    points = artifact.parameters[algorithm(artifact.algorithm).personal[0]]
    kept = np.abs(points - artifact.scaling.apply(customer)).max(axis=1) > ROUNDING
    if kept.all():
        return CorePoint(version, "not found")
    if not kept.any():
        return CorePoint(version, "unknown")
    name = _replace(transaction, registry, version, _without(artifact, kept))
    return CorePoint(version, "dropped", name)


def _without(artifact: Artifact, kept: NDArray[np.bool_]) -> Artifact:
    personal = algorithm(artifact.algorithm).personal
    left = {name: values[kept] if name in personal else values for name, values in artifact.parameters.items()}
    return replace(artifact, parameters=left)


def _replace(transaction: Transaction, registry: Registry, version: Version, artifact: Artifact) -> str:
    # The former estimator holds the customer's values too.
    estimator = algorithm(artifact.algorithm).rebuild(artifact.parameters, artifact.settings)
    name, digest = write_artifact(
        registry.files,
        artifact,
        version=version.version,
        estimator=estimator,
        warehouse=this_warehouse(transaction),
    )
    transaction.execute(
        "forgetting/set_artifact", model_version_id=version.model_version_id, artifact=name, artifact_sha256=digest
    )
    return name
