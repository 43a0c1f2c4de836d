"""Groups that stand out are told from those that chance makes."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_circles, make_moons

from clustering.algorithms.prominence import several_stand_out, standing_out


def _without_groups(kind, seed):
    rng = np.random.default_rng(seed)
    return {
        "uniform": rng.uniform(size=(500, 2)),
        "normal": rng.normal(size=(500, 2)),
        "exponential": rng.exponential(size=(500, 3)),
        "log-normal": np.exp(rng.normal(size=(500, 2))),
        "heavy tails": rng.standard_t(3, size=(500, 2)),
    }[kind]


@pytest.mark.parametrize("kind", ["uniform", "normal", "exponential", "log-normal", "heavy tails"])
def test_without_groups_only_the_densest_place_is_found(kind):
    """In one of a hundred samples there may be another."""
    assert sum(len(standing_out(_without_groups(kind, seed))) > 1 for seed in range(20)) <= 1


@pytest.mark.parametrize(
    ("rows", "groups"),
    [
        make_blobs(600, centers=[[0, 0], [7, 0], [0, 7]], random_state=1),
        make_blobs([700, 60], centers=[[0, 0], [9, 0]], random_state=2),
        make_moons(600, noise=0.06, random_state=3),
        make_circles(600, factor=0.5, noise=0.05, random_state=4),
    ],
    ids=["blobs", "a small blob", "moons", "circles"],
)
def test_each_group_stands_out(rows, groups):
    """Round, small, bent and ringed."""
    assert set(groups[standing_out(rows)].tolist()) == set(groups.tolist())
    assert several_stand_out(rows, groups, seed=0)


def test_clusters_within_one_group_do_not_stand_out():
    """The two halves of one group have one densest place."""
    rows = np.random.default_rng(0).normal(size=(1_500, 2))
    halves = (rows[:, 0] > 0).astype(np.int32)

    assert not several_stand_out(rows, halves, seed=0)


def test_noise_is_no_cluster():
    """A group that is left outside counts as none."""
    rows, groups = make_blobs(400, centers=[[0, 0], [9, 0]], random_state=1)

    assert not several_stand_out(rows, np.where(groups == 1, -1, 0), seed=0)


def test_few_rows_tell_nothing():
    """There are no eight neighbours."""
    assert standing_out(np.arange(10.0).reshape(5, 2)).tolist() == []
