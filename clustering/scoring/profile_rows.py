"""Write what each segment looks like, column by column and group by group, when a run is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustering.config import Contract
from clustering.scoring.manifest import Run, ScoredShard, read_scored_shards
from clustering.scoring.scored_counts import merged_profiles
from clustering.segments.profiles import ClusterProfile
from clustering.segments.protected_groups import group_rows, merge_groups
from clustering.segments.published_figures import (
    Cell,
    exact_cells,
    hidden_extremes,
    overall_rows,
    published_rows,
    why_hidden,
)
from clustering.segments.quartiles import Sample, from_bytes
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.version import Version, read_run_versions
from clustering.warehouse import Transaction

Profiles = Mapping[str, Mapping[int, ClusterProfile]]
Rows = Mapping[str, Sequence[Mapping[str, Any]]]  # of each model


@dataclass(frozen=True)
class Figures:
    """What is published of each segment and column of a run.

    `hidden` are the columns whose extremes are left out in all models of its date, whichever runs publish them.
    """

    rows: Rows
    hidden: frozenset[str]


def read_figures(
    transaction: Transaction,
    contract: Contract,
    run: Run,
    versions: Sequence[Version],
    shards: Sequence[ScoredShard],
    profiles: Profiles,
) -> Figures:
    """Return what is published of a run; `profiles` holds the clusters of each model."""
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
    beside = _cells_beside(transaction, contract, run, versions)
    hidden = hidden_extremes(contract, [*cells.values(), *beside])
    return Figures({model: published_rows(contract, held, hidden=hidden) for model, held in cells.items()}, hidden)


def write_profiles(
    transaction: Transaction,
    contract: Contract,
    run: Run,
    versions: Sequence[Version],
    profiles: Profiles,
    figures: Figures,
) -> None:
    """Replace the profiles of a run's date and models, and the averages of all their customers.

    What other runs have published of the date loses the extremes that would now tell of too few.
    """
    for query in ("publishing/delete_profiles", "publishing/delete_overall_averages"):
        transaction.execute(query, run_id=run.run_id, as_of=run.as_of)
    for version in versions:
        place = {"as_of": run.as_of, "model": version.model, "run_id": run.run_id}
        transaction.insert("publishing/insert_profile", [{**row, **place} for row in figures.rows[version.model]])
        overall = overall_rows(contract, profiles[version.model].values())
        transaction.insert("publishing/insert_overall_average", [{**row, **place} for row in overall])
    transaction.execute(
        "publishing/hide_extremes",
        as_of=run.as_of,
        models=[version.model for version in versions],
        columns=sorted(figures.hidden),
        reason=why_hidden(contract),
    )


def write_groups(
    transaction: Transaction, contract: Contract, run: Run, versions: Sequence[Version], shards: Sequence[ScoredShard]
) -> None:
    """Replace the customers by segment and protected group or category of a run's date and models."""
    transaction.execute("publishing/delete_groups", run_id=run.run_id, as_of=run.as_of)
    for version in versions:
        composition = merge_groups(
            shard.compositions[version.model_version_id] for shard in shards if shard.compositions
        )
        place = {"as_of": run.as_of, "model": version.model, "run_id": run.run_id}
        segment_of = {cluster.cluster_label: cluster.segment_id for cluster in version.clusters}
        records = group_rows(segment_of, composition, least=contract.min_group)
        transaction.insert(
            "publishing/insert_group",
            [{**record, **place, "is_feature": record["column_name"] in contract.categories} for record in records],
        )


def _members(clusters: Sequence[ClusterSegment]) -> dict[int, list[int]]:
    members: dict[int, list[int]] = {}
    for cluster in clusters:
        members.setdefault(cluster.segment_id, []).append(cluster.cluster_label)
    return members


def _cells_beside(
    transaction: Transaction, contract: Contract, run: Run, versions: Sequence[Version]
) -> list[list[Cell]]:
    """Return the segments of the models that other runs have published for a run's date, model by model.

    Such a run may have been scored under a contract that had other columns.
    """
    found = []
    models = [version.model for version in versions]
    for row in transaction.rows("publishing/runs_beside", as_of=run.as_of, models=models):
        others = [version for version in read_run_versions(transaction, row.run_id) if version.model in row.models]
        merged = merged_profiles(others, read_scored_shards(transaction, row.run_id))
        for version in others:
            profiles = merged[version.model]
            columns = [name for name in contract.averaged if all(name in one.columns for one in profiles.values())]
            sample = Sample.empty(len(columns))
            found.append(exact_cells(_members(version.clusters), profiles, sample, columns=columns))
    return found


def _samples(transaction: Transaction, shards: Sequence[ScoredShard]) -> dict[int, Sample]:
    """Return the sample of each version, shard by shard, since all of them at once may be large."""
    merged: dict[int, Sample] = {}
    for attempt in (shard.attempt for shard in shards):
        content = transaction.scalar("publishing/samples", run_id=attempt.run_id, shard=attempt.shard)
        for version, sample in from_bytes(bytes(content)).items():
            merged[version] = merged[version].joined(sample) if version in merged else sample
    return merged
