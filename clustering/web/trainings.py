"""The trainings of a model as the page lists them: figures for people, and what may be done with each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Self, TypeAlias

from clustering.versions.metrics import Metrics
from clustering.warehouse import Transaction

Action: TypeAlias = Literal["promote", "roll_back"]


@dataclass(frozen=True)
class ListedVersion:
    """A version's row, without what only training and scoring need."""

    model_version_id: int
    version: int
    status: str
    structure: str
    metrics: Metrics
    sample_rows: int
    trained_at: datetime
    is_pruned: bool

    @classmethod
    def of_columns(cls, *, metrics: Mapping[str, Any], **columns: Any) -> Self:
        """Return what the columns of a row say; that of JSON is read."""
        return cls(metrics=Metrics.from_document(metrics), **columns)


@dataclass(frozen=True)
class Training:
    """A version with its figures in words, and what may be done with it."""

    version: ListedVersion
    figures: Mapping[str, str]
    action: Action | None


def read_versions(transaction: Transaction, model: str, *, at_most: int) -> list[ListedVersion]:
    """Return the latest versions of a model, newest first."""
    return transaction.typed_rows(ListedVersion.of_columns, "page/versions", model=model, at_most=at_most)


def action(version: ListedVersion, champion: ListedVersion | None) -> Action | None:
    """Return how a version can become champion by hand, None when it cannot."""
    if version.is_pruned or version.status == "champion":
        return None
    if version.status == "retired":
        return "roll_back" if champion else None
    compared_with = version.metrics.champion_version_id
    return "promote" if compared_with == (champion.model_version_id if champion else None) else None


def figures(metrics: Metrics) -> dict[str, str]:
    """Return the figures that people compare, by their names for people; those that were not measured are left out.

    >>> figures(Metrics(clusters=5.0, silhouette=0.55471, noise_share=0.0))
    {'Clusters': '5', 'Silhouette': '0.555'}
    """
    listed = {
        "Clusters": (metrics.clusters, ",.0f"),
        "Silhouette": (metrics.silhouette, ".3f"),
        "Prediction strength": (metrics.prediction_strength, ".3f"),
        "Least stability": (metrics.min_jaccard, ".3f"),
        "Outliers": (metrics.noise_share or None, ".1%"),
        "Would move": (metrics.comparison and metrics.comparison.movement, ".1%"),
    }
    return {title: f"{value:{form}}" for title, (value, form) in listed.items() if value is not None}
