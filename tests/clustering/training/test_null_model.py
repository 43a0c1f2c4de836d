"""Customers without groups, to compare with."""

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.datasets import make_blobs

from clustering.algorithms import algorithm
from clustering.config import GaussianMixtureSpec, KMeansSpec
from clustering.training.null_model import NOISES, NullModel, excess_over_noise
from clustering.training.unimodal import unimodal_quantiles

KMEANS = KMeansSpec(algorithm="kmeans", features=("a", "b"))
GMM = GaussianMixtureSpec(algorithm="gmm", features=("a", "b"))
ROWS = make_blobs(400, centers=[[0, 0], [12, 4]], random_state=0)[0]


def _noise(rows, kind):
    return NullModel(rows).draw(kind, seeds=[0])[0]


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


@pytest.mark.parametrize("rows", [200, 2_000, 5_000])
@pytest.mark.parametrize("kind", ["exponential", "normal", "lognormal"])
def test_tails_are_as_long_as_the_customers(kind, rows):
    """Longer ones would be noise that a few centroids explain less of than of the customers: skew passed for groups."""
    generator = np.random.default_rng(4)
    samples = [getattr(generator, kind)(size=rows) for _ in range(20)]
    kept = np.mean([unimodal_quantiles(values).var() / values.var() for values in samples])

    assert (0.85 if rows == 200 else 0.95) < kept < 1.03


def test_unimodal_noise_keeps_what_many_customers_share():
    """Zeros, counts and flags are no groups, but they are where they are."""
    generator = np.random.default_rng(2)
    rows = np.column_stack([generator.poisson(1.0, 2_000), generator.random(2_000) < 0.3]).astype(float)
    noise = _noise(rows, "unimodal")

    assert set(np.unique(noise[:, 1])) == {0.0, 1.0}
    for value in (0.0, 1.0):
        assert (noise == value).mean(axis=0) == pytest.approx((rows == value).mean(axis=0), abs=0.05)


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


def test_uniform_noise_fills_the_box_that_the_rows_fill():
    """Rows in a box along the features, in a turned one or in one askew get noise of that box's extent."""
    square = np.random.default_rng(3).uniform(-1, 1, size=(2_000, 2))  # whose principal components lie anyhow
    turned = np.diag([1.0, 0.3]) @ np.array([[1.0, 1.0], [-1.0, 1.0]]) / np.sqrt(2)
    askew = np.array([[1.0, 0.6], [0.0, 0.8]])
    for axes in (np.eye(2), turned, askew):
        inside = _noise(square @ axes, "uniform") @ np.linalg.inv(axes)
        assert np.abs(inside).max(axis=0) == pytest.approx([1, 1], abs=0.06)
        assert np.std(inside, axis=0) == pytest.approx(np.std(square, axis=0), rel=0.05)
