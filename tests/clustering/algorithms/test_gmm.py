"""Gaussian mixture."""

import numpy as np
import pytest
from pydantic import ValidationError
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.config import GaussianMixtureSpec
from clustering.errors import TrainingError

gmm = algorithm("gmm")
SPEC = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))


def _rows(rows, dimensions, seed):
    features = make_blobs(rows, n_features=dimensions, centers=4, cluster_std=2.5, random_state=seed)[0]
    return (features - features.mean(axis=0)) / features.std(axis=0)


def test_propose_covariance_types_by_components():
    """One candidate stands for each pair of covariance type and number of components."""
    spec = SPEC.model_copy(update={"components": (2, 3), "covariance_types": ("full", "diag")})

    assert gmm.propose(np.zeros((3, 2)), spec) == [
        {"n_components": 2, "covariance_type": "full"},
        {"n_components": 3, "covariance_type": "full"},
        {"n_components": 2, "covariance_type": "diag"},
        {"n_components": 3, "covariance_type": "diag"},
    ]


@pytest.mark.parametrize("dimensions", [1, 2, 5])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_labels_and_probabilities_agree_with_the_estimator(covariance_type, dimensions):
    """The quadratic form gives scikit-learn's labels and posterior probabilities, for every covariance type."""
    fitted = gmm.fit(_rows(1500, dimensions, 0), {"n_components": 4, "covariance_type": covariance_type}, SPEC)
    others = 2 * _rows(10_000, dimensions, 1)
    assignment = gmm.assigner(fitted.parameters)(others)

    assert np.array_equal(fitted.estimator.predict(others), assignment.labels)
    expected = fitted.estimator.predict_proba(others).max(axis=1)
    assert np.abs(expected - assignment.confidence).max() < 1e-6


def test_nearly_singular_covariances_keep_their_precision():
    """Variances down to the smallest reg_covar still give scikit-learn's labels."""
    generator = np.random.default_rng(0)
    rows = generator.normal(size=(2000, 2)) * [1.0, 1e-3] + np.repeat([[0.0, 0.0], [0.0, 0.01]], 1000, axis=0)
    spec = SPEC.model_copy(update={"reg_covar": 1e-6})
    fitted = gmm.fit(rows, {"n_components": 2, "covariance_type": "full"}, spec)

    assert np.array_equal(fitted.estimator.predict(rows), fitted.labels)
    expected = fitted.estimator.predict_proba(rows).max(axis=1)
    assert np.abs(expected - gmm.assigner(fitted.parameters)(rows).confidence).max() < 1e-6


def test_one_component_is_certain():
    """Where there is only one component, every confidence is 1."""
    rows = _rows(200, 2, 0)
    fitted = gmm.fit(rows, {"n_components": 1, "covariance_type": "full"}, SPEC)

    assert set(gmm.assigner(fitted.parameters)(rows).confidence.tolist()) == {1.0}
    assert gmm.doubts(fitted, SPEC) == ["there is only one cluster"]


def test_components_are_numbered_by_their_means():
    """Component 0 has the smallest first feature, in the parameters and in the estimator."""
    rows = make_blobs(600, centers=[[5, 0], [-5, 0], [0, 0]], random_state=0)[0]
    fitted = gmm.fit(rows, {"n_components": 3, "covariance_type": "full"}, SPEC)

    assert fitted.parameters["means"][:, 0].round().tolist() == [-5, 0, 5]
    assert np.array_equal(fitted.estimator.means_, fitted.parameters["means"])


def test_identical_rows_are_refused():
    """Customers without any difference make no mixture."""
    with pytest.raises(TrainingError, match="hold 1 different ones"):
        gmm.fit(np.ones((50, 2)), {"n_components": 2, "covariance_type": "full"}, SPEC)


def test_doubts_name_a_discrete_direction():
    """A component whose variance is all reg_covar has found a discrete column."""
    generator = np.random.default_rng(0)
    rows = np.column_stack([generator.normal(size=600), np.repeat([-1.0, 1.0], 300)])
    fitted = gmm.fit(rows, {"n_components": 2, "covariance_type": "full"}, SPEC)

    assert gmm.doubts(fitted, SPEC) == ["the smallest variance, 0.001, is that of reg_covar, 0.001"]


def test_declared_groups_are_what_components_are_merged_into():
    """As many components as groups are left as they are; fewer are no candidates."""
    spec = SPEC.model_copy(update={"components": (2, 4), "covariance_types": ("full",), "groups": 3})

    assert gmm.propose(np.zeros((3, 2)), spec) == [
        {"n_components": 3, "covariance_type": "full"},
        {"n_components": 4, "covariance_type": "full", "groups": 3},
    ]
    assert spec.is_declared
    assert not gmm.is_declared({"n_components": 4, "covariance_type": "full", "groups": 2}, spec)


def test_groups_without_components_try_as_many_as_usual():
    """From one component a group on."""
    spec = SPEC.model_copy(update={"covariance_types": ("full",), "groups": 9})

    assert [one["n_components"] for one in gmm.propose(np.zeros((3, 2)), spec)] == [9, 10]


def test_more_groups_than_components_are_refused():
    """The message says what to do."""
    with pytest.raises(ValidationError, match="groups: 4 components are no 5 groups; declare more of them"):
        GaussianMixtureSpec(algorithm="gmm", features=("a", "b"), components=(2, 4), groups=5)
