"""The hierarchy from nearest neighbours is that from all distances."""

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from clustering.algorithms.basins import Densities, Neighbours, visits


def _between_two(generator):
    """Two dense groups whose rims are nearer to each other than to the few rows between them."""
    left, right = generator.normal(scale=0.3, size=(2, 150, 2))
    return np.vstack([left, right + np.array([1.8, 0.0]), generator.uniform(-2, 4, size=(15, 2))])


def _far_apart(generator):
    """Twenty groups that no row's neighbours connect."""
    return generator.normal(scale=0.02, size=(400, 2)) + generator.integers(0, 5, size=(400, 2))


KINDS = {
    "noise": lambda generator: generator.normal(size=(300, 3)),
    "heavy tails": lambda generator: generator.standard_t(1.5, size=(300, 2)),
    "between two": _between_two,
    "far apart": _far_apart,
    "lattice": lambda generator: generator.integers(0, 12, size=(300, 2)).astype(float),
    "equal rows": lambda generator: np.repeat(generator.normal(size=(30, 2)), 10, axis=0),
}


@pytest.mark.parametrize("min_samples", [2, 4, 12])
@pytest.mark.parametrize("kind", KINDS)
def test_every_cluster_of_all_distances_is_a_run(kind, min_samples):
    """Exactly, whatever the rows and however few neighbours are known: at every length of a step, and just below."""
    rows = KINDS[kind](np.random.default_rng(1))
    neighbours = Neighbours(rows, 12)
    order, steps = visits(neighbours, Densities(neighbours, min_samples))
    core = neighbours.near[:, min_samples - 1]
    reach = np.maximum(cdist(rows, rows), np.maximum.outer(core, core))
    lengths = np.unique(steps[1:])

    assert sorted(order.tolist()) == list(range(len(rows)))
    for length in (*np.quantile(lengths, np.linspace(0, 1, 15), method="nearest"), *lengths[-15:]):
        for eps in (length * (1 + 1e-12), length * (1 - 1e-9)):
            expected = connected_components(reach <= eps, directed=False)[1]
            found = np.empty(len(rows), dtype=int)
            found[order] = np.cumsum(steps > eps)
            pairs = set(zip(expected.tolist(), found.tolist(), strict=True))
            assert len(pairs) == len(set(expected.tolist())) == len(set(found.tolist()))
