"""Write what each segment looks like, column by column and group by group, when a run is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clustering.config import Contract
from clustering.scoring.manifest import Run, ScoredShard
from clustering.segments.profiles import ClusterProfile
from clustering.segments.protected_groups import group_rows, merge_groups
from clustering.segments.published_figures import exact_cells, overall_rows, published_rows
from clustering.segments.quartiles import Sample, from_bytes
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.version import Version
from clustering.warehouse import Transaction

Profiles = Mapping[str, Mapping[int, ClusterProfile]]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # of each model


def read_profile_rows(
    transaction: Transaction,
    contract: Contract,
    versions: Sequence[Version],
    shards: Sequence[ScoredShard],
    profiles: Profiles,
) -> Rows:
    """Return what is published of each segment and column of a run; `profiles` holds the clusters of each model."""
    columns, samples = contract.averaged, _samples(transaction, shards)
    cells = {
        version.model: exact_cells(
            _members(version.clusters),
            profiles[version.model],
            samples.get(version.model_version_id, Sample.empty(len(columns))),
            columns=columns,
        )
        for version in versions
    }
    return published_rows(contract, cells)


def write_profiles(
    transaction: Transaction, contract: Contract, run: Run, versions: Sequence[Version], profiles: Profiles, rows: Rows
) -> None:
    """Replace the profiles of a run's date and models, and the averages of all their customers."""
    for query in ("publishing/delete_profiles", "publishing/delete_overall_averages"):
        transaction.execute(query, run_id=run.run_id, as_of=run.as_of)
    for version in versions:
        place = {"as_of": run.as_of, "model": version.model, "run_id": run.run_id}
        transaction.insert("publishing/insert_profile", [{**row, **place} for row in rows[version.model]])
        overall = overall_rows(contract, profiles[version.model].values())
        transaction.insert("publishing/insert_overall_average", [{**row, **place} for row in overall])


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


def _members(clusters: Sequence[ClusterSegment]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for cluster in clusters:
        members.setdefault(cluster.segment_id, []).append(cluster.cluster_label)
    return members


def _samples(transaction: Transaction, shards: Sequence[ScoredShard]) -> dict[int, Sample]:
    """Return the sample of each version, shard by shard, since all of them at once may be large."""
    merged: dict[int, Sample] = {}
    for attempt in (shard.attempt for shard in shards):
        content = transaction.scalar("publishing/samples", run_id=attempt.run_id, shard=attempt.shard)
        for version, sample in from_bytes(bytes(content)).items():
            merged[version] = merged[version].joined(sample) if version in merged else sample
    return merged
