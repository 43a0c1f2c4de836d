"""Agreement with several clusterings, counted in one table."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering.algorithms.agreement import Persistent


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_the_mean_of_scikit_learns(seed):
    """Over the rows in a cluster of each labelling; every noise row of the other is a cluster of its own."""
    generator = np.random.default_rng(seed)
    labellings = [generator.integers(-1, groups, 200, dtype=np.int32) for groups in (2, 3, 7, 40)]
    labels = np.where(generator.random(200) < 0.6, labellings[2], generator.integers(-1, 5, 200))
    alone = np.where(labels < 0, labels.max() + 1 + np.arange(200), labels)
    expected = [adjusted_rand_score(each[each >= 0], alone[each >= 0]) for each in labellings]

    assert Persistent(labellings).agreements([labels])[0] == pytest.approx(np.mean(expected), rel=1e-12)


def test_a_labelling_without_clusters_counts_as_nothing():
    """It takes part in the mean."""
    labels, noise = np.array([0, 0, 1, 1, -1]), np.full(5, -1)

    assert Persistent([labels, noise]).agreements([labels])[0] == 0.5
    assert Persistent([noise, noise]).agreements([labels])[0] == 0.0
