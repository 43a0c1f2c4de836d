"""The rows of `model_versions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clustering.errors import ArtifactError
from clustering.warehouse import Transaction


@dataclass(frozen=True)
class Version:
    """A version's row."""

    model_version_id: int
    model: str
    version: int
    status: str
    structure: str
    metrics: Mapping[str, Any]
    artifact: str
    artifact_sha256: str
    clusters: Sequence[Mapping[str, Any]] = ()
    artifact_pruned_at: datetime | None = None

    @property
    def segment_names(self) -> dict[int, str]:
        """What the version calls its segments, by segment id."""
        return {cluster["segment_id"]: cluster["segment_name"] for cluster in self.clusters}


def read_version(transaction: Transaction, model_version_id: int) -> Version:
    """Return a version's row; ArtifactError when there is none."""
    row = transaction.row("registry/version", model_version_id=model_version_id)
    if row is None:
        raise ArtifactError(f"there is no version with the id {model_version_id} in segmentation.model_versions")
    return Version(**row._mapping)


def read_numbered(transaction: Transaction, model: str, version: int) -> Version:
    """Return a model's version by its number; ArtifactError when there is none."""
    identity = transaction.scalar("registry/numbered_version", model=model, version=version)
    if identity is None:
        raise ArtifactError(f"{model} has no version {version}; see segmentation.model_versions")
    return read_version(transaction, identity)


def read_champion(transaction: Transaction, model: str) -> Version | None:
    """Return a model's champion, if it has one."""
    row = transaction.row("registry/champions", models=[model])
    return Version(**row._mapping) if row else None


def read_segment_ids(transaction: Transaction, model: str) -> set[int]:
    """Return every segment id that a champion of the model has or had."""
    return {row.segment_id for row in transaction.rows("registry/segment_ids", model=model)}
