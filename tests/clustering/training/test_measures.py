"""Figures of a clustering."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

from clustering.training.measures import SILHOUETTE_ROWS, measure, silhouette


def test_measure_counts_clusters_and_noise():
    """Shares are of all customers, noise included."""
    rows = np.arange(20.0).reshape(10, 2)
    found = measure(rows, np.array([0] * 5 + [1] * 3 + [-1] * 2, dtype=np.int32), seed=0)

    assert (found["clusters"], found["smallest_share"], found["noise_share"]) == (2.0, 0.3, 0.2)


def test_silhouette_of_few_rows_is_exact():
    """Up to the sample's size, the silhouette is scikit-learn's."""
    rows, labels = make_blobs(500, centers=3, random_state=0)

    assert silhouette(rows, labels.astype(np.int32), seed=0) == pytest.approx(silhouette_score(rows, labels))


def test_silhouette_counts_noise_against_the_solution():
    """Noise rows count as clusters of their own, with silhouette 0."""
    rows, labels = make_blobs(400, centers=[[0, 0], [9, 9]], random_state=0)
    noisy = labels.astype(np.int32)
    noisy[:100] = -1

    assert silhouette(rows, noisy, seed=0) == pytest.approx(0.75 * silhouette_score(rows[100:], labels[100:]))


def test_silhouette_of_many_rows_is_sampled_by_cluster():
    """A sample of each cluster's share gives nearly the same value, and always the same one."""
    rows, labels = make_blobs([9000, 5900, 100], centers=[[0, 0], [4, 0], [0, 9]], random_state=0)
    assert len(rows) > SILHOUETTE_ROWS
    values = {silhouette(rows, labels.astype(np.int32), seed=1) for _ in range(2)}

    assert len(values) == 1
    assert values.pop() == pytest.approx(silhouette_score(rows, labels), abs=0.01)


def test_silhouette_without_two_clusters_is_zero():
    """One cluster, or nothing but noise, has no silhouette."""
    rows = np.arange(6.0).reshape(3, 2)

    assert silhouette(rows, np.zeros(3, dtype=np.int32), seed=0) == 0.0
    assert silhouette(rows, np.full(3, -1, dtype=np.int32), seed=0) == 0.0
