"""Customers without groups, to compare with."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.config import GaussianMixtureSpec, KMeansSpec
from clustering.training.null_model import draw_noise, excess_over_noise, statistics_of_noise

KMEANS = KMeansSpec(algorithm="kmeans", features=("a", "b"))
GMM = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))
ROWS = make_blobs(400, centers=[[0, 0], [12, 4]], random_state=0)[0]


def test_a_gaussian_has_mean_and_covariance_of_the_customers():
    """One group in place of two, of the same extent."""
    noise = draw_noise(np.repeat(ROWS, 50, axis=0), "gaussian", seed=0)

    assert np.allclose(noise.mean(axis=0), ROWS.mean(axis=0), atol=0.15)
    assert np.allclose(np.cov(noise.T), np.cov(ROWS.T), rtol=0.05)


def test_uniform_noise_fills_the_box_along_the_principal_components():
    """Its rows lie within the customers' extent in that box, and reach all of it."""
    mean = ROWS.mean(axis=0)
    axes = np.linalg.svd(ROWS - mean)[2]
    box, noise = ((rows - mean) @ axes.T for rows in (ROWS, draw_noise(ROWS, "uniform", seed=0)))

    assert np.all(noise.min(axis=0) >= box.min(axis=0))
    assert np.all(noise.max(axis=0) <= box.max(axis=0))
    assert np.allclose(np.ptp(noise, axis=0), np.ptp(box, axis=0), rtol=0.05)


def test_the_excess_is_that_over_the_mean_of_noise():
    """Its error is the standard deviation × √(1 + 1/b)."""
    excess = excess_over_noise(5.0, np.array([1.0, 2.0, 3.0]))

    assert excess.value == 3.0
    assert excess.error == pytest.approx(np.sqrt(4 / 3))
    assert excess.errors == pytest.approx(3 / np.sqrt(4 / 3))
    assert excess_over_noise(5.0, np.ones(3)).errors == np.inf


@pytest.mark.parametrize(
    ("spec", "settings", "noise"),
    [
        (KMEANS, {"n_clusters": 2}, "uniform"),
        (KMEANS, {"n_clusters": 2}, "gaussian"),
        (GMM, {"n_components": 2, "covariance_type": "full"}, "uniform"),
        (GMM, {"n_components": 2, "covariance_type": "full"}, "gaussian"),
    ],
)
def test_groups_beat_noise(spec, settings, noise):
    """Every statistic of two groups is larger than that of any noise, and the same for the same seed."""
    one = algorithm(spec.algorithm)
    observed = one.statistics(ROWS, one.fit(ROWS, settings, spec), noise)
    of_noise = [statistics_of_noise(ROWS, settings, spec, noise, seed) for seed in range(5)]

    assert of_noise[0] == statistics_of_noise(ROWS, settings, spec, noise, 0)
    assert all(observed[name] > reference[name] for reference in of_noise for name in observed)
    assert ("gap" in observed) == (spec is KMEANS and noise == "uniform")


def test_the_smaller_box_lies_as_the_rows_do():
    """Rows in a square along the features, or along a turned one, get noise of that square's extent."""
    square = np.random.default_rng(3).uniform(-1, 1, size=(2_000, 2))  # whose principal components lie anyhow
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)
    stretch = np.array([1.0, 0.3])

    straight = draw_noise(square, "uniform", seed=0, smaller_box=True)
    turned = draw_noise((square * stretch) @ turn, "uniform", seed=0, smaller_box=True)
    assert np.abs(straight).max(axis=0) == pytest.approx([1, 1], abs=0.01)
    assert np.abs(turned @ turn.T).max(axis=0) == pytest.approx(stretch, abs=0.05)
