"""What the shards of a run add up to, proven."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.errors import RunError
from clustering.scoring.manifest import ScoredShard
from clustering.segments.profiles import ClusterProfile, merge_profiles
from clustering.versions.version import Version


@dataclass(frozen=True)
class ScoredCounts:
    """Rows of a run, and the profiles of the clusters of each model."""

    rows_read: int
    rows_labelled: int
    rows_rejected: int
    profiles: Mapping[str, Mapping[int, ClusterProfile]]


def prove_counts(run_id: int, versions: Sequence[Version], shards: Sequence[ScoredShard]) -> ScoredCounts:
    """Add up a run; RunError where a row is neither rejected nor labelled by every model."""
    profiles = merged_profiles(versions, shards)
    read, labelled, rejected = (
        sum(getattr(shard, name) for shard in shards) for name in ("rows_read", "rows_labelled", "rows_rejected")
    )
    counts = {model: sum(cluster.customers for cluster in clusters.values()) for model, clusters in profiles.items()}
    if read != labelled + rejected or any(count != labelled for count in counts.values()):
        raise RunError(
            f"run {run_id} cannot be published: {read} rows were read, {rejected} rejected, and labelled {labelled} "
            f"({counts}); start a new run"
        )
    return ScoredCounts(read, labelled, rejected, profiles)


def merged_profiles(versions: Sequence[Version], shards: Sequence[ScoredShard]) -> dict[str, dict[int, ClusterProfile]]:
    """Return the profiles of the clusters of each model by their labels."""
    return {
        version.model: merge_profiles(shard.profiles[version.model_version_id] for shard in shards if shard.profiles)
        for version in versions
    }
