"""Segments found again among a candidate's clusters, and what is told of those that are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from clustering.segments.events import events_between, events_of, first_events
from clustering.segments.identity import SURVIVES, moves, number, overlap, trace

NAMES = {1: "High", 2: "Middle", 3: "Low"}


def _compare(counts, *, outside=None, unheld=None):
    """Build an overlap from customers per segment (rows 1, 2, …) and cluster; `outside` and `unheld` are noise."""
    counts = np.array(counts)
    segments, labels = [], []
    for (row, cluster), size in np.ndenumerate(counts):
        segments += [row + 1] * size
        labels += [cluster] * size
    for row, size in (outside or {}).items():
        segments += [row] * size
        labels += [-1] * size
    for cluster, size in (unheld or {}).items():
        segments += [0] * size
        labels += [cluster] * size
    known = range(len(counts) + 1)
    return overlap(np.array(segments), np.array(labels, dtype=np.int32), known=known, clusters=counts.shape[1])


def _told(counts, after):
    table = _compare(counts)
    before = {row + 1: NAMES[row + 1] for row in range(len(counts))}
    return [
        (event.event, event.segment_id, event.related_segment_ids)
        for event in events_of(table, trace(table), before=before, after=after)
    ]


def test_renumbered_clusters_are_the_same_segments():
    """Whatever number a cluster has, it carries on the segment whose customers it holds; nothing happened."""
    assert trace(_compare([[0, 90, 0], [0, 5, 80], [70, 0, 0]])).survivors == {1: 1, 2: 2, 0: 3}
    assert _told([[0, 90, 0], [0, 5, 80], [70, 0, 0]], [(3, "Low"), (1, "High"), (2, "Middle")]) == []


def test_half_of_a_segment_is_enough_to_survive():
    """The overlap is customers in both over customers in either, and a half of it still counts."""
    assert trace(_compare([[50, 50]])).survivors == {0: 1}
    assert trace(_compare([[49, 51]])).survivors == {1: 1}
    assert trace(_compare([[40, 30, 30]])).survivors == {}


def test_noise_counts_in_the_size_and_never_takes_part():
    """Customers whom the other version calls noise make the overlap smaller; segment 0 is in no table."""
    table = _compare([[60, 0], [0, 60]], outside={1: 70}, unheld={1: 10})
    assert table.segments == (1, 2)
    assert table.jaccard[0, 0] == pytest.approx(60 / 130)
    assert table.jaccard[1, 1] == pytest.approx(60 / 70)
    assert trace(table).survivors == {1: 2}


def test_two_poor_pairs_do_not_outweigh_a_good_one():
    """The segment with half of its customers left survives, although crossing over would add up to more."""
    table = _compare([[100, 50], [50, 0]])
    rows, clusters = linear_sum_assignment(table.jaccard, maximize=True)
    assert (rows.tolist(), clusters.tolist()) == ([0, 1], [1, 0])
    assert trace(table).survivors == {0: 1}


@given(st.lists(st.lists(st.integers(0, 30), min_size=3, max_size=3), min_size=1, max_size=4))
def test_every_clear_survivor_survives(counts):
    """A pair that shares more than half can have no rival, so it is always found; no other is."""
    table = _compare(counts)
    survivors = trace(table).survivors
    for row, segment in enumerate(table.segments):
        for cluster in range(3):
            if table.jaccard[row, cluster] > SURVIVES:
                assert survivors[cluster] == segment
    for cluster, segment in survivors.items():
        assert table.jaccard[table.segments.index(segment), cluster] >= SURVIVES
    assert len(set(survivors.values())) == len(survivors)


def test_split_is_one_event():
    """The larger part keeps the number; the other is no birth besides."""
    counts = [[90, 0, 0], [0, 60, 40], [0, 0, 0]]
    assert _told(counts[:2], [(1, "High"), (2, "Middle"), (4, "New")]) == [("split", 2, (2, 4))]


def test_split_without_a_survivor_is_one_event():
    """Where no part holds half, the segment ends in the split, and that is told once."""
    assert _told([[40, 35, 35]], [(4, "A"), (5, "B"), (6, "C")]) == [("split", 1, (4, 5, 6))]


def test_merge_is_one_event():
    """The segment that goes up in another is no death besides."""
    assert _told([[90, 0], [50, 0], [0, 80]], [(1, "High"), (3, "Low")]) == [("merge", 1, (1, 2))]


def test_vanished_segment_is_a_death():
    """Nobody is left in it, or a few strays that now stand elsewhere: a death, not a merge."""
    assert _told([[90, 0], [0, 0], [0, 80]], [(1, "High"), (3, "Low")]) == [("death", 2, ())]
    assert _told([[90, 0], [4, 0], [0, 80]], [(1, "High"), (3, "Low")]) == [("death", 2, (1,))]


def test_cluster_of_strays_is_a_birth():
    """A new cluster that takes a little of several segments was born, and comes from them."""
    counts = [[80, 0, 0, 20], [0, 80, 0, 20], [0, 0, 80, 20]]
    after = [(1, "High"), (2, "Middle"), (3, "Low"), (4, "New")]
    assert _told(counts, after) == [("birth", 4, (1, 2, 3))]


def test_rename_is_told_of_survivors_only():
    """A name that moved is an event of the segment that got another one."""
    assert _told([[90, 0], [0, 90]], [(1, "High"), (2, "Lower")]) == [("rename", 2, ())]


def test_events_are_told_in_sentences():
    """What people read names numbers and names."""
    table = _compare([[90, 0, 0], [0, 60, 40]])
    after = [(1, "High"), (2, "Middle"), (4, "New")]
    [split] = events_of(table, trace(table), before={1: "High", 2: "Middle"}, after=after)
    assert split.description == "Segment 2 (Middle) split into segments 2 (Middle) and 4 (New)."
    assert split.jaccard == pytest.approx(0.6)
    table = _compare([[90], [50]])
    [merge] = events_of(table, trace(table), before={1: "High", 2: "Middle"}, after=[(1, "High")])
    assert merge.description == "Segments 1 (High) and 2 (Middle) merged into segment 1 (High)."


def test_first_version_bears_its_segments():
    """Outliers are nobody's birth."""
    assert [event.segment_id for event in first_events({0: "Outliers", 2: "Middle", 1: "High"})] == [1, 2]


def test_versions_that_were_not_compared_differ_by_number():
    """What begins, what ends, and what is called otherwise."""
    events = events_between({1: "High", 2: "Middle"}, {1: "Higher", 3: "Low"}, because="since today")
    assert [(event.event, event.segment_id) for event in events] == [("birth", 3), ("death", 2), ("rename", 1)]


def test_new_segments_get_numbers_that_nobody_had():
    """Above all ids that the model used and all named ones; a named segment's own id only if it is unused."""
    assert number(3, survivors={0: 2}, fits={1: 4}, used={1, 2}, named=range(1, 6)) == [2, 4, 6]
    assert number(2, survivors={0: 2}, fits={1: 4}, used={2, 4, 8}, named=range(1, 6)) == [2, 9]
    assert number(2, survivors={}, fits={}, used=(), named=()) == [1, 2]


def test_moves_are_counted_with_the_most_first():
    """Noise is a place to move to and from like any other."""
    found = moves(np.array([1, 2, 2, 3, 0, 1]), np.array([1, 3, 3, 3, 2, 1]))
    assert [(move.from_segment, move.to_segment, move.customers) for move in found] == [(2, 3, 2), (0, 2, 1)]
    assert sum(move.share for move in found) == pytest.approx(0.5)
    assert moves(np.array([1, 2]), np.array([1, 2])) == []
