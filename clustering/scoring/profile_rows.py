"""Write what each segment looks like, column by column and group by group, when a run is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clustering.config import Contract
from clustering.scoring.manifest import Run, ScoredShard
from clustering.segments.profiles import ClusterProfile, Profile
from clustering.segments.protected_groups import group_rows, merge_groups
from clustering.segments.quartiles import Sample, from_bytes
from clustering.segments.suppression import hidden_segments
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.version import Version
from clustering.warehouse import Transaction

Profiles = Mapping[str, Mapping[int, ClusterProfile]]
NOTHING = dict.fromkeys(("mean", "minimum", "q1", "median", "q3", "maximum"))


def undescribed(clusters: Sequence[ClusterSegment], profiles: Mapping[int, ClusterProfile], *, least: int) -> set[int]:
    """Return the segments that are too small to be described, and those that would tell what they are like."""
    customers = dict.fromkeys(sorted({cluster.segment_id for cluster in clusters}), 0)
    for cluster in clusters:
        if cluster.cluster_label in profiles:
            customers[cluster.segment_id] += profiles[cluster.cluster_label].customers
    hidden = hidden_segments(np.array([*customers.values()]), least=least)
    return {segment for segment, is_hidden in zip(customers, hidden.tolist(), strict=True) if is_hidden}


def write_profiles(
    transaction: Transaction,
    contract: Contract,
    run: Run,
    versions: Sequence[Version],
    shards: Sequence[ScoredShard],
    profiles: Profiles,
) -> None:
    """Replace the profiles of a run's date and models; `profiles` holds the clusters of each model.

    Segments of fewer customers than the contract's `min_group` are not described.
    """
    columns = contract.averaged
    transaction.execute("publishing/delete_profiles", run_id=run.run_id, as_of=run.as_of)
    samples = _samples(transaction, shards)
    for version in versions:
        sample = samples.get(version.model_version_id, Sample.empty(len(columns)))
        records = profile_rows(version.clusters, profiles[version.model], sample, columns=columns)
        hidden = undescribed(version.clusters, profiles[version.model], least=contract.min_group)
        place = {"as_of": run.as_of, "model": version.model, "run_id": run.run_id}
        named = [record | place | (NOTHING if record["segment_id"] in hidden else {}) for record in records]
        transaction.insert("publishing/insert_profile", named)


def write_groups(
    transaction: Transaction, run: Run, versions: Sequence[Version], shards: Sequence[ScoredShard], *, least: int
) -> None:
    """Replace the customers by segment and protected group of a run's date and models."""
    transaction.execute("publishing/delete_groups", run_id=run.run_id, as_of=run.as_of)
    for version in versions:
        composition = merge_groups(
            shard.compositions[version.model_version_id] for shard in shards if shard.compositions
        )
        place = {"as_of": run.as_of, "model": version.model, "run_id": run.run_id}
        segment_of = {cluster.cluster_label: cluster.segment_id for cluster in version.clusters}
        records = group_rows(segment_of, composition, least=least)
        transaction.insert("publishing/insert_group", [record | place for record in records])


def profile_rows(
    clusters: Sequence[ClusterSegment],
    profiles: Mapping[int, ClusterProfile],
    sample: Sample,
    *,
    columns: Sequence[str],
) -> list[dict[str, Any]]:
    """Return one record a segment and column; the clusters of one segment are taken together."""
    members: dict[int, list[int]] = {}
    for cluster in clusters:
        members.setdefault(cluster.segment_id, []).append(cluster.cluster_label)
    records = []
    for segment_id, labels in sorted(members.items()):
        held = [profiles[label] for label in labels if label in profiles]
        sampled = sample.of(labels)
        for place, name in enumerate(columns):
            whole = sum((cluster.columns[name] for cluster in held), Profile(0))
            first, median, third = sampled.quartiles(place) or (None, None, None)
            records.append(
                {
                    "segment_id": segment_id,
                    "column_name": name,
                    "customers": whole.present,
                    "mean": whole.mean,
                    "minimum": whole.minimum,
                    "q1": first,
                    "median": median,
                    "q3": third,
                    "maximum": whole.maximum,
                }
            )
    return records


def _samples(transaction: Transaction, shards: Sequence[ScoredShard]) -> dict[int, Sample]:
    """Return the sample of each version, shard by shard, since all of them at once may be large."""
    merged: dict[int, Sample] = {}
    for attempt in (shard.attempt for shard in shards):
        content = transaction.scalar("publishing/samples", run_id=attempt.run_id, shard=attempt.shard)
        for version, sample in from_bytes(bytes(content)).items():
            merged[version] = merged[version].joined(sample) if version in merged else sample
    return merged
