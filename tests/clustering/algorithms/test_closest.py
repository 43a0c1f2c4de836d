"""The closest two rows are those of all distances."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from clustering.algorithms.closest import closest_within

KINDS = {
    "apart": lambda generator, rows: generator.normal(size=(rows, 6)) + 8 * (np.arange(rows) % 2)[:, np.newaxis],
    "within each other": lambda generator, rows: generator.standard_t(2, size=(rows, 3)),
    "far from the origin": lambda generator, rows: (
        1e6 + generator.normal(size=(rows, 2)) + np.arange(rows)[:, None] % 2
    ),
    "lattice": lambda generator, rows: generator.integers(0, 5, size=(rows, 2)) + 5.0 * (np.arange(rows) % 2)[:, None],
    "one place": lambda generator, rows: np.zeros((rows, 2)),
}


@pytest.mark.parametrize("rows", [4, 90, 600])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_closer_is_overlooked(kind, rows):
    """Whichever rows are left aside, few and many alike, and with steps that are hardly longer than they are apart."""
    features = KINDS[kind](np.random.default_rng(3), rows)
    ours, theirs = np.arange(0, rows, 2), np.arange(1, rows, 2)
    distances = cdist(features[ours], features[theirs])
    least = distances.min()

    for step in (np.inf, least * 1.5 + 1e-9, least * 1.01 + 1e-9):
        found = closest_within(features, ours, theirs, step)
        assert found.distance == pytest.approx(least, rel=1e-12)
        assert distances[ours.tolist().index(found.ours), theirs.tolist().index(found.theirs)] == pytest.approx(least)
    if least > 0:
        assert closest_within(features, ours, theirs, least * 0.99).distance == np.inf
