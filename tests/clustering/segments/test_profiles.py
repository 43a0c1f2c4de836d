"""Profiles are exact, whatever the order of the rows and the cuts between them."""

from __future__ import annotations

import json
import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clustering.segments.profiles import ExactColumn, Groups, Profile, ProfileAccumulator, merge_profiles

values = st.floats(min_value=-1e300, max_value=1e300) | st.just(math.nan)
customers = st.lists(st.tuples(st.integers(-1, 3), values), min_size=1, max_size=60)


def _profiles(rows):
    accumulator = ProfileAccumulator(["spent"])
    labels = np.array([label for label, _ in rows], dtype=np.int32)
    accumulator.add(Groups.of(labels), {"spent": ExactColumn.of(np.array([value for _, value in rows]))})
    return json.loads(json.dumps(accumulator.to_json()))


def test_profile_of_literal_rows():
    """Counts, means and extremes of each cluster; a missing value counts as a customer, not as a value."""
    merged = merge_profiles([_profiles([(0, 1.0), (0, 2.0), (0, math.nan), (-1, 10.0)])])
    assert {label: cluster.customers for label, cluster in merged.items()} == {-1: 1, 0: 3}
    profile = merged[0].columns["spent"]
    assert (profile.present, profile.mean, profile.minimum, profile.maximum) == (2, 1.5, 1.0, 2.0)


def test_cluster_without_values_has_no_mean():
    """Nothing is made up for a column that is missing everywhere."""
    profile = merge_profiles([_profiles([(0, math.nan)])])[0].columns["spent"]
    assert profile == Profile(0)
    assert profile.mean is None


@given(customers)
def test_means_are_correctly_rounded(rows):
    """The sum is the exact one, as math.fsum gives it."""
    for label, cluster in merge_profiles([_profiles(rows)]).items():
        present = [value for other, value in rows if other == label and not math.isnan(value)]
        profile = cluster.columns["spent"]
        assert profile.present == len(present)
        assert float(profile.total) == math.fsum(present)
        assert profile.minimum == min(present, default=None)


@given(customers, st.randoms(use_true_random=False), st.integers(1, 7))
def test_order_and_cuts_change_nothing(rows, random, parts):
    """Any order of the rows, cut into any batches, gives the same profiles."""
    whole = merge_profiles([_profiles(rows)])
    shuffled = random.sample(rows, len(rows))
    pieces = [shuffled[start::parts] for start in range(parts)]
    assert merge_profiles([_profiles(piece) for piece in pieces if piece]) == whole
