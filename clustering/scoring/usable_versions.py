"""The versions of a run that can label; a model whose version cannot leaves the run, and the others go on."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from clustering.config import Contract
from clustering.errors import ArtifactError, ClusteringError, RunError, StoreError
from clustering.scoring.labeller import missing_columns, outdated
from clustering.versions.artifacts import Artifact
from clustering.versions.registry import Registry
from clustering.versions.version import Version
from clustering.warehouse import Transaction, Warehouse

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Usable:
    """The versions that can label with their artifacts, and those that cannot, each with the reason."""

    artifacts: list[tuple[Version, Artifact]]
    failed: list[tuple[Version, str]]

    @property
    def reasons(self) -> dict[str, str]:
        """Why models do not take part, by model."""
        return {version.model: reason for version, reason in self.failed}


def find_usable(
    registry: Registry, versions: Iterable[Version], contract: Contract, *, may_retry: bool = False
) -> Usable:
    """Read the artifacts of the versions that can label customers of the contract.

    Raises StoreError where one cannot be read and the caller `may_retry`, and the first error where none can be used.
    """
    found, errors = Usable([], []), list[ClusteringError]()
    for version in versions:
        try:
            found.artifacts.append((version, _artifact(registry, version, contract)))
        except (ArtifactError, StoreError) as error:
            if may_retry and isinstance(error, StoreError):
                raise
            found.failed.append((version, str(error)))
            errors.append(error)
    if not found.artifacts:
        raise errors[0] if errors else RunError("no model of the run is left; start a new run")
    for version, artifact in found.artifacts:
        if told := unfilled(version, artifact, contract):
            log.warning("%s", told)
    for version, reason in found.failed:
        log.error("%s version %s labels nobody this time: %s", version.model, version.version, reason)
    return found


def unfilled(version: Version, artifact: Artifact, contract: Contract) -> str | None:
    """Say which customers without a value a version still rejects, though the contract does not; None for nobody."""
    columns = [name for name in artifact.scaling.always_present if contract.columns[name].may_be_empty]
    if not columns:
        return None
    return (
        f"{version.model} version {version.version} has learnt nothing that stands for a missing {', '.join(columns)}: "
        "customers without one are rejected until the model is retrained"
    )


def take_out(warehouse: Warehouse, run_id: int, usable: Usable) -> None:
    """Take the models whose versions cannot be used out of a run that is going on."""
    if usable.failed:
        with warehouse.transaction() as transaction:
            leave_out(transaction, run_id, usable.reasons)


def leave_out(transaction: Transaction, run_id: int, failed: Mapping[str, str]) -> None:
    """Take models out of a run that is going on, and keep the reasons."""
    for model, reason in failed.items():
        transaction.execute("scoring/leave_out", run_id=run_id, model=model, reason=reason)


def read_failures(transaction: Transaction, run_id: int) -> dict[str, str]:
    """Return the models that a run had to leave out, with the reasons."""
    return {row.model: row.reason for row in transaction.rows("scoring/failures", run_id=run_id)}


def _artifact(registry: Registry, version: Version, contract: Contract) -> Artifact:
    artifact = registry.load(version)
    if missing := missing_columns(artifact, contract):
        raise ArtifactError(outdated(version, missing))
    return artifact
