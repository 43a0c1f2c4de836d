"""Figures of a clustering."""

import numpy as np

from clustering.training.measures import measure


def test_measure_counts_clusters_and_noise():
    """Shares are of all customers, noise included."""
    rows = np.arange(20.0).reshape(10, 2)
    found = measure(rows, np.array([0] * 5 + [1] * 3 + [-1] * 2, dtype=np.int32), seed=0)

    assert (found["clusters"], found["smallest_share"], found["noise_share"]) == (2.0, 0.3, 0.2)
