"""Components that describe one group."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering.algorithms import Settings, algorithm
from clustering.algorithms.gaussian import coefficients_of
from clustering.algorithms.merging import Merges
from clustering.config import GaussianMixtureSpec
from clustering.features import Scaling
from clustering.segments.explanations import explain
from clustering.training.selection import select
from clustering.versions.artifacts import Artifact, ClusterSegment

gmm = algorithm("gmm")
SPEC = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"), n_init=5)
MERGED: Settings = {"n_components": 8, "covariance_type": "tied", "groups": 2}


@pytest.fixture(scope="module")
def squares():
    """Return two squares, filled evenly, that meet in a corner, and which of them each row is in."""
    generator = np.random.default_rng(3)
    groups = np.arange(600) % 2
    rows = generator.uniform(-1, 1, (600, 2)) @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    rows[:, 0] += 2.85 * groups
    return np.ascontiguousarray((rows - rows.mean(axis=0)) / rows.std(axis=0)), groups


@pytest.fixture(scope="module")
def fitted(squares):
    return gmm.fit(squares[0], MERGED, SPEC)


def _merges(*places):
    means = np.array(places, dtype=float)[:, np.newaxis]
    count = len(means)
    unit = np.ones((count, 1, 1))
    return Merges(means, unit, coefficients_of(np.full(count, 1 / count), means, unit))


@pytest.mark.parametrize(
    ("places", "groups"), [((7,), 1), ((0, 4), 2), ((0, 4, 8), 3), ((0, 2, 4, 6, 13), 2), ((0, 2.5, 9, 11.5, 20), 3)]
)
def test_groups_are_what_the_density_falls_between(places, groups):
    """Centres that lie near each other, also in a chain, are one group."""
    assert _merges(*places).groups == groups


def test_arms_of_an_angle_are_one_group():
    """The way between them leads around the corner, where the straight line is far from both."""
    means = np.array([[2.0, 0.0], [0.0, 2.0]])
    covariances = np.array([np.diag([4.0, 0.04]), np.diag([0.04, 4.0])])
    coefficients = coefficients_of(np.full(2, 0.5), means, np.linalg.inv(covariances))

    assert Merges(means, covariances, coefficients).persistence(2) < np.log(2)


def test_the_weakest_peak_is_joined_first():
    """With one group fewer, the two between which the density falls least are one."""
    merges = _merges(0, 9, 3, 14)

    assert merges.grouped(4).tolist() == [0, 1, 2, 3]
    assert merges.grouped(3).tolist() == [0, 1, 0, 2]
    assert merges.grouped(2).tolist() == [0, 1, 0, 1]
    assert merges.grouped(1).tolist() == [0, 0, 0, 0]
    assert merges.persistence(4) < merges.persistence(3) < merges.persistence(2)


def test_groups_of_several_components_are_plain_where_nothing_within_stands_out(squares, fitted):
    """Three components to a group, of whose peaks none is half as persistent; then these are asked before the parts."""
    merges = Merges.of(fitted.parameters)

    assert merges.are_plain(2)
    assert not merges.are_plain(3)
    assert not _merges(0, 4, 8, 20, 24, 28).are_plain(2)
    figures = gmm.figures(fitted, squares[0])
    assert gmm.rank(2, figures) > gmm.rank(8, {"bic": figures["bic"]}) > gmm.rank(2, {"bic": figures["bic"] + 1.0})


def test_plain_groups_are_taken_where_their_components_are_stable_too(whole_evaluation):
    """Of a square, four components are found again in every sample; eight of them pass, and were taken for groups."""
    generator = np.random.default_rng([121, 600, 9])
    groups = np.arange(600) % 2
    rows = generator.uniform(-1, 1, (600, 2)) @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    rows[:, 0] += 2.85 * groups
    order = generator.permutation(600)
    features = ((rows - rows.mean(axis=0)) / rows.std(axis=0))[order]
    selection = select(features, GaussianMixtureSpec(algorithm="gmm", features=("a", "b")), seed=0)

    assert adjusted_rand_score(groups[order], selection.fitted.labels) > 0.99


def test_a_merged_cluster_has_the_customers_and_probabilities_of_its_components(squares, fitted):
    """The estimator for notebooks says the same, by the cluster of each component."""
    assignment = gmm.assigner(fitted.parameters)(squares[0])
    components = fitted.estimator.predict_proba(squares[0])
    groups = fitted.parameters["groups"]

    assert adjusted_rand_score(squares[1], assignment.labels) == 1.0
    assert np.array_equal(fitted.estimator.groups_[fitted.estimator.predict(squares[0])], fitted.labels)
    expected = (components * (groups == assignment.labels[:, np.newaxis])).sum(axis=1)
    assert np.abs(expected - assignment.confidence).max() < 1e-6
    centres = [squares[0][fitted.labels == label, 0].mean() for label in (0, 1)]
    assert centres[0] < centres[1]
    assert gmm.doubts(fitted, SPEC) == []


def test_a_merged_refit_does_not_depend_on_those_beside_it(squares):
    """Alone or among others, labels and statistics of a sample are the same to the last bit."""
    rows = squares[0]
    drawn = np.random.default_rng(0).integers(0, len(rows), (4, len(rows)))
    together = gmm.refits(rows, drawn, MERGED, SPEC, seeds=range(4))
    (alone,) = gmm.refits(rows, drawn[2:3], MERGED, SPEC, seeds=[2])
    statistics = gmm.statistics_of(rows[drawn], MERGED, SPEC, seeds=range(4))

    assert alone is not None
    assert alone.tobytes() == np.asarray(together[2]).tobytes()
    assert np.mean([adjusted_rand_score(squares[1], one) for one in together]) > 0.75
    assert np.median(statistics["persistence"]) > np.log(2)
    assert gmm.statistics_of(rows[drawn[2:3]], MERGED, SPEC, seeds=[2])["persistence"] == statistics["persistence"][2]


def test_reasons_are_those_of_the_nearest_component(squares, fitted):
    """Pulls and constant add up to what the best component of the other cluster would cost more."""
    clusters = tuple(ClusterSegment(label, label + 1, f"Segment {label}", "", "", 1) for label in (0, 1))
    scaling = Scaling(("a", "b"), ("none", "none"), np.zeros(2), np.ones(2))
    found = explain(Artifact("squares", "gmm", scaling, {}, clusters, fitted.parameters), squares[0])
    costs = np.stack([one.terms(squares[0]).sum(axis=1) + one.constant for one in gmm.attractions(fitted.parameters)])
    best = np.stack([costs[fitted.parameters["groups"] == label].min(axis=0) for label in (0, 1)])

    assert found.segments.tolist() == (fitted.labels + 1).tolist()
    assert found.runners_up.tolist() == (2 - fitted.labels).tolist()
    np.testing.assert_allclose(found.total, np.abs(best[0] - best[1]), rtol=1e-9, atol=1e-9)
