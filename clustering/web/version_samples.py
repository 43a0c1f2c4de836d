"""Some of today's customers, and what a version makes of them, by the rules of a night; nothing is written.

A version that was refused, or never compared, has labelled nobody: this is how people see its clusters.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from clustering.config import Configuration, Contract
from clustering.errors import ArtifactError, RunError
from clustering.scoring.labeller import Labeller, missing_columns, outdated
from clustering.scoring.stored_keys import stored
from clustering.segments.identity import Ids
from clustering.segments.profiles import ExactColumn, Groups, ProfileAccumulator, merge_profiles
from clustering.segments.protected_groups import Coded, GroupAccumulator, group_rows, merge_groups
from clustering.segments.published_figures import exact_cells, hidden_extremes, overall_rows, published_rows
from clustering.segments.quartiles import SampleAccumulator, hash_keys
from clustering.versions.artifacts import Artifact
from clustering.versions.version import Version
from clustering.warehouse.customer_values import CustomerValues, TimeLimit, customer_values, first_customers
from clustering.web.backend import Backend
from clustering.web.heat_map import Column, heat_map
from clustering.web.night_rows import ColumnProfile, MostFrequent, OverallAverage, SampledSegment
from clustering.web.overdue import in_time
from clustering.web.samples import (
    LOCK_SECONDS,
    POINTS,
    SECONDS,
    Points,
    choose_columns,
    read_night_with_labels,
    sample_labels,
)

LIMIT = TimeLimit(SECONDS, LOCK_SECONDS)


@dataclass(frozen=True)
class SampledVersion:
    """What a version makes of the sample: its segments, their averages as a heat map shows them, and a picture."""

    segments: Sequence[SampledSegment]
    columns: Sequence[Column]
    categories: Sequence[MostFrequent]
    points: Points


def read_sample(opened: Backend, model: str) -> CustomerValues:
    """Return at most POINTS of today's customers, always the same ones: of the model's latest labels, or another's.

    Where no labels are kept at all, they are those that a training draws first. Raises RunError where reading takes
    too long, DataError, SourceError or WarehouseError where the customers cannot be read.
    """
    contract = opened.configuration.contract
    with in_time("drawing a sample", SECONDS):
        keys = _labelled_keys(opened, model)
        if keys is not None:
            return customer_values(opened.warehouse, contract, keys, limit=LIMIT)
        return first_customers(opened.warehouse, contract, at_most=POINTS, limit=LIMIT)


def _labelled_keys(opened: Backend, model: str) -> Collection[str] | None:
    with opened.reading() as transaction:
        nights = transaction.rows("page/nights", models=list(opened.configuration.models))
        for latest in sorted(nights, key=lambda row: (row.model != model, -row.latest.toordinal(), row.model)):
            try:
                night = read_night_with_labels(transaction, latest.model, latest.latest)
            except RunError:  # its labels are no longer kept
                continue
            return sample_labels(transaction, night)
    return None


def valid_customers(sample: CustomerValues, artifacts: Sequence[Artifact]) -> pa.RecordBatch:
    """Return the customers of a sample whom all of some versions can label; RunError where there are none."""
    required = {column for one in artifacts for column in one.scaling.always_present}
    valid = sample.split(required=required).valid
    if not valid.num_rows:
        raise RunError(
            "no customer of the sample could be labelled: none is there today with all values that are needed"
        )
    return valid


def load_artifact(opened: Backend, version: Version) -> Artifact:
    """Return what a version labels with.

    Raises ArtifactError where it was pruned or needs a column that the contract no longer has, StoreError where the
    model store is away.
    """
    artifact = opened.champions.registry.load(version)
    if missing := missing_columns(artifact, opened.configuration.contract):
        raise ArtifactError(outdated(version, missing))
    return artifact


def segment_ids(artifact: Artifact, customers: pa.RecordBatch) -> Ids:
    """Return the segment (n,) that a version gives each customer."""
    labeller = Labeller.of(artifact)
    labels = labeller.assign(labeller.scaling.apply(customers)).labels
    return labeller.segments[labels + 1].astype(np.int64)


def sample_version(
    configuration: Configuration,
    version: Version,
    artifact: Artifact,
    sample: CustomerValues,
    asked: Sequence[str | None],
) -> SampledVersion:
    """Label a sample by a version; `asked` are the columns to draw. RunError where nobody can be labelled."""
    contract = configuration.contract
    customers = valid_customers(sample, [artifact])
    found = segment_ids(artifact, customers)
    names, sizes = version.segment_names, dict(zip(*np.unique(found, return_counts=True), strict=True))
    segments = [
        SampledSegment(one, names[one], int(sizes.get(one, 0)), float(sizes.get(one, 0) / len(found)))
        for one in sorted(names, key=lambda one: (one == 0, one))
    ]
    profiles, overall, categories = _figures(contract, customers, found, list(names))
    return SampledVersion(
        segments,
        heat_map(configuration, segments, profiles, overall),
        categories,
        _points(contract, artifact, customers, found, asked),
    )


def _figures(
    contract: Contract, customers: pa.RecordBatch, found: Ids, names: Sequence[int]
) -> tuple[list[ColumnProfile], list[OverallAverage], list[MostFrequent]]:
    """Return what a night would publish of these segments (n,): rounded, and without what tells of too few."""
    columns = contract.averaged
    values = {name: customers.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False) for name in columns}
    segments = found.astype(np.int32)
    groups = Groups.of(segments)
    sums, quartiles = ProfileAccumulator(columns), SampleAccumulator(columns)
    sums.add(groups, {name: ExactColumn.of(each) for name, each in values.items()})
    quartiles.add(segments, hash_keys(stored(customers.column(contract.key), contract.key_type)), values)
    counted = GroupAccumulator(contract.categories)
    counted.add(groups, {name: Coded.of(customers.column(name)) for name in contract.categories})
    profiles = merge_profiles([sums.to_json()])
    members = {name: [name] for name in names}
    cells = exact_cells(members, profiles, quartiles.sample, columns=columns)
    published = published_rows(contract, cells, hidden=hidden_extremes(contract, [cells]))
    rows = group_rows({name: name for name in names}, merge_groups([counted.to_json()]), least=contract.min_group)
    return (
        [ColumnProfile(**{key: value for key, value in row.items() if key != "customers"}) for row in published],
        [
            OverallAverage(row["column_name"], row["mean"], row["mean_empty_because"])
            for row in overall_rows(contract, profiles.values())
        ],
        _most_frequent(rows, {name: profile.customers for name, profile in profiles.items()}),
    )


def _most_frequent(rows: Sequence[dict[str, object]], sizes: dict[int, int]) -> list[MostFrequent]:
    most: dict[tuple[int, str], MostFrequent] = {}
    for row in rows:
        segment, column, customers = int(str(row["segment_id"])), str(row["column_name"]), row["customers"]
        if not isinstance(customers, int) or not customers:
            continue
        share, known = customers / sizes[segment], most.get((segment, column))
        if known is None or share > known.share:
            most[segment, column] = MostFrequent(segment, column, str(row["group_name"]), share)
    return list(most.values())


def _points(
    contract: Contract, artifact: Artifact, customers: pa.RecordBatch, found: Ids, asked: Sequence[str | None]
) -> Points:
    columns = choose_columns(contract, artifact.features, asked)
    x, y = (customers.column(name).to_pylist() for name in columns)
    drawn = [one for one in zip(x, y, found.tolist(), strict=True) if one[0] is not None and one[1] is not None]
    return Points(columns, [one[0] for one in drawn], [one[1] for one in drawn], [one[2] for one in drawn], len(found))
