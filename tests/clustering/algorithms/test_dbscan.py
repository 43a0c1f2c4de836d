"""DBSCAN."""

import numpy as np
import pytest
from sklearn.cluster import DBSCAN
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.metrics import adjusted_rand_score

from clustering.algorithms import algorithm, density
from clustering.algorithms.discrete_columns import spread
from clustering.config import DbscanSpec
from clustering.errors import TrainingError

dbscan = algorithm("dbscan")
SPEC = DbscanSpec(algorithm="dbscan", features=("a", "b"))


def _standardised(rows):
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)


def _noise_alone(labels):
    return np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels)


def test_assign_nearest_core_within_eps():
    """The label is the nearest core customer's, eps included; beyond it a row is noise with confidence 0."""
    assign = dbscan.assigner({"core": np.array([[0.0], [4.0]]), "core_labels": np.array([0, 1]), "eps": np.array(1.0)})
    assignment = assign(np.array([[0.0], [0.25], [1.0], [1.0000001], [3.5], [9.0]]))

    assert assignment.labels.tolist() == [0, 0, 0, -1, 1, -1]
    assert assignment.confidence.tolist() == [1.0, 0.75, 0.0, 0.0, 0.5, 0.0]


def test_a_lattice_at_exactly_eps_is_one_cluster():
    """Distances equal to eps count, in the fit and in the assignment."""
    rows = np.array([[x, y] for x in range(10) for y in range(10)], dtype=float) * 0.5
    fitted = dbscan.fit(rows, {"eps": 0.5, "min_samples": 3}, SPEC)

    assert fitted.labels.tolist() == [0] * 100
    assert len(fitted.parameters["core"]) == 100


def test_a_fit_says_by_how_much_eps_may_change():
    """It is known of what was proposed alone."""
    rows = _standardised(make_moons(500, noise=0.05, random_state=3)[0])
    margins = [dbscan.figures(dbscan.fit(rows, one, SPEC), rows)["eps_margin"] for one in dbscan.propose(rows, SPEC)]
    strange = {"eps": 0.2, "min_samples": 17}

    assert max(margins) > 1.2
    assert min(margins) >= 1
    assert dbscan.figures(dbscan.fit(rows, strange, SPEC), rows) == {"eps_margin": 1.0}


@pytest.mark.parametrize("decimals", [0, 1, 9])
def test_what_was_proposed_is_fitted_as_if_nothing_was_known(decimals):
    """The search has found the clusters already, of equal rows and of rows at exactly eps too."""
    rows = np.round(_standardised(make_moons(500, noise=0.1, random_state=3)[0]), decimals)
    seen = spread(rows, seed=SPEC.seed)
    proposed = dbscan.propose(rows, SPEC)
    known = [dbscan.fit(rows, settings, SPEC) for settings in proposed]
    assert density.known_cut(seen, float(proposed[0]["eps"]), int(proposed[0]["min_samples"])) is not None
    density.search(rows[::-1], [2])
    assert density.known_cut(seen, float(proposed[0]["eps"]), 2) is None

    for settings, one in zip(proposed, known, strict=True):
        fitted = dbscan.fit(rows, settings, SPEC)
        assert one.labels.tolist() == fitted.labels.tolist()
        for name, value in fitted.parameters.items():
            assert one.parameters[name].tolist() == value.tolist()


@pytest.mark.parametrize("dimensions", [1, 2, 4, 7])
@pytest.mark.parametrize(("eps", "min_samples"), [(0.1, 2), (0.3, 4), (0.5, 10), (1.2, 25)])
def test_fit_is_scikit_learns(eps, min_samples, dimensions):
    """Core customers, their clusters and the noise are scikit-learn's; only border customers may differ."""
    rows = _standardised(make_blobs(600, n_features=dimensions, centers=4, cluster_std=2.0, random_state=5)[0])
    expected = DBSCAN(eps=eps, min_samples=min_samples).fit(rows)
    if not len(expected.core_sample_indices_):
        with pytest.raises(TrainingError, match="everything would be noise"):
            dbscan.fit(rows, {"eps": eps, "min_samples": min_samples}, SPEC)
        return
    fitted = dbscan.fit(rows, {"eps": eps, "min_samples": min_samples}, SPEC)

    core = expected.core_sample_indices_
    assert np.array_equal(fitted.estimator.core_sample_indices_, core)
    assert adjusted_rand_score(expected.labels_[core], fitted.labels[core]) == 1.0
    assert len(set(expected.labels_[core])) == len(set(fitted.labels[core]))
    assert np.array_equal(expected.labels_ == -1, fitted.labels == -1)


def _of_whole_numbers(seed):
    """Four groups, of which one column is rounded so that a seventh of the customers share a value."""
    rows, groups = make_blobs(600, centers=[[0, 0], [6, 0], [0, 6], [7, 7]], cluster_std=1.0, random_state=seed)
    return _standardised(np.column_stack([np.round(rows[:, 0] / 1.5), rows[:, 1]])), groups


def test_groups_are_found_in_a_column_of_whole_numbers():
    """Values on lines are no groups; core customers keep the values that they have, so that one can be taken out."""
    rows, groups = _of_whole_numbers(seed=4)
    fitted = dbscan.fit(rows, dbscan.propose(rows, SPEC)[0], SPEC)

    assert np.unique(rows[:, 0], return_counts=True)[1].max() > 60
    assert fitted.labels.max() + 1 == 4
    assert adjusted_rand_score(groups, _noise_alone(fitted.labels)) > 0.9
    assert dbscan.doubts(fitted, SPEC) == []
    assert {tuple(one) for one in fitted.parameters["core"]} <= {tuple(one) for one in rows}


def test_a_declared_eps_is_of_the_values_as_they_are():
    """Where a person says how near is near, nothing is spread: each value is a line of its own."""
    rows, _ = _of_whole_numbers(seed=4)
    spec = SPEC.model_copy(update={"eps": 0.3, "min_samples": 5})
    expected = DBSCAN(eps=0.3, min_samples=5).fit(rows)
    fitted = dbscan.fit(rows, dbscan.propose(rows, spec)[0], spec)

    assert np.array_equal(fitted.estimator.core_sample_indices_, expected.core_sample_indices_)
    assert fitted.labels.max() == expected.labels_.max() > 4


def test_equal_customers_are_in_one_cluster():
    """Of equal core customers whom spreading has put into two clusters, the most decide, and no cluster is empty."""
    rows = np.round(2 * np.random.default_rng(1).normal(size=(400, 1)))
    rows = np.hstack([rows, rows])
    settings = {"eps": 0.05, "min_samples": 2}
    fitted = dbscan.fit(rows, settings, SPEC)

    assert len(fitted.parameters["core"]) == len(np.unique(fitted.parameters["core"], axis=0))
    labels = fitted.parameters["core_labels"]
    assert sorted(set(labels.tolist())) == list(range(labels.max() + 1))


def test_core_customers_are_labelled_with_certainty():
    """Every core customer is its own nearest one."""
    rows = _standardised(make_moons(500, noise=0.05, random_state=0)[0])
    fitted = dbscan.fit(rows, {"eps": 0.2, "min_samples": 5}, SPEC)
    core = fitted.estimator.core_sample_indices_
    assignment = dbscan.assigner(fitted.parameters)(rows[core])

    assert np.array_equal(assignment.labels, fitted.labels[core])
    assert set(assignment.confidence.tolist()) == {1.0}


def test_equal_core_customers_are_stored_once():
    """Customers with the same features need one place in the tree."""
    rows = np.repeat([[0.0, 0.0], [5.0, 5.0]], 50, axis=0)
    fitted = dbscan.fit(rows, {"eps": 0.5, "min_samples": 4}, SPEC)

    assert fitted.parameters["core"].tolist() == [[0.0, 0.0], [5.0, 5.0]]
    assert fitted.parameters["core_labels"].tolist() == [0, 1]


def test_given_settings_are_used_as_they_are():
    """What the specification says is not searched for."""
    rows = _standardised(make_blobs(300, random_state=0)[0])
    spec = SPEC.model_copy(update={"eps": 0.33, "min_samples": 7})

    assert dbscan.propose(rows, spec) == [{"eps": 0.33, "min_samples": 7}]
    assert dbscan.propose(rows, SPEC.model_copy(update={"eps": 0.33})) == [{"eps": 0.33, "min_samples": 4}]
    assert dbscan.propose(rows, SPEC.model_copy(update={"min_samples": 7}))[0]["min_samples"] == 7


@pytest.mark.parametrize(("rows", "usual"), [(200, 4), (5000, 50)])
def test_min_samples_grow_with_the_customers(rows, usual):
    """Around two per feature, or 1 % of many customers."""
    tried = density.min_samples_to_try(rows, 2)

    assert usual in tried
    assert (tried[0], tried[-1]) == (max(3, usual // 2), 2 * usual)


def test_settings_are_for_all_customers():
    """What is found in a share of the customers holds for all of them: the same eps, more customers within it."""
    rows = _standardised(make_moons(2000, noise=0.05, random_state=0)[0])
    found = dbscan.propose(rows[::4], SPEC, share=0.25)[0]
    fitted = dbscan.fit(rows, found, SPEC)

    assert dbscan.for_share(found, 0.25)["min_samples"] in density.min_samples_to_try(500, 2)
    assert adjusted_rand_score(make_moons(2000, noise=0.05, random_state=0)[1], _noise_alone(fitted.labels)) >= 0.99


def _shapes():
    blobs, groups = make_blobs(1500, random_state=170)
    centres = [[-6, -6], [-6, 6], [0, 0], [6, -6], [6, 6]]
    noisy, noisy_groups = make_blobs(1200, centers=centres, random_state=0)
    uniform = np.random.default_rng(0).uniform(noisy.min(axis=0), noisy.max(axis=0), (300, 2))
    return {
        "blobs": (blobs, groups, 0.98),
        "anisotropic": (blobs @ [[0.6, -0.6], [-0.4, 0.8]], groups, 0.95),
        "unequal": (*make_blobs(1500, cluster_std=[1, 2.5, 0.5], random_state=170), 0.85),
        "moons": (*make_moons(1500, noise=0.05, random_state=0), 0.99),
        "circles": (*make_circles(1500, factor=0.5, noise=0.05, random_state=0), 0.99),
        "noisy": (np.vstack([noisy, uniform]), np.append(noisy_groups, -np.ones(300, dtype=int)), 0.95),
    }


@pytest.mark.parametrize("shape", sorted(_shapes()))
def test_settings_are_found_for_groups_of_many_shapes(shape):
    """Without labels, the search finds round, stretched, unequal, bent and ringed groups, and groups in noise."""
    rows, groups, least = _shapes()[shape]
    rows = _standardised(rows)
    fitted = dbscan.fit(rows, dbscan.propose(rows, SPEC)[0], SPEC)

    grouped = groups >= 0
    assert adjusted_rand_score(groups[grouped], _noise_alone(fitted.labels)[grouped]) >= least
    assert dbscan.doubts(fitted, SPEC) == []


def test_identical_rows_are_refused():
    """Customers without any difference have no density."""
    with pytest.raises(TrainingError, match="hold 1 different ones"):
        dbscan.propose(np.ones((50, 2)), SPEC)


def test_customers_with_many_equals_are_grouped():
    """Distances of 0 to the nearest customers still leave an eps to find."""
    rows = np.repeat([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], 60, axis=0)
    fitted = dbscan.fit(rows, dbscan.propose(rows, SPEC)[0], SPEC)

    assert np.bincount(fitted.labels).tolist() == [60, 60, 60]


def test_few_rows_are_refused():
    """A core customer needs min_samples customers."""
    with pytest.raises(TrainingError, match="min_samples 3 needs at least as many customers, there are 2"):
        dbscan.propose(np.arange(4.0).reshape(2, 2), SPEC)


def test_a_tiny_eps_is_refused():
    """When everything would be noise, the message says what to set."""
    with pytest.raises(TrainingError, match=r"within eps 0.01: everything would be noise; set a larger eps"):
        dbscan.fit(np.arange(20.0).reshape(10, 2), {"eps": 0.01, "min_samples": 3}, SPEC)


def test_red_flags():
    """Too few clusters, one that holds nearly all, and much noise are flagged."""
    assert density.red_flags(np.repeat([0, 1, -1], [5, 3, 2]).astype(np.int32)) == []
    assert density.red_flags(np.repeat([0, 1], [97, 3]).astype(np.int32)) == [
        "one cluster holds 97 % of the customers, over 95 %"
    ]
    assert density.red_flags(np.full(10, -1, dtype=np.int32)) == [
        "there are fewer than 2 clusters",
        "100 % of the customers are noise, over 30 %",
    ]


def test_values_of_a_column_are_not_taken_for_groups():
    """Customers who bought once, twice or more often lie in layers, which are no groups, and one if spread."""
    rng = np.random.default_rng(3)
    often = 1 + rng.geometric(0.5, 2_000)
    features = np.column_stack([np.log(often) / np.log(often).std(), rng.normal(size=2_000)])
    settings = {"eps": 0.3, "min_samples": 20}
    declared = SPEC.model_copy(update=settings)
    layered = dbscan.fit(features, settings, declared)
    across = dbscan.fit(features, {"eps": 1.2, "min_samples": 20}, declared)
    assert [doubt for doubt in dbscan.doubts(layered, declared) if "have the same" in doubt]
    assert not [doubt for doubt in dbscan.doubts(across, declared) if "have the same" in doubt]
    assert layered.labels.max() > 1
    assert dbscan.fit(features, settings, SPEC).labels.max() == 0


def test_two_values_are_no_groups_beyond_eps_either():
    """With many columns, customers of either value are farther apart than the values, and within eps of none."""
    rng = np.random.default_rng(2)
    rows = np.column_stack([rng.integers(0, 2, 500) * 2.0, rng.normal(size=(500, 4))])
    spec = DbscanSpec(algorithm="dbscan", features=("member", "a", "b", "c", "d"), eps=2.0001, min_samples=20)
    fitted = dbscan.fit(rows, dbscan.propose(rows, spec)[0], spec)
    assert len(set(fitted.labels[fitted.labels >= 0].tolist())) == 2
    assert not dbscan.shows_groups(rows, fitted, spec)


def test_many_values_close_together_are_no_layers():
    """A value that many have is no layer while its neighbours are within eps."""
    rng = np.random.default_rng(3)
    rounded = np.round(rng.normal(size=2_000), 1)
    assert density.layers(np.column_stack([rounded]), 0.2, ["income"]) == []
    assert density.layers(np.zeros((5, 1)), 0.2, ["income"]) == []
