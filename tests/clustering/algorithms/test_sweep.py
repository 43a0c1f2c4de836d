"""The finalists among the cuts of a hierarchy."""

import numpy as np
import pytest

from clustering.algorithms.sweep import SHORT, Sweep


def _sweep(counts, merits=None):
    values = np.zeros(len(counts)) if merits is None else np.array(merits)
    return Sweep(4, np.geomspace(0.1, 1.0, len(counts)), values, np.array(counts))


def test_the_longest_range_with_several_clusters_lasts():
    """A single cluster lasts for ever, and does not count."""
    sweep = _sweep([1, 7, 6, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1])

    assert (sweep.lasting, sweep.duration(sweep.lasting)) == (5, 5)
    assert sweep.settings(5) == {"eps": float(sweep.tried[5]), "min_samples": 4}
    assert _sweep([1, 1, 0]).duration(_sweep([1, 1, 0]).lasting) == 0


def test_a_short_range_is_none_to_rely_on():
    """Noise has such ranges too."""
    assert not _sweep([1, *[3] * SHORT, 1]).lasts
    assert _sweep([1, *[3] * (SHORT + 1), 1]).lasts


def test_a_margin_is_that_of_the_nearer_end():
    """A cut at an end of its range has none, nor has one beyond what was tried, nor a single cluster."""
    sweep = _sweep([1, 7, 6, 3, 3, 3, 3, 3, 1, 1])
    step = sweep.tried[1] / sweep.tried[0]

    assert [sweep.margin(sweep.tried[place]) for place in (4, 5, 6)] == pytest.approx([step, step**2, step])
    assert sweep.margin(sweep.tried[5] * step**0.2) == pytest.approx(step**2)
    assert [sweep.margin(sweep.tried[place]) for place in (0, 1, 3, 7)] == [1.0] * 4
    assert sweep.margin(sweep.tried[0] / 2) == sweep.margin(sweep.tried[-1] * 2) == 1.0
