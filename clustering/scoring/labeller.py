"""A version that is ready to label customers, made from its artifact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from clustering.algorithms import Assigner, algorithm
from clustering.config import Contract
from clustering.features import Scaling
from clustering.versions.artifacts import Artifact, SegmentIds, segments_by_label
from clustering.versions.version import Version


@dataclass(frozen=True)
class Labeller:
    """How a version labels: features, then clusters, then their segments (by cluster label + 1)."""

    scaling: Scaling
    assign: Assigner
    segments: SegmentIds

    @classmethod
    def of(cls, artifact: Artifact) -> Self:
        """Return what an artifact labels with."""
        assign = algorithm(artifact.algorithm).assigner(artifact.parameters)
        return cls(artifact.scaling, assign, segments_by_label(artifact.clusters))


def with_values_for(artifacts: Iterable[Artifact], contract: Contract) -> Contract:
    """Return the contract that rejects a customer in whom one of the versions has nothing to stand for a missing value.

    A version that was trained while a column was never empty, and has learnt no median, can label nobody without it.
    """
    return contract.requiring({column for one in artifacts for column in one.scaling.always_present})


def missing_columns(artifact: Artifact, contract: Contract) -> list[str]:
    """Return the columns that a version needs, and that the contract no longer has as a number, or as a category."""
    levels = artifact.scaling.levels
    return [
        name for name in artifact.features if name not in (contract.categories if name in levels else contract.averaged)
    ]


def outdated(version: Version, missing: list[str]) -> str:
    """Say that a version cannot label any more, for want of these columns, and what to do."""
    return (
        f"{version.model} version {version.version} was trained on {', '.join(missing)}, which customers.yaml "
        "no longer has as a number; retrain the model"
    )
