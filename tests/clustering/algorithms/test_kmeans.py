"""K-Means."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

from clustering.algorithms import algorithm
from clustering.config import KMeansSpec
from clustering.errors import TrainingError

kmeans = algorithm("kmeans")
SPEC = KMeansSpec(algorithm="kmeans", features=("a", "b"), clusters=(2, 4))


def test_propose_every_number_of_clusters():
    """One candidate stands for each number of the range."""
    assert kmeans.propose(np.zeros((3, 2)), SPEC) == [{"n_clusters": 2}, {"n_clusters": 3}, {"n_clusters": 4}]


def test_assign_nearest_centroid_and_simplified_silhouette():
    """The label is the nearest centroid's; the confidence is 1 − d1/d2."""
    assign = kmeans.assigner({"centroids": np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 10.0]])})
    assignment = assign(np.array([[1.0, 0.0], [4.0, 0.0], [2.0, 0.0], [0.0, 9.0]]))

    assert assignment.labels.tolist() == [0, 1, 0, 2]
    assert assignment.confidence.tolist() == pytest.approx([1 - 1 / 3, 1.0, 0.0, 1 - 1 / 9], abs=1e-6)


def test_one_cluster_is_certain():
    """Where there is only one centroid, every confidence is 1."""
    assignment = kmeans.assigner({"centroids": np.array([[0.0]])})(np.array([[5.0], [0.0]]))

    assert assignment.labels.tolist() == [0, 0]
    assert assignment.confidence.tolist() == [1.0, 1.0]


def test_equal_centroids_leave_no_confidence():
    """A row on two centroids at once takes the first with confidence 0."""
    assignment = kmeans.assigner({"centroids": np.array([[1.0], [1.0]])})(np.array([[1.0]]))

    assert (assignment.labels.tolist(), assignment.confidence.tolist()) == ([0], [0.0])


def test_labels_agree_with_the_estimator():
    """The estimator, in canonical order too, predicts the assigner's labels."""
    rows = make_blobs(3000, centers=4, random_state=1)[0]
    fitted = kmeans.fit(rows, {"n_clusters": 4}, SPEC)
    others = make_blobs(10_000, centers=4, random_state=2)[0]

    assert np.array_equal(fitted.estimator.predict(others), kmeans.assigner(fitted.parameters)(others).labels)
    assert np.array_equal(fitted.estimator.labels_, fitted.labels)


def test_clusters_are_numbered_by_their_centres():
    """Cluster 0 has the smallest first feature, whatever the start."""
    rows = make_blobs(500, centers=[[5, 0], [-5, 0], [0, 0]], random_state=0)[0]
    centroids = kmeans.fit(rows, {"n_clusters": 3}, SPEC).parameters["centroids"]

    assert centroids[:, 0].round().tolist() == [-5, 0, 5]


def test_a_value_that_a_start_has_missed_has_its_own_cluster():
    """A centroid that no customer is nearest to starts anew at the customer who is farthest from all."""
    rows = np.vstack([np.zeros((6000, 2)), [[1.0, 0.0]], [[0.0, 3.0]]])

    assert np.bincount(kmeans.fit(rows, {"n_clusters": 3}, SPEC).labels).tolist() == [6000, 1, 1]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.array([[0.0, 1.0], [1.0, 0.0]]), "3 clusters need at least 3 customers, there are 2"),
        (np.array([[0.0, 1.0], [1.0, 0.0]] * 5), "the 10 customers hold 2 different ones"),
    ],
)
def test_too_few_rows_are_refused(rows, message):
    """Fewer customers, or fewer different ones, than clusters cannot be clustered."""
    with pytest.raises(TrainingError, match=message):
        kmeans.fit(rows, {"n_clusters": 3}, SPEC)


def test_doubts_name_a_tiny_cluster():
    """A handful of giants against the rest is doubted."""
    rows = np.vstack([np.random.default_rng(0).normal(size=(500, 2)), [[80.0, 80.0]]])
    fitted = kmeans.fit(rows, {"n_clusters": 2}, SPEC)

    assert kmeans.doubts(fitted, SPEC) == ["the smallest cluster holds 1 of 501 customers, under 1 %"]
    assert silhouette_score(rows, fitted.labels) > 0.9
