"""Core rows and their clusters at one eps."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from clustering.algorithms.reachability import connected, core_rows

STEP = 0.1
LATTICE = np.array([[x, y] for x in range(12) for y in range(12) if (x + y) % 5]) * STEP
CHAINS = np.vstack([[[0.9 * place, 5.0 * row] for place in range(60)] for row in range(6)])
CROWD = np.vstack([np.repeat([[0.0, 0.0], [1.0, 0.0], [2.5, 0.0]], 40, axis=0), [[1.75, 0.5]]])


@pytest.mark.parametrize("eps", [STEP, np.hypot(STEP, STEP), 3 * STEP, 1.0, 2.0])
@pytest.mark.parametrize("rows", [LATTICE, CHAINS, CROWD], ids=["lattice", "chains", "crowd"])
def test_all_distances_say_the_same(rows, eps):
    """Rows at exactly eps, long chains and equal rows: what a matrix of all distances says."""
    within = cdist(rows, rows) <= eps
    assert np.array_equal(core_rows(rows, eps, 5), within.sum(axis=1) >= 5)
    clusters, expected = connected_components(within, directed=False)
    found = connected(rows, eps)
    assert found.max() + 1 == clusters
    assert len(set(zip(expected.tolist(), found.tolist(), strict=True))) == clusters


def test_more_than_there_are_rows():
    """No row has more neighbours than there are rows."""
    assert core_rows(np.zeros((3, 2)), 1.0, 4).tolist() == [False, False, False]
