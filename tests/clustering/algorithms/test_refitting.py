"""DBSCAN of many samples at once."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons

from clustering.algorithms import Algorithm, algorithm
from clustering.config import DbscanSpec

dbscan = algorithm("dbscan")
# `eps` is declared, so that no column is spread: a sample that is fitted by itself would spread its own rows.
SPEC = DbscanSpec(algorithm="dbscan", features=("a", "b"), eps=1.0, min_samples=4)
CROSS = np.array([[x, y] for x in (-2.0, -1.75, -1.5, 1.5, 1.75, 2.0) for y in (-2.0, -1.75, 0.0, 1.75, 2.0)])
ROWS = {
    "moons": make_moons(400, noise=0.08, random_state=1)[0],
    "blobs": make_blobs(300, n_features=4, centers=4, random_state=2)[0] / 3,
    "lattice": np.round(make_moons(400, noise=0.2, random_state=3)[0] * 8) / 8,
    "cross": CROSS.repeat(3, axis=0),
    "counts": np.random.default_rng(4).poisson(2, (300, 1)).astype(float),
}


def _lists(found):
    return [None if labels is None else labels.tolist() for labels in found]


@pytest.mark.parametrize("min_samples", [2, 6, 40])
@pytest.mark.parametrize("eps", [0.1, 0.25, 0.5, 1.5, 20.0])
@pytest.mark.parametrize("rows", ROWS.values(), ids=ROWS)
def test_labels_are_those_of_single_fits(rows, eps, min_samples):
    """Bit by bit, with rows drawn twice, equal rows, and rows as far from one core customer as from another."""
    settings, seeds = {"eps": eps, "min_samples": min_samples}, [1, 2, 3]
    drawn = np.array([np.random.default_rng(seed).integers(0, len(rows), len(rows) * 2 // 3) for seed in seeds])
    found = dbscan.refits(rows, drawn, settings, SPEC, seeds=seeds)
    expected = Algorithm.refits(dbscan, rows, drawn, settings, SPEC, seeds=seeds)

    assert _lists(found) == _lists(expected)
    assert {one.dtype for one in found if one is not None} <= {np.dtype(np.int32)}


def test_a_sample_without_core_customers_has_no_labels():
    """Where one sample has none, the others are labelled."""
    rows = np.array([[0.0], [0.1], [5.0], [9.0]])
    drawn = np.array([[0, 1, 1, 0], [0, 2, 3, 2]])
    found = dbscan.refits(rows, drawn, {"eps": 0.5, "min_samples": 3}, SPEC, seeds=[1, 2])

    assert _lists(found) == [[0, 0, -1, -1], None]


def test_many_rows_are_fitted_one_sample_after_the_other(monkeypatch):
    """Beyond the rows of a replicate, neighbours are not kept: there may be too many of them."""
    rows = ROWS["moons"]
    drawn = np.random.default_rng(0).integers(0, 400, (2, 300))
    settings = {"eps": 0.2, "min_samples": 5}
    few = dbscan.refits(rows, drawn, settings, SPEC, seeds=[1, 2])
    monkeypatch.setattr(type(dbscan), "replicate_rows", 399)
    monkeypatch.setattr("clustering.algorithms.dbscan.NeighbourGraph", None)

    assert _lists(dbscan.refits(rows, drawn, settings, SPEC, seeds=[1, 2])) == _lists(few)
