"""Explanations: what pulls a customer to a segment rather than to the runner-up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations
from math import factorial
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from clustering.algorithms import Parameters, algorithm
from clustering.config import DbscanSpec, GaussianMixtureSpec, KMeansSpec
from clustering.errors import ArtifactError
from clustering.features import Scaling
from clustering.segments.explanations import NOBODY, Given, explain
from clustering.versions.artifacts import ClusterSegment

CENTRES = np.array([[-1.3, 1.1, 0.4], [-1.2, -1.1, -0.2], [0.0, 0.0, 0.0], [1.0, 1.2, 0.5], [1.1, -1.3, -0.7]])
SPECS: dict[str, Any] = {
    "kmeans": (KMeansSpec(algorithm="kmeans", features=("a", "b", "c")), {"n_clusters": 5}),
    "gmm": (
        GaussianMixtureSpec(algorithm="gmm", features=("a", "b", "c"), n_init=3),
        {"n_components": 5, "covariance_type": "full"},
    ),
    "dbscan": (DbscanSpec(algorithm="dbscan", features=("a", "b", "c")), {"eps": 0.35, "min_samples": 6}),
}


@dataclass(frozen=True)
class Trained:
    """A version in memory."""

    algorithm: str
    scaling: Scaling
    clusters: tuple[ClusterSegment, ...]
    parameters: Parameters
    estimator: Any = None


def sample(rows: int = 800, *, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    turn = rng.normal(size=(3, 3)) * 0.1 + np.eye(3)
    points: np.ndarray = CENTRES[rng.integers(0, 5, rows)] + rng.normal(size=(rows, 3)) @ turn * 0.25
    return points


def named(labels: list[int], **segments: int) -> tuple[ClusterSegment, ...]:
    return tuple(
        ClusterSegment(
            cluster_label=label,
            segment_id=segments.get(f"c{label}", label + 1),
            segment_name="Outliers" if label < 0 else f"Segment {segments.get(f'c{label}', label + 1)}",
            description="",
            recommended_action="",
            customers=1,
        )
        for label in labels
    )


def trained(name: str, *, features: np.ndarray | None = None, **segments: int) -> Trained:
    spec, settings = SPECS[name]
    fitted = algorithm(name).fit(sample() if features is None else features, settings, spec)
    labels = [-1] * (name == "dbscan") + list(range(int(fitted.labels.max()) + 1))
    scaling = Scaling(
        ("annual_income", "visits", "score"),
        ("none", "log", "none"),
        np.array([60e3, 2.0, 50.0]),
        np.array([25e3, 1.0, 25.0]),
    )
    return Trained(name, scaling, named(labels, **segments), fitted.parameters, fitted.estimator)


@pytest.mark.parametrize("name", ["kmeans", "gmm", "dbscan"])
def test_pulls_add_up(name: str) -> None:
    """Pulls and constant add up to the total, which is never negative, and the segments are those of the scoring."""
    version, rows = trained(name), sample(500, seed=1) * 1.3
    found = explain(version, rows)
    np.testing.assert_allclose(found.pulls.sum(axis=1) + found.constant, found.total, rtol=1e-12, atol=1e-12)
    assert found.total.min() >= -1e-9
    labels = algorithm(name).assigner(version.parameters)(rows).labels
    assert found.segments.tolist() == (labels + 1).tolist()
    assert not (found.segments == found.runners_up).any()
    assert found.strongest.tolist() == found.pulls.argmax(axis=1).tolist()


def test_kmeans_total() -> None:
    """The total is the difference of the squared distances from the nearest two centroids."""
    version, rows = trained("kmeans"), sample(500, seed=1)
    distances = np.sort(cdist(rows, version.parameters["centroids"], "sqeuclidean"), axis=1)
    np.testing.assert_allclose(explain(version, rows).total, distances[:, 1] - distances[:, 0], rtol=1e-9)


def test_gmm_total() -> None:
    """The total is the logarithm of the ratio of the two largest posterior probabilities."""
    version, rows = trained("gmm"), sample(500, seed=1)
    densities = np.sort(version.estimator._estimate_weighted_log_prob(rows), axis=1)
    np.testing.assert_allclose(explain(version, rows).total, densities[:, -1] - densities[:, -2], rtol=1e-7, atol=1e-9)


def test_dbscan_total() -> None:
    """Distances from the nearest core customers decide; noise is held against eps, and outliers are no runner-up."""
    version, rows = (
        trained("dbscan"),
        np.vstack([sample(300, seed=1), np.random.default_rng(2).normal(size=(200, 3)) * 2]),
    )
    core, labels, eps = (version.parameters[name] for name in ("core", "core_labels", "eps"))
    squares = cdist(rows, core, "sqeuclidean")
    nearest = np.array([squares[:, labels == label].min(axis=1) for label in range(labels.max() + 1)]).T
    found = explain(version, rows)
    noise = found.segments == 0
    assert 50 < noise.sum() < 300
    np.testing.assert_allclose(found.total[noise], nearest[noise].min(axis=1) - eps**2, rtol=1e-9)
    ordered = np.sort(nearest[~noise], axis=1)
    np.testing.assert_allclose(found.total[~noise], ordered[:, 1] - ordered[:, 0], rtol=1e-9)
    assert (found.runners_up > 0).all()


def test_shapley_values() -> None:
    """A full covariance's split is the Shapley value of the features, computed by its definition."""
    version, row = trained("gmm"), np.array([0.3, -0.4, 1.1])
    for group in algorithm(version.algorithm).attractions(version.parameters):
        assert group.form is not None
        apart = row - group.points[0]

        def cost(known: tuple[int, ...], apart: np.ndarray = apart, form: np.ndarray = group.form) -> float:
            masked = np.where(np.isin(np.arange(3), known), apart, 0.0)
            return float(masked @ form @ masked)

        shapley = [
            sum(
                factorial(len(others)) * factorial(2 - len(others)) / factorial(3) * (cost((*others, i)) - cost(others))
                for size in range(3)
                for others in combinations([j for j in range(3) if j != i], size)
            )
            for i in range(3)
        ]
        np.testing.assert_allclose(group.terms(row[np.newaxis])[0], shapley, rtol=1e-9)


def test_nearest_of_equally_near() -> None:
    """Of core customers at the same distance the first one counts, so that every way of asking answers the same."""
    core = np.array(
        [[-2.0, 0.0, 0.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [9.0, 9.0, 9.0]]
    )
    version = Trained(
        "dbscan",
        trained("kmeans").scaling,
        named([-1, 0, 1]),
        {"core": core, "core_labels": np.array([0, 0, 0, 0, 0, 1]), "eps": np.array(1.5)},
    )
    found = explain(version, np.zeros((1, 3)))
    assert found.pulls.tolist() == [[80.0, 81.0, 81.0]]


def test_clusters_of_one_segment() -> None:
    """The runner-up is another segment, not another cluster of the same one."""
    plain, merged = trained("kmeans"), trained("kmeans", c0=7, c1=7)
    rows = sample(300, seed=1)
    found = explain(merged, rows)
    assert not (found.segments == found.runners_up).any()
    before = explain(plain, rows)
    untouched = ~np.isin(before.segments, (1, 2)) & ~np.isin(before.runners_up, (1, 2))
    assert untouched.any()
    np.testing.assert_array_equal(found.pulls[untouched], before.pulls[untouched])


def test_the_only_segment() -> None:
    """With one segment there is no runner-up and nothing pulls."""
    version = trained("kmeans", c0=1, c1=1, c2=1, c3=1, c4=1)
    found = explain(version, sample(5))
    assert set(found.runners_up.tolist()) == {NOBODY}
    assert not found.pulls.any()
    assert set(found.sentences) == {"There is no other segment."}


def test_one_density_cluster() -> None:
    """The runner-up of a single DBSCAN cluster is to be an outlier."""
    version = Trained(
        "dbscan",
        trained("kmeans").scaling,
        named([-1, 0]),
        {"core": np.zeros((1, 3)), "core_labels": np.array([0]), "eps": np.array(2.0)},
    )
    found = explain(version, np.array([[1.0, 0.0, 0.0], [3.0, 0.0, 0.0]]))
    assert (found.segments.tolist(), found.runners_up.tolist()) == ([1, 0], [0, 1])
    assert found.total.tolist() == [3.0, 5.0]
    assert found.sentences[0].startswith("No value pulls towards Segment 1 rather than Outliers: ")


def test_sentence() -> None:
    """The sentence names the strongest feature in its own unit, and its share of all pulls."""
    version = replace(
        trained("kmeans"),
        parameters={"centroids": np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])},
        clusters=named([0, 1]),
    )
    found = explain(version, np.array([[1.0, 0.0, 0.25], [-1.0, 0.0, 0.9]]))
    assert found.pulls[0].tolist() == [4.0, 0.0, -0.5]
    assert (
        found.sentences[0]
        == "Annual income 85,000 pulls most towards Segment 2 rather than Segment 1: 89 % of all pulls."
    )
    assert found.sentences[1].startswith("Annual income 35,000 pulls most towards Segment 1")


def test_given_label_is_explained_although_the_values_speak_against_it() -> None:
    """The label stays; the total is negative, and the sentence says that the values have changed."""
    version = replace(
        trained("kmeans"),
        parameters={"centroids": np.array([[-1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])},
        clusters=named([0, 1]),
    )
    rows = np.array([[1.0, 0.0, 0.25], [1.0, 0.0, 0.25]])
    found = explain(version, rows, Given(np.array([0, 1]), date(2026, 11, 22)))
    assert found.segments.tolist() == [1, 2]
    assert found.pulls.tolist() == [[-4.0, 0.0, 0.5], [4.0, 0.0, -0.5]]
    assert found.sentences == (
        "The values have changed since 2026-11-22: today they are nearer to Segment 2 than to Segment 1.",
        "Annual income 85,000 pulls most towards Segment 2 rather than Segment 1: 89 % of all pulls.",
    )


def test_given_label_of_a_cluster_that_is_gone_is_an_error() -> None:
    """Forgetting customers may take all of a density cluster's core customers."""
    with pytest.raises(ArtifactError, match="no longer has the cluster 7"):
        explain(trained("kmeans"), sample(1), Given(np.array([7]), date(2026, 11, 22)))


@pytest.mark.parametrize("name", ["kmeans", "gmm", "dbscan"])
def test_shares_add_up_to_one(name: str) -> None:
    """Their absolute values are parts of a whole, the constant's the last."""
    found = explain(trained(name), sample(100, seed=1))
    np.testing.assert_allclose(np.abs(found.shares).sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(np.sign(found.shares), np.sign(np.column_stack([found.pulls, found.constant])))


@pytest.mark.parametrize("name", ["kmeans", "gmm", "dbscan"])
def test_far_out(name: str) -> None:
    """A customer at any distance has finite reasons."""
    found = explain(trained(name), np.array([[1e300, -1e300, 0.0], [np.inf, 0.0, 0.0]]))
    assert np.isfinite(found.pulls).all()
    assert np.isfinite(found.total).all()
