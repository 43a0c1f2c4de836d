"""Customers without groups, to compare with."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.config import GaussianMixtureSpec, KMeansSpec
from clustering.training.null_model import NOISES, NullModel, excess_over_noise

KMEANS = KMeansSpec(algorithm="kmeans", features=("a", "b"))
GMM = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))
ROWS = make_blobs(400, centers=[[0, 0], [12, 4]], random_state=0)[0]


def _noise(rows, kind, *, smaller_box=False):
    return NullModel(rows, smaller_box=smaller_box).draw(kind, seeds=[0])[0]


def test_unimodal_noise_has_the_extent_and_the_correlation_of_the_customers():
    """One broad group in place of two."""
    rows = np.repeat(ROWS, 20, axis=0)
    noise = _noise(rows, "unimodal")

    assert np.all(noise.min(axis=0) >= rows.min(axis=0))
    assert np.all(noise.max(axis=0) <= rows.max(axis=0))
    assert spearmanr(noise).statistic == pytest.approx(spearmanr(rows).statistic, abs=0.1)
    between = (noise[:, 0] > 4) & (noise[:, 0] < 8)
    assert between.mean() > 0.15
    assert not np.any((rows[:, 0] > 4) & (rows[:, 0] < 8))


def test_unimodal_noise_is_as_skewed_as_the_customers():
    """What has one mode already keeps its distribution."""
    rows = np.random.default_rng(1).exponential(size=(4_000, 2))
    noise = _noise(rows, "unimodal")

    assert np.quantile(noise, [0.1, 0.5, 0.9, 0.99], axis=0) == pytest.approx(
        np.quantile(rows, [0.1, 0.5, 0.9, 0.99], axis=0), rel=0.2
    )


def test_unimodal_noise_keeps_what_many_customers_share():
    """Zeros, counts and flags are no groups, but they are where they are."""
    generator = np.random.default_rng(2)
    rows = np.column_stack([generator.poisson(1.0, 2_000), generator.random(2_000) < 0.3]).astype(float)
    noise = _noise(rows, "unimodal")

    assert set(np.unique(noise[:, 1])) == {0.0, 1.0}
    for value in (0.0, 1.0):
        assert (noise == value).mean(axis=0) == pytest.approx((rows == value).mean(axis=0), abs=0.05)


def test_uniform_noise_fills_the_box_along_the_principal_components():
    """Its rows lie within the customers' extent in that box, and reach all of it."""
    mean = ROWS.mean(axis=0)
    axes = np.linalg.svd(ROWS - mean)[2]
    box, noise = ((rows - mean) @ axes.T for rows in (ROWS, _noise(ROWS, "uniform")))

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


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(
    ("spec", "settings"),
    [(KMEANS, {"n_clusters": 2}), (GMM, {"n_components": 2, "covariance_type": "full"})],
)
def test_groups_beat_noise(spec, settings, noise):
    """Every statistic of two groups is larger than that of any noise, and the same for the same seed."""
    one = algorithm(spec.algorithm)
    observed = one.statistics_of(ROWS[np.newaxis], settings, spec, seeds=[0])
    model = NullModel(ROWS)
    of_noise, again = (
        one.statistics_of(model.draw(noise, seeds=range(5)), settings, spec, seeds=range(5)) for _ in range(2)
    )

    assert all(observed[name] > of_noise[name].max() for name in observed)
    assert all(np.array_equal(of_noise[name], again[name]) for name in observed)


def test_the_smaller_box_lies_as_the_rows_do():
    """Rows in a square along the features, or along a turned one, get noise of that square's extent."""
    square = np.random.default_rng(3).uniform(-1, 1, size=(2_000, 2))  # whose principal components lie anyhow
    turn = np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)
    stretch = np.array([1.0, 0.3])

    straight = _noise(square, "uniform", smaller_box=True)
    turned = _noise((square * stretch) @ turn, "uniform", smaller_box=True)
    assert np.abs(straight).max(axis=0) == pytest.approx([1, 1], abs=0.01)
    assert np.abs(turned @ turn.T).max(axis=0) == pytest.approx(stretch, abs=0.05)
