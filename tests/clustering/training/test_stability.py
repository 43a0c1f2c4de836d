"""Bootstraps and splits."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.algorithms.base import Settings
from clustering.algorithms.sampling import draw, seeds
from clustering.config import DbscanSpec, GaussianMixtureSpec, KMeansSpec, ModelSpec
from clustering.training.stability import (
    Clusters,
    _pairs_kept,
    _similarities,
    bootstrap_jaccard,
    prediction_strength,
    weakest_cluster,
)

ROWS, GROUPS = make_blobs(300, centers=[[0, 0], [20, 0], [0, 20]], random_state=0)
CASES: list[tuple[ModelSpec, Settings]] = [
    (KMeansSpec(algorithm="kmeans", features=("a", "b")), {"n_clusters": 3}),
    (GaussianMixtureSpec(algorithm="gmm", features=("a", "b")), {"n_components": 3, "covariance_type": "full"}),
    (DbscanSpec(algorithm="dbscan", features=("a", "b")), {"eps": 2.0, "min_samples": 5}),
]


def _labels(values):
    return np.array(values, dtype=np.int32)


def test_similarity_of_clusters():
    """Intersection over union; noise counts in the union and is never a cluster itself."""
    found = _similarities(_labels([0, 0, 0, 1, 1, -1]), _labels([1, 1, 0, -1, -1, -1]), 2)

    assert found.tolist() == [[1 / 3, 2 / 3], [0.0, 0.0]]


def test_pairs_that_stay_together():
    """The share of a cluster's pairs that share a predicted cluster; a cluster of one has no pair to lose."""
    assert _pairs_kept(_labels([0, 0, 0, 1, 1, 2]), _labels([0, 0, 1, 1, 1, 0])).tolist() == [1 / 3, 1.0, 1.0]


def test_the_weakest_cluster_is_that_of_the_lowest_mean():
    """Averaged over the splits that tell, cluster by cluster, with the standard error of its mean."""
    strengths = np.array([[1.0, 0.5], [1.0, 0.9], [0.4, np.nan], [1.0, np.nan]])
    strength, error = weakest_cluster(strengths)

    assert [strength, error] == pytest.approx([0.7, 0.2])


def _clusters(spec, settings):
    labels = algorithm(spec.algorithm).fit(ROWS, settings, spec).labels
    return Clusters(ROWS, labels, int(labels.max()) + 1, settings, spec)


@pytest.mark.parametrize(("spec", "settings"), CASES, ids=lambda case: getattr(case, "algorithm", ""))
def test_clear_groups_are_found_again(spec, settings):
    """Their bootstrap Jaccard is nearly 1, in every sample."""
    jaccard = bootstrap_jaccard(_clusters(spec, settings), [1, 2, 3])

    assert jaccard.shape == (3, 3)
    assert jaccard.min() >= 0.95


@pytest.mark.parametrize(("spec", "settings"), CASES[:2], ids=lambda case: getattr(case, "algorithm", ""))
def test_clear_groups_are_predicted(spec, settings):
    """Either half predicts the other; one cluster more is not predicted."""
    assert prediction_strength(_clusters(spec, settings), [1]).tolist() == [[1.0] * 3] * 2

    (name, clusters), *rest = settings.items()
    more = _clusters(spec, {name: clusters + 1, **dict(rest)})
    assert weakest_cluster(prediction_strength(more, range(12)))[0] < 0.8


def test_what_cannot_be_fitted_is_not_stable():
    """Fewer different customers than clusters in a replicate count as 0."""
    rows = np.repeat([[0.0, 0.0], [1.0, 0.0]], 2, axis=0)
    spec = KMeansSpec(algorithm="kmeans", features=("a", "b"))
    clusters = Clusters(rows, _labels([0, 0, 1, 1]), 2, {"n_clusters": 5}, spec)

    assert prediction_strength(clusters, [0]).max() == 0.0
    assert bootstrap_jaccard(clusters, [0]).max() == 0.0


def test_streams_of_seeds_differ():
    """The same seed numbers bootstraps and splits apart."""
    assert seeds(0, 10, stream=1) != seeds(0, 10, stream=2)


def test_a_sample_keeps_the_order():
    """Rows are drawn without replacement; few enough are all taken."""
    rows = np.arange(20.0).reshape(10, 2)

    assert draw(rows, 10, seed=0) is rows
    drawn = draw(rows, 4, seed=0)
    assert len(drawn) == 4
    assert np.all(np.diff(drawn[:, 0]) > 0)
