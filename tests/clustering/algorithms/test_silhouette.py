"""The silhouette of a clustering."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_score

from clustering.algorithms.silhouette import SILHOUETTE_ROWS, silhouette


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


CENTRES = [[0, 0], [4, 0], [0, 9]]


@pytest.mark.parametrize(
    ("sampled", "most_rows"),
    [(2_000, {"most_rows": 2_000}), pytest.param(SILHOUETTE_ROWS, {}, marks=pytest.mark.slow)],
)
def test_silhouette_of_many_rows_is_sampled_by_cluster(sampled, most_rows):
    """A sample of each cluster's share gives nearly the same value, and always the same one."""
    rows, labels = make_blobs([part * sampled // 100 for part in (90, 59, 1)], centers=CENTRES, random_state=0)
    values = {silhouette(rows, labels.astype(np.int32), seed=1, **most_rows) for _ in range(2)}

    assert len(values) == 1
    assert values.pop() == pytest.approx(silhouette_score(rows, labels), abs=0.01)


def test_silhouette_without_two_clusters_is_zero():
    """One cluster, or nothing but noise, has no silhouette."""
    rows = np.arange(6.0).reshape(3, 2)

    assert silhouette(rows, np.zeros(3, dtype=np.int32), seed=0) == 0.0
    assert silhouette(rows, np.full(3, -1, dtype=np.int32), seed=0) == 0.0
