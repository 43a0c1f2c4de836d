"""The rows of `model_versions`, and what has to be true of them before a champion is appointed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from clustering.errors import ArtifactError, RunError
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.documents import known_fields
from clustering.versions.metrics import Metrics
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Version:
    """A version's row; `artifact_pruned_at` is None while the artifact is there."""

    model_version_id: int
    model: str
    version: int
    status: str
    structure: str
    metrics: Metrics
    clusters: tuple[ClusterSegment, ...]
    artifact: str
    artifact_sha256: str
    artifact_pruned_at: datetime | None

    @classmethod
    def of_columns(cls, *, metrics: Mapping[str, Any], clusters: Sequence[Mapping[str, Any]], **columns: Any) -> Self:
        """Return what the columns of a row say, all of them; the two of JSON are read."""
        segments = tuple(ClusterSegment(**known_fields(ClusterSegment, cluster)) for cluster in clusters)
        return cls(metrics=Metrics.from_document(metrics), clusters=segments, **columns)

    @property
    def segment_names(self) -> dict[int, str]:
        """What the version calls its segments, by segment id."""
        return {cluster.segment_id: cluster.segment_name for cluster in self.clusters}


def read_version(transaction: Transaction, model_version_id: int) -> Version:
    """Return a version's row; ArtifactError when there is none."""
    version = transaction.typed_row(Version.of_columns, "registry/version", model_version_id=model_version_id)
    if version is None:
        raise ArtifactError(f"there is no version with the id {model_version_id} in segmentation.model_versions")
    return version


def read_numbered(transaction: Transaction, model: str, version: int) -> Version:
    """Return a model's version by its number; ArtifactError when there is none."""
    identity = transaction.scalar("registry/numbered_version", model=model, version=version)
    if identity is None:
        raise ArtifactError(f"{model} has no version {version}; see segmentation.model_versions")
    return read_version(transaction, identity)


def read_champions(transaction: Transaction, models: Iterable[str]) -> dict[str, Version]:
    """Return the champion of each of these models that has one."""
    found = transaction.typed_rows(Version.of_columns, "registry/champions", models=list(models))
    return {version.model: version for version in found}


def read_champions_at(transaction: Transaction, models: Iterable[str], *, moment: datetime) -> dict[str, Version]:
    """Return the version of each of these models that was its champion just before a moment."""
    found = transaction.typed_rows(Version.of_columns, "registry/champions_at", models=list(models), moment=moment)
    return {version.model: version for version in found}


def read_champion(transaction: Transaction, model: str) -> Version | None:
    """Return a model's champion, if it has one."""
    return read_champions(transaction, [model]).get(model)


def read_run_versions(transaction: Transaction, run_id: int) -> list[Version]:
    """Return the versions that a run scores with, by model."""
    return transaction.typed_rows(Version.of_columns, "scoring/run_versions", run_id=run_id)


def read_segment_ids(transaction: Transaction, model: str) -> set[int]:
    """Return every segment id that a champion of the model has or had."""
    return {row.segment_id for row in transaction.rows("registry/segment_ids", model=model)}


def former_champion(transaction: Transaction, present: Version, number: int | None) -> Version:
    """Return the version that a roll-back leads to; RunError when there is none."""
    if number is not None:
        version = read_numbered(transaction, present.model, number)
        if version.status != "retired":
            raise RunError(
                f"{version.model} version {number} is {version.status}, not a former champion; only to one of those "
                "is there a way back"
            )
        return version
    identity = transaction.scalar("registry/former_champion_id", model_version_id=present.model_version_id)
    if identity is None:
        raise RunError(f"{present.model} version {present.version} is the first champion: there is none to go back to")
    return read_version(transaction, identity)


def require_status(transaction: Transaction, version: Version, *allowed: str) -> None:
    """Raise RunError unless the version's status is one of these."""
    status = read_version(transaction, version.model_version_id).status
    if status not in allowed:
        raise RunError(
            f"{version.model} version {version.version} is {status}: it was decided on before; retrain the model, or "
            "roll back to a former champion"
        )


def require_champion(transaction: Transaction, version: Version, expected: Version | None) -> None:
    """Raise RunError when the champion is no longer the one that the version was compared with."""
    present = read_champion(transaction, version.model)
    if (present.model_version_id if present else None) == (expected.model_version_id if expected else None):
        return
    raise RunError(
        f"{version.model} version {version.version} was compared with {_spoken(expected)}, but the champion is now "
        f"{_spoken(present)}; retrain the model"
    )


def require_new_numbers(transaction: Transaction, version: Version, champion: Version | None) -> None:
    """Hold on to the rule that a dead segment's id is never used again."""
    introduced = set(version.segment_names) - set(champion.segment_names if champion else ()) - {0}
    if reused := introduced & read_segment_ids(transaction, version.model):
        raise RunError(
            f"{version.model} version {version.version} gives new segments the numbers {sorted(reused)}, which other "
            "segments have had since it was trained; retrain the model"
        )


def _spoken(version: Version | None) -> str:
    return f"version {version.version}" if version else "no champion"
