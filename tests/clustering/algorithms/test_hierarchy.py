"""The hierarchy of densities: its cuts are DBSCAN's clusters, and what persists is what falls apart last."""

from bisect import bisect_left

import numpy as np
import pytest
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist
from sklearn.cluster import DBSCAN, HDBSCAN
from sklearn.datasets import make_blobs, make_moons
from sklearn.metrics import adjusted_rand_score

from clustering.algorithms.basins import Neighbours
from clustering.algorithms.hierarchy import Hierarchy
from clustering.errors import TrainingError

BLOBS = make_blobs(300, centers=4, random_state=2)[0]
LATTICE = np.round(make_blobs(200, centers=3, random_state=4)[0])


@pytest.mark.parametrize("rows", [BLOBS, LATTICE], ids=["blobs", "lattice"])
@pytest.mark.parametrize("min_samples", [2, 5, 12])
def test_a_cut_is_scikit_learns(rows, min_samples):
    """At every eps, core rows, their clusters and the noise are those of DBSCAN."""
    hierarchy = Hierarchy(Neighbours(rows, 12), min_samples)
    for eps in np.quantile(hierarchy.core_distances, [0.1, 0.5, 0.9, 1.0]) + 1e-9:
        expected = DBSCAN(eps=eps, min_samples=min_samples).fit(rows)
        cut = hierarchy.cut(float(eps))
        core = expected.core_sample_indices_
        assert np.flatnonzero(cut.core).tolist() == core.tolist()
        assert adjusted_rand_score(expected.labels_[core], cut.labels[core]) == 1.0
        assert len(set(expected.labels_[core])) == len(set(cut.labels[core]))
        assert np.array_equal(expected.labels_ == -1, cut.labels == -1)


@pytest.mark.parametrize("rows", [BLOBS, LATTICE], ids=["blobs", "lattice"])
def test_an_outline_says_of_a_cut_what_it_holds(rows):
    """As many clusters, and as much noise."""
    hierarchy = Hierarchy(Neighbours(rows, 5), 5)
    for eps in np.quantile(hierarchy.core_distances, np.linspace(0, 1, 12)).tolist():
        clusters, noise = hierarchy.outline(eps)
        labels = hierarchy.cut(eps).labels
        assert clusters == labels.max() + 1
        assert noise == np.mean(labels == -1)


@pytest.mark.parametrize("rows", [BLOBS[:120], LATTICE[:120]], ids=["blobs", "lattice"])
@pytest.mark.parametrize("min_samples", [3, 6])
def test_leaves_are_what_does_not_split_when_edges_are_taken_away(rows, min_samples):
    """Found from above: the longest edges are taken away together, until a cluster has no two parts that count."""
    distances = cdist(rows, rows)
    core = np.sort(distances, axis=1)[:, min_samples - 1]
    reach = np.maximum(distances, np.maximum.outer(core, core))
    smallest = 8
    found = Hierarchy(Neighbours(rows, min_samples), min_samples).persistent(smallest=smallest, largest=len(rows))[1]
    leaves = {frozenset(np.flatnonzero(found == label).tolist()) for label in range(found.max() + 1)}
    assert leaves == {leaf for leaf in _leaves(reach, np.arange(len(rows)), smallest) if len(leaf) < len(rows)}


def _leaves(reach, rows, smallest):
    """Return the leaves below a cluster of rows; its own extent, where it only loses rows."""
    left = rows
    while True:
        within = reach[np.ix_(left, left)]
        lengths = np.unique(within)
        joined = bisect_left(lengths, True, key=lambda length: connected_components(within < length)[0] == 1)
        if joined == 0:
            return [frozenset(rows.tolist())]
        parts, part = connected_components(within < lengths[joined - 1], directed=False)
        large = [left[part == one] for one in range(parts) if np.sum(part == one) >= smallest]
        if len(large) != 1:
            break
        left = large[0]
    return [leaf for one in large for leaf in _leaves(reach, one, smallest)] or [frozenset(rows.tolist())]


@pytest.mark.parametrize("largest", [300, 100])
@pytest.mark.parametrize("min_samples", [5, 10])
def test_persistent_clusters_are_nearly_hdbscans(min_samples, largest):
    """Equal steps are taken at once here and one by one there, which moves single rows."""
    rows = make_moons(300, noise=0.08, random_state=3)[0]
    found = Hierarchy(Neighbours(rows, min_samples), min_samples).persistent(smallest=20, largest=largest)
    for method, labels in zip(("eom", "leaf"), found, strict=True):
        expected = HDBSCAN(
            min_cluster_size=20,
            min_samples=min_samples,
            max_cluster_size=largest,
            cluster_selection_method=method,
            copy=True,
        ).fit(rows)
        assert labels.max() == expected.labels_.max()
        assert adjusted_rand_score(expected.labels_, labels) > 0.95


@pytest.mark.parametrize("rows", [BLOBS, LATTICE], ids=["blobs", "lattice"])
def test_the_order_of_the_rows_does_not_matter(rows):
    """Equal distances neither."""
    order = np.random.default_rng(5).permutation(len(rows))
    one, other = (
        Hierarchy(Neighbours(each, 6), 6).persistent(smallest=10, largest=150) for each in (rows, rows[order])
    )
    for labels, shuffled in zip(one, other, strict=True):
        assert adjusted_rand_score(labels[order], shuffled) == 1.0
        assert np.array_equal(labels[order] == -1, shuffled == -1)


def test_equal_rows_persist():
    """Customers without any distance from each other are infinitely dense."""
    rows = np.repeat([[0.0, 0.0], [5.0, 5.0], [9.0, 0.0]], 20, axis=0)
    for labels in Hierarchy(Neighbours(rows, 4), 4).persistent(smallest=4, largest=50):
        assert sorted(np.bincount(labels).tolist()) == [20, 20, 20]


def test_too_few_rows_are_refused():
    """There have to be as many rows as neighbours."""
    with pytest.raises(TrainingError, match="min_samples 4 needs at least as many customers, there are 3"):
        Neighbours(np.arange(3.0)[:, np.newaxis], 4)
