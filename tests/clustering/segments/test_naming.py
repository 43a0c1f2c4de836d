"""Names for clusters."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustering.config import NamedSegment, SegmentCatalogue, load_configuration
from clustering.segments.naming import SegmentIdentity, match_prototypes, name_clusters
from tests.paths import CONFIGURATION

COLUMNS = ("annual_income", "spending_score")
MALL = np.array([[0.989, 1.236], [-0.201, -0.026], [-1.308, -1.137], [1.055, -1.284], [-1.329, 1.132]])


def _catalogue(*prototypes, max_distance=1.0):
    segments = tuple(
        NamedSegment(id=number, name=f"Segment {number}", description="", recommended_action="", prototype={"a": place})
        for number, place in enumerate(prototypes, start=1)
    )
    return SegmentCatalogue(max_distance=max_distance, segments=segments)


@pytest.fixture(scope="module")
def segments():
    return load_configuration(CONFIGURATION).segments


@pytest.mark.parametrize("order", list(permutations(range(5)))[::17])
def test_mall_centroids_get_the_five_names(segments, order):
    """Whatever the clusters' numbers, the names follow the centres."""
    identities = name_clusters(MALL[list(order)], segments, columns=COLUMNS, taken=())
    names = ["High Spenders", "Moderate Spenders", "Low Spenders", "Brand Loyalists", "Occasional Buyers"]

    assert [(identity.segment_id, identity.name) for identity in identities] == [
        (place + 1, names[place]) for place in order
    ]
    assert identities[order.index(0)].recommended_action == "Premium offers and exclusive services."


def test_a_cluster_that_fits_none_gets_the_next_number_and_a_profile(segments):
    """The number lies above the taken ones; its words come from the profile, and no action is made up."""
    centres = np.array([MALL[0], [0.8, -3.0]])
    typical = ("Typical values: not these.", "Typical values: spending score 3 (all 50).")
    high, new = name_clusters(centres, segments, columns=COLUMNS, taken={2, 9}, typical=typical)

    assert high.segment_id == 1
    assert (new.segment_id, new.name) == (10, "High annual income, low spending score")
    assert new.description == "High annual income, low spending score. Typical values: spending score 3 (all 50)."
    assert new.recommended_action == ""
    assert "Typical" not in high.description


def test_two_clusters_near_one_prototype(segments):
    """The nearer one takes the name, the other gets a name of its own."""
    centres = np.array([[1.3, 1.5], [1.0, 1.2]])
    far, near = name_clusters(centres, segments, columns=COLUMNS, taken=())

    assert (near.segment_id, near.name) == (1, "High Spenders")
    assert (far.segment_id, far.name) == (6, "High annual income, high spending score")


def test_more_matches_come_before_shorter_distances():
    """Cluster 0 leaves its nearest prototype to cluster 1, which fits no other."""
    catalogue = _catalogue(0.0, 0.9)

    assert match_prototypes(np.array([[0.1], [-0.8]]), catalogue, columns=["a"]) == {0: 1, 1: 0}


def test_a_forbidden_pair_is_never_forced():
    """Clusters beyond the distance stay unmatched, even when prototypes are left over."""
    catalogue = _catalogue(0.0, 5.0, 6.0)

    assert match_prototypes(np.array([[0.2], [2.5], [100.0]]), catalogue, columns=["a"]) == {0: 0}


@given(
    centres=st.lists(st.floats(-4, 4), min_size=1, max_size=5),
    prototypes=st.lists(st.floats(-4, 4), min_size=1, max_size=5),
)
def test_matching_is_the_best_there_is(centres, prototypes):
    """As many pairs within the distance as possible, and of those the smallest sum: held against all matchings."""
    catalogue = _catalogue(*prototypes)
    matches = match_prototypes(np.array(centres)[:, np.newaxis], catalogue, columns=["a"])

    def cost(pairs):
        distances = [abs(centres[cluster] - prototypes[place]) for cluster, place in pairs]
        allowed = [distance for distance in distances if distance <= 1.0]
        return (-len(allowed), sum(allowed))

    places = [*range(len(prototypes)), *[None] * len(centres)]
    best = min(
        cost([(cluster, place) for cluster, place in enumerate(choice) if place is not None])
        for choice in set(permutations(places, len(centres)))
    )
    found = cost(matches.items())
    assert all(abs(centres[cluster] - prototypes[place]) <= 1.0 for cluster, place in matches.items())
    assert found[0] == best[0]
    assert found[1] == pytest.approx(best[1], abs=1e-9)


def test_names_made_from_profiles_are_unique():
    """Equal profiles are told apart by more columns, by degree, and at last by number."""
    catalogue = SegmentCatalogue(max_distance=1.0, segments=())
    columns = ["recency_days", "frequency", "monetary", "items"]
    centres = np.array(
        [
            [0.9, 1.0, 0.8, 0.0],
            [0.9, 1.0, 0.8, 0.7],
            [-2.0, -1.9, -1.6, 0.0],
            [-1.0, -1.0, -1.0, 0.0],
            [0.1, 0.3, 0.0, 0.0],
            [0.1, 0.3, 0.0, 0.0],
        ]
    )
    names = [identity.name for identity in name_clusters(centres, catalogue, columns=columns, taken=())]

    assert names == [
        "High recency days, high frequency, high monetary, middling items",
        "High recency days, high frequency, high monetary, high items",
        "Very low recency days, very low frequency, very low monetary, middling items",
        "Low recency days, low frequency, low monetary, middling items",
        "Middling recency days, middling frequency, middling monetary (5)",
        "Middling recency days, middling frequency, middling monetary (6)",
    ]


def test_no_clusters_have_no_names(segments):
    """Nothing in, nothing out."""
    assert name_clusters(np.empty((0, 2)), segments, columns=COLUMNS, taken=()) == []


def _was(segment_id, name, named_at=None):
    return SegmentIdentity(segment_id, name, "", "", named_at)


def _names(centres, catalogue, survivors, **options):
    centres = np.array(centres)[:, np.newaxis]
    named = name_clusters(centres, catalogue, columns=["a"], taken=(), survivors=survivors, **options)
    return [(identity.segment_id, identity.name) for identity in named]


def test_survivors_keep_their_numbers_and_names():
    """A name stays although another prototype has come nearer, as long as it is not nearer by the margin."""
    catalogue = _catalogue(0.0, 1.0)
    assert _names([0.6], catalogue, {0: _was(1, "Segment 1")}) == [(1, "Segment 1")]
    assert _names([0.7], catalogue, {0: _was(1, "Segment 1")}) == [(1, "Segment 2")]


def test_two_survivors_swap_names_only_when_both_gain():
    """Names are moved together: what both gain has to beat the margin of both."""
    catalogue = _catalogue(0.0, 1.0)
    crossed = {0: _was(1, "Segment 1"), 1: _was(2, "Segment 2")}
    assert _names([0.6, 0.4], catalogue, crossed) == [(1, "Segment 1"), (2, "Segment 2")]
    assert _names([0.9, 0.1], catalogue, crossed) == [(1, "Segment 2"), (2, "Segment 1")]


def test_a_name_of_the_catalogue_is_lost_beyond_its_distance_and_margin():
    """Drifting out of the distance is not enough; out of the margin as well, the profile gives the name."""
    catalogue = _catalogue(0.0)
    assert _names([1.2], catalogue, {0: _was(1, "Segment 1")}) == [(1, "Segment 1")]
    assert _names([1.4], catalogue, {0: _was(1, "Segment 1")}) == [(1, "High a")]


def test_a_name_made_from_a_profile_stays_while_the_segment_does():
    """It is made anew when the segment has moved farther than the margin from where it was made."""
    catalogue = _catalogue(5.0)
    middling = _was(7, "Middling a", {"a": 0.45})
    assert _names([0.55], catalogue, {0: middling}) == [(7, "Middling a")]
    assert _names([0.80], catalogue, {0: middling}) == [(7, "High a")]


def test_like_numbers_are_told_apart_by_what_prevails():
    """Before degrees and numbers, a category's value that most of a cluster have and others do not is said."""
    catalogue = _catalogue()
    levels = {"sales_channel=web": np.array([0.9, 0.1, 0.2]), "sales_channel=app": np.array([0.1, 0.8, 0.2])}
    named = name_clusters(np.array([[1.0], [1.0], [-1.0]]), catalogue, columns=["a"], taken=(), levels=levels)
    assert [one.name for one in named] == ["High a, sales channel web", "High a, sales channel app", "Low a"]
    assert named[0].named_at == {"a": 1.0, "sales_channel=web": 0.9, "sales_channel=app": 0.1}


def test_a_name_that_says_a_category_stays_while_it_prevails():
    """Its share counts as a coordinate; a value that has come since changes no name."""
    was = {0: _was(7, "High a, channel web", {"a": 1.0, "channel=web": 0.9})}
    for share, name in ((0.7, "High a, channel web"), (0.4, "High a")):
        levels = {"channel=web": np.array([share]), "newsletter=true": np.array([0.9])}
        assert _names([1.0], _catalogue(5.0), was, levels=levels) == [(7, name)]


def test_a_name_that_left_the_catalogue_is_replaced():
    """Who edits the named segments sees the new names with the next version."""
    assert _names([0.1], _catalogue(0.0), {0: _was(3, "Of old")}) == [(3, "Segment 1")]


def test_a_new_segment_takes_a_name_that_is_left():
    """A survivor keeps its name from one who fits it better; a dead segment's number is not taken with its name."""
    catalogue = _catalogue(0.0, 3.0)
    survivors = {0: _was(1, "Segment 1")}
    assert _names([0.8, 0.0], catalogue, survivors) == [(1, "Segment 1"), (3, "Middling a")]
    named = name_clusters(np.array([[0.1], [3.0]]), catalogue, columns=["a"], taken={1, 2}, survivors=survivors)
    assert [(identity.segment_id, identity.name) for identity in named] == [(1, "Segment 1"), (3, "Segment 2")]


def test_nobody_gets_a_name_that_an_analyst_gave_to_another():
    """Reserved names are passed over, so that names stay unique."""
    assert _names([0.0], _catalogue(0.0), {}, reserved={"Segment 1"}) == [(2, "Middling a")]
    assert _names([0.0], _catalogue(0.0), {}, reserved={"Segment 1", "Middling a"}) == [(2, "Middling a (2)")]
