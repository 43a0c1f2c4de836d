"""Quartiles come from a sample that is the same for any order of the rows and any cuts between them."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.segments import quartiles
from clustering.segments.quartiles import Sample, SampleAccumulator, from_bytes, hash_keys, merge_samples, to_bytes

numbers = st.floats(-1e6, 1e6) | st.just(math.nan)
customers = st.lists(st.tuples(st.integers(-1, 2), st.integers(0, 2**62), numbers), min_size=1, max_size=80)


@pytest.fixture(autouse=True, params=[5, 1_000])
def sampled(request, monkeypatch):
    """Let the samples be smaller than the clusters, and larger."""
    monkeypatch.setattr(quartiles, "SAMPLE_CUSTOMERS", request.param)


def _sample(rows, batch=1_000_000):
    accumulator = SampleAccumulator(["spent"])
    for start in range(0, len(rows), batch):
        labels, keys, values = zip(*rows[start : start + batch], strict=True)
        hashes = hash_keys(pa.array(keys, pa.int64()))
        accumulator.add(np.array(labels, dtype=np.int32), hashes, {"spent": np.array(values)})
    return accumulator.sample


def _listed(sample):
    return sample.labels.tolist(), sample.hashes.tolist(), [repr(value) for value in sample.values[:, 0].tolist()]


@given(customers, st.randoms(use_true_random=False), st.integers(1, 7), st.integers(1, 30))
def test_order_batches_and_shards_change_nothing(rows, random, parts, batch):
    """However the customers are read, the same ones are in the sample, in the same order."""
    shuffled = random.sample(rows, len(rows))
    pieces = [shuffled[start::parts] for start in range(parts)]
    merged = merge_samples(_sample(piece, batch) for piece in pieces if piece)
    assert _listed(merged) == _listed(_sample(rows))


@given(customers)
def test_sample_is_that_of_the_smallest_hashes(rows):
    """Of each cluster, as many as are wanted, or all."""
    sample = _sample(rows)
    for label in {label for label, _, _ in rows}:
        hashes = sorted(hash_keys(pa.array([key for other, key, _ in rows if other == label])).tolist())
        assert sorted(sample.hashes[sample.labels == label].tolist()) == hashes[: quartiles.SAMPLE_CUSTOMERS]


def test_quartiles_of_literal_values():
    """Interpolated, without the missing values."""
    sample = _sample([(0, key, value) for key, value in enumerate([4.0, 1.0, math.nan, 3.0, 2.0])])
    assert sample.of([0]).quartiles(0) == (1.75, 2.5, 3.25)
    assert _sample([(0, 1, math.nan)]).quartiles(0) is None
    assert Sample.empty(1).of([0]).quartiles(0) is None


def test_quartiles_of_many_customers_are_near_the_true_ones():
    """Clusters of different sizes taken together count by their customers, not by their samples."""
    random = np.random.default_rng(0)
    rows = [(0, key, value) for key, value in enumerate(random.uniform(0, 1, 50_000))]
    rows += [(1, 50_000 + key, value) for key, value in enumerate(random.uniform(10, 11, 5_000))]
    sample = SampleAccumulator(["spent"])
    labels, keys, values = (np.array(column) for column in zip(*rows, strict=True))
    sample.add(labels.astype(np.int32), hash_keys(pa.array(keys)), {"spent": values})
    if quartiles.SAMPLE_CUSTOMERS == 1_000:
        assert sample.sample.of([0]).quartiles(0) == pytest.approx((0.25, 0.5, 0.75), abs=0.05)
        assert sample.sample.of([0, 1]).quartiles(0) == pytest.approx((0.275, 0.55, 0.825), abs=0.06)


def test_samples_survive_as_bytes():
    """What the shards hold is what publishing reads."""
    sample = _sample([(0, 1, 2.5), (-1, 2, math.nan)])
    found = from_bytes(to_bytes({7: sample, 12: Sample.empty(1)}))
    assert found.keys() == {7, 12}
    assert _listed(found[7]) == _listed(sample)
    assert len(found[12].labels) == 0


@pytest.mark.parametrize(
    "keys", [list(range(-5_000, 5_000)), [f"customer-{number:06}-of-2026" for number in range(10_000)]]
)
def test_hashes_are_spread_evenly(keys):
    """Neighbouring keys fall into every tenth of the range alike, and none collide."""
    hashes = hash_keys(pa.array(keys))
    assert len(np.unique(hashes)) == len(keys)
    assert np.bincount((hashes >> np.uint64(60)).astype(int), minlength=16) == pytest.approx(len(keys) / 16, rel=0.2)


def test_hash_of_a_key_does_not_depend_on_its_neighbours():
    """Short, empty and long text, alone and in a slice."""
    keys = pa.array(["", "a", "ä", "12345678", "123456789", "x" * 50])
    assert [hash_keys(keys[place : place + 1]).tolist()[0] for place in range(6)] == hash_keys(keys).tolist()
