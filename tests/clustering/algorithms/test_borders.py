"""The nearest core row at any `eps` is that of all distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.datasets import make_moons

from clustering.algorithms.basins import Densities, Neighbours
from clustering.algorithms.borders import Borders

ROWS = {
    "moons": make_moons(300, noise=0.15, random_state=1)[0],
    "heavy tails": np.random.default_rng(2).standard_t(1.5, size=(300, 3)),
    "lattice": np.random.default_rng(3).integers(0, 9, size=(300, 2)).astype(float),
    "equal rows": np.repeat(np.random.default_rng(4).normal(size=(40, 2)), 8, axis=0),
}


@pytest.mark.parametrize("min_samples", [2, 5, 20])
@pytest.mark.parametrize("kind", ROWS)
def test_core_rows_are_nearest_at_every_eps(kind, min_samples):
    """None is nearer, rows without one are noise, and as many of these are told."""
    rows = ROWS[kind]
    neighbours = Neighbours(rows, 20)
    densities = Densities(neighbours, min_samples)
    borders = Borders(neighbours, densities)
    ascending = (np.quantile(densities.core, [0.0, 0.05, 0.3, 0.7, 0.95, 1.0]) + 1e-9).tolist()
    distances = cdist(rows, rows)

    for eps, nearest in zip(ascending, borders.nearest(ascending), strict=True):
        core = densities.core <= eps
        least = distances[:, core].min(axis=1)
        clustered = nearest >= 0
        assert np.array_equal(clustered, least <= eps)
        assert core[nearest[clustered]].all()
        assert distances[clustered, nearest[clustered]] == pytest.approx(least[clustered], rel=1e-12)
        assert borders.noise(eps) == np.sum(~clustered)
