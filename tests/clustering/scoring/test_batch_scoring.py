"""Batches of customers labelled and summed up: alike however they are cut, and whatever else is in a batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from clustering.config import Configuration
from clustering.customers import Reading, added_up, split
from clustering.demo.generator import generate_customers
from clustering.drift.measurements import merge_measures
from clustering.quality.night_counts import merge_columns
from clustering.quality.sketches import ColumnCounts
from clustering.scoring.batch_scoring import BatchScorer, ScoringVersion, Summary
from clustering.segments.profiles import merge_profiles
from clustering.segments.protected_groups import merge_groups
from clustering.segments.quartiles import merge_samples
from clustering.training.build import describe
from tests.clustering.scoring.labelled import MODELS, trained

CUSTOMERS = 6_000
READING = Reading()


@dataclass
class Night:
    """What became of all batches: by version key, cluster, segment and confidence; rejected rows, and the summary."""

    labels: dict[int, list[tuple[Any, int, int, float]]] = field(default_factory=dict)
    elsewhere: dict[int, dict[Any, int]] = field(default_factory=dict)
    rejected: list[Mapping[str, Any]] = field(default_factory=list)
    summary: Summary | None = None


@pytest.fixture(scope="module")
def customers() -> pa.RecordBatch:
    """Return customers of whom some cannot be labelled."""
    return generate_customers(CUSTOMERS, seed=3, dirty_share=0.02).combine_chunks().to_batches()[0]


@pytest.fixture
def versions(configuration: Configuration, customers: pa.RecordBatch) -> list[ScoringVersion]:
    """Return a version of each algorithm, which knows what its training sample was like."""
    valid = split(customers.slice(0, 400), configuration.contract).valid
    found = []
    for number, model in enumerate(MODELS, start=1):
        artifact, fitted = trained(configuration, model, valid)
        features = artifact.scaling.apply(valid)
        told = describe(configuration, model, fitted, customers=valid, features=features, rejected=0)
        found.append(ScoringVersion.of(number, replace(artifact, reference=told)))
    return found


def score(configuration: Configuration, versions: Sequence[ScoringVersion], batches: Iterable[pa.RecordBatch]) -> Night:
    scorer, night = BatchScorer(configuration.contract, versions, reading=READING), Night()
    for batch in batches:
        scored = scorer.score(batch)
        night.rejected += scored.rejected.to_pylist()
        for version, rows in scored.labels.items():
            columns = (rows[name].to_pylist() for name in ("customer_id", "cluster_label", "segment_id", "confidence"))
            night.labels.setdefault(version, []).extend(zip(*columns, strict=True))
        for version, rows in scored.elsewhere.items():
            pairs = zip(rows["customer_id"].to_pylist(), rows["segment_id"].to_pylist(), strict=True)
            night.elsewhere.setdefault(version, {}).update(pairs)
    night.summary = scorer.summary()
    return night


def by_customer(nights: Iterable[Night]) -> dict[int, list[tuple[Any, int, int, float]]]:
    """Return the labels of all nights together, by version; some customers of the demonstration have the same key."""
    found: dict[int, list[tuple[Any, int, int, float]]] = {}
    for night in nights:
        for version, labels in night.labels.items():
            found.setdefault(version, []).extend(labels)
    return {version: sorted(labels) for version, labels in found.items()}


def cut(rows: pa.RecordBatch, parts: int) -> list[pa.RecordBatch]:
    """Return the rows in so many batches of unequal sizes."""
    places = np.sort(np.random.default_rng(parts).integers(0, rows.num_rows, parts - 1)).tolist()
    return [rows.slice(start, end - start) for start, end in pairwise([0, *places, rows.num_rows])]


def told(summaries: Sequence[Summary]) -> dict[str, Any]:
    """Return what summaries of parts add up to, as publishing does."""
    versions = sorted(summaries[0].profiles)
    samples = {version: merge_samples([one.samples[version] for one in summaries]) for version in versions}
    columns = [{name: ColumnCounts.from_json(each) for name, each in one.columns.items()} for one in summaries]
    return {
        "rows": [sum(getattr(one, f"rows_{name}") for one in summaries) for name in ("read", "labelled", "rejected")],
        "faults": {one.column: one.rows for one in added_up(fault for each in summaries for fault in each.faults)},
        "columns": merge_columns(columns),
        "profiles": {version: merge_profiles([one.profiles[version] for one in summaries]) for version in versions},
        "groups": {version: merge_groups([one.compositions[version] for one in summaries]) for version in versions},
        "measures": {version: merge_measures([one.measures[version] for one in summaries]) for version in versions},
        "samples": {version: (one.hashes.tolist(), one.values.tolist()) for version, one in samples.items()},
    }


@pytest.mark.parametrize("parts", [7, 64])
def test_any_cut_gives_the_same_labels_and_figures(
    configuration: Configuration, versions: list[ScoringVersion], customers: pa.RecordBatch, parts: int
) -> None:
    """In one scorer batch by batch, or in one scorer a part, whose summaries add up in any order."""
    whole = score(configuration, versions, [customers])
    assert whole.summary
    assert whole.summary.rows_read == CUSTOMERS
    assert whole.summary.rows_rejected == len(whole.rejected) > 0
    assert {len(labels) for labels in whole.labels.values()} == {whole.summary.rows_labelled}

    batches = cut(customers, parts)
    in_turn = score(configuration, versions, batches)
    apart = [score(configuration, versions, [batch]) for batch in reversed(batches)]

    assert by_customer([in_turn]) == by_customer(apart) == by_customer([whole])
    assert in_turn.rejected == whole.rejected
    assert in_turn.summary
    assert told([in_turn.summary]) == told([whole.summary])
    assert told([one.summary for one in apart if one.summary]) == told([whole.summary])


def test_former_version_is_asked_where_it_would_have_put_them(
    configuration: Configuration, versions: list[ScoringVersion], customers: pa.RecordBatch
) -> None:
    """Only customers for whom the answers differ are told of."""
    kmeans, gmm, _ = versions
    night = score(configuration, [replace(kmeans, former=gmm.labeller), gmm], [customers])
    alone = score(configuration, [kmeans, gmm], [customers])

    assert by_customer([night]) == by_customer([alone])
    ours, theirs = ({key: segment for key, _, segment, _ in alone.labels[version]} for version in (1, 2))
    assert night.elsewhere == {1: {key: theirs[key] for key in ours if ours[key] != theirs[key]}}
    assert not alone.elsewhere


def test_rows_of_a_repeated_key_are_rejected_everywhere(
    configuration: Configuration, versions: list[ScoringVersion], customers: pa.RecordBatch
) -> None:
    """They may lie in different batches, so the caller says which keys they are."""
    contract, key = configuration.contract, split(customers, configuration.contract).valid[configuration.contract.key]
    repeated = key.slice(0, 2)
    scorer = BatchScorer(contract, versions[:1], reading=READING, duplicated=repeated)
    labels = [scorer.score(batch).labels[1]["customer_id"].to_pylist() for batch in cut(customers, 3)]

    assert not {key for part in labels for key in part} & set(repeated.to_pylist())
    faults = {(one.column, one.reason): one.rows for one in scorer.summary().faults}
    assert faults[contract.key, "duplicate_key"] >= len(repeated)


def test_nobody_is_summed_up_too(configuration: Configuration, versions: list[ScoringVersion]) -> None:
    """A part without rows, or with rejected rows alone, has a summary as any other."""
    contract = configuration.contract
    empty = BatchScorer(contract, versions, reading=READING).summary()
    assert (empty.rows_read, empty.rows_labelled, empty.changed_at) == (0, 0, None)
    rows = pa.RecordBatch.from_pylist([dict.fromkeys(contract.used)])
    scorer = BatchScorer(contract, versions, reading=READING)
    scored = scorer.score(rows)
    assert (scored.labels, scored.rejected.num_rows) == ({}, 1)
    assert scorer.summary().rows_rejected == 1
