"""What every clustering has to have: rows that differ, and clusters that hold some."""

from __future__ import annotations

import numpy as np

from clustering.algorithms.base import FloatMatrix, Labels
from clustering.errors import TrainingError


def require_different_rows(features: FloatMatrix, clusters: int) -> None:
    """Raise TrainingError unless there are at least as many different rows as clusters."""
    if len(features) < clusters:
        raise TrainingError(f"{clusters} clusters need at least {clusters} customers, there are {len(features)}")
    different = len(np.unique(features, axis=0))
    if different < clusters:
        raise TrainingError(
            f"{clusters} clusters need at least {clusters} customers with different features; "
            f"the {len(features)} customers hold {different} different ones"
        )


def require_every_cluster(labels: Labels, clusters: int) -> None:
    """Raise TrainingError when a cluster holds no row, and so has no profile and no name."""
    held = len(np.unique(labels))
    if held < clusters:
        raise TrainingError(f"{clusters - held} of {clusters} clusters hold no customer; declare fewer clusters")


def small_clusters(labels: Labels, *, clusters: int, least_share: float) -> list[str]:
    """Return a doubt for fewer than two clusters, or for one that holds less than a share of the rows."""
    if clusters < 2:
        return ["there is only one cluster"]
    smallest = int(np.bincount(labels, minlength=clusters).min())
    if smallest < least_share * len(labels):
        return [f"the smallest cluster holds {smallest} of {len(labels)} customers, under {100 * least_share:g} %"]
    return []
