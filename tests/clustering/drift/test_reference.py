"""What a training sample is described by, and that nights are measured alike however their rows are cut."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from clustering.algorithms.base import Assignment
from clustering.drift.histograms import Histogram, count_in_bins
from clustering.drift.measurements import NightMeasure, merge_measures
from clustering.drift.reference import Reference, reference_of

ROWS = 1_000


def made(rows: int = ROWS, *, seed: int = 0) -> tuple[np.ndarray, Assignment]:
    """Return features (n, 2) and an assignment to two clusters with noise between them."""
    random = np.random.default_rng(seed)
    features = random.normal(size=(rows, 2))
    labels = np.where(features[:, 0] > 0.1, 1, np.where(features[:, 0] < -0.1, 0, -1)).astype(np.int32)
    return features, Assignment(labels, np.abs(features[:, 0]).clip(0, 1).astype(np.float32))


def described(*, with_confidence: bool = True) -> Reference:
    """Return the reference of the made customers, of whom one in ten has no age."""
    features, assignment = made()
    ages = pa.record_batch({"age": pa.array([None if row % 10 == 0 else 40 for row in range(ROWS)], pa.int64())})
    return reference_of(
        features,
        assignment,
        columns=("income", "score"),
        customers=ages,
        optional=("age",),
        rejected=7,
        with_confidence=with_confidence,
    )


def test_histogram_has_about_a_tenth_in_each_bin() -> None:
    """Nine edges; a number that equals one lies above it."""
    found = Histogram.of(np.arange(100.0))
    assert found.counts == (10,) * 10
    assert count_in_bins(np.array([found.edges[0], np.nan, -np.inf, np.inf]), found.edges).tolist() == [
        1, 1, 0, 0, 0, 0, 0, 0, 0, 1,
    ]  # fmt: skip


def test_histogram_of_few_different_numbers_has_fewer_bins() -> None:
    """Numbers that are the same are not torn apart."""
    found = Histogram.of(np.array([0.0] * 30 + [1.0] * 70))
    assert found == Histogram((0.0, 1.0), (0, 30, 70))
    assert Histogram.of(np.array([])) == Histogram((), (0,))


def test_reference_describes_the_sample() -> None:
    """Customers by cluster, what is missing, and noise in no histogram but those of the features."""
    found = described()
    _, assignment = made()
    noise = int((assignment.labels == -1).sum())
    assert (found.customers, found.rejected, found.missing) == (ROWS, 7, {"age": 100})
    assert found.clusters[-1] == noise
    assert set(found.centres) == {0, 1}
    rows = {name: histogram.rows for name, histogram in found.histograms.items()}
    assert rows == {
        "feature income": ROWS,
        "feature score": ROWS,
        "confidence": ROWS - noise,
        "distance": ROWS - noise,
    }


def test_reference_is_the_same_after_json() -> None:
    """What the artifact's record keeps is all of it."""
    found = described()
    assert Reference.from_dict(json.loads(json.dumps(found.to_dict()))) == found


@pytest.mark.parametrize("batches", [1, 3, 250])
def test_a_night_is_measured_the_same_however_it_is_cut(batches: int) -> None:
    """The training sample measured as a night fills its own bins, in one batch or in many, of two shards."""
    reference = described()
    features, assignment = made()
    shards = [NightMeasure(reference, ("income", "score")) for _ in range(2)]
    for number, rows in enumerate(np.array_split(np.random.default_rng(1).permutation(ROWS), batches)):
        part = Assignment(assignment.labels[rows], assignment.confidence[rows])
        shards[number % 2].add(features[rows], part)
    merged = merge_measures(json.loads(json.dumps(shard.to_json())) for shard in shards)
    assert merged == {name: list(histogram.counts) for name, histogram in reference.histograms.items()}


def test_without_a_confidence_none_is_measured() -> None:
    """A density model's confidence is left out on both sides."""
    reference = described(with_confidence=False)
    night = NightMeasure(reference, ("income", "score"))
    night.add(*made())
    assert set(night.to_json()) == {"feature income", "feature score", "distance"}


def test_version_without_a_reference_measures_nothing() -> None:
    """Versions of earlier releases are labelled with as before."""
    night = NightMeasure(None, ("income", "score"))
    night.add(*made())
    assert night.to_json() == {}


def test_cluster_that_nobody_was_in_has_no_distance() -> None:
    """A customer in a cluster without a centre is in no bin of the distance, and breaks nothing."""
    reference = described()
    night = NightMeasure(reference, ("income", "score"))
    features, _ = made(4)
    beyond = np.array([0, 0, 1, 1], dtype=np.int32)
    lonely = Reference(4, 0, {}, {0: 4}, {1: (0.0, 0.0)}, reference.histograms)
    night = NightMeasure(lonely, ("income", "score"))
    night.add(features, Assignment(beyond, np.ones(4, np.float32)))
    assert sum(night.to_json()["distance"]) == 2
