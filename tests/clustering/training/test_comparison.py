"""A candidate beside the champion on the same customers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from clustering.algorithms import algorithm
from clustering.features import Scaling, fit_scaling
from clustering.training.comparison import price_of_stability, segment_ids
from clustering.versions.artifacts import Artifact, ClusterSegment
from tests.clustering.made import CUSTOMERS, fit, five_groups


def _artifact(configuration, model, scaling, fitted, parameters=None):
    spec = configuration.models[model]
    return Artifact(model, spec.algorithm, scaling, fitted.settings, (), parameters or fitted.parameters)


def _in_other_units(scaling):
    return Scaling(scaling.columns, scaling.transforms, scaling.mean - 7.0, scaling.scale * np.array([2.0, 0.5]))


@pytest.mark.parametrize("model", ["kmeans", "gmm"])
def test_champion_that_is_the_refit_costs_nothing_more(configuration, model):
    """The price is 1, also when the champion was fitted in the units of other customers."""
    scaling, _, fitted = fit(configuration, model)
    spec = configuration.models[model]
    assert price_of_stability(
        _artifact(configuration, model, scaling, fitted), fitted, scaling, CUSTOMERS, spec=spec
    ) == pytest.approx(1.0)
    theirs = _in_other_units(scaling)
    stretch, shift = scaling.scale / theirs.scale, (scaling.mean - theirs.mean) / theirs.scale
    parameters = {
        "kmeans": lambda: {"centroids": fitted.parameters["centroids"] * stretch + shift},
        "gmm": lambda: {
            "weights": fitted.parameters["weights"],
            "means": fitted.parameters["means"] * stretch + shift,
            "covariances": fitted.parameters["covariances"] * np.outer(stretch, stretch),
        },
    }[model]()
    champion = _artifact(configuration, model, theirs, fitted, parameters)
    assert price_of_stability(champion, fitted, scaling, CUSTOMERS, spec=spec) == pytest.approx(1.0)


def test_price_is_the_champions_inertia_over_that_of_the_refit(configuration):
    """Two customers at 1 and 3 around 2 cost 2; around 3 they cost 4."""
    rows = pa.record_batch({"annual_income": [1.0, 3.0]})
    scaling = Scaling(("annual_income",), ("none",), np.zeros(1), np.ones(1))
    spec = configuration.models["kmeans"]
    fitted = replace(
        fit(configuration, "kmeans")[2], settings={"n_clusters": 1}, parameters={"centroids": np.array([[2.0]])}
    )
    champion = Artifact("kmeans", "kmeans", scaling, {"n_clusters": 1}, (), {"centroids": np.array([[3.0]])})
    assert price_of_stability(champion, fitted, scaling, rows, spec=spec) == pytest.approx(2.0)


def test_price_of_another_number_of_segments_is_against_a_refit_with_the_champions(configuration):
    """More clusters always cost less: the champion is compared with as many as it has."""
    customers = five_groups()
    spec = configuration.models["kmeans"]
    scaling = fit_scaling(customers, spec.features, configuration.contract)
    features = scaling.apply(customers)
    two, five = (algorithm("kmeans").fit(features, {"n_clusters": k}, spec) for k in (2, 5))
    champion = _artifact(configuration, "kmeans", scaling, two)
    assert price_of_stability(champion, five, scaling, customers, spec=spec) == pytest.approx(1.0)


def test_no_price_without_a_common_measure(configuration):
    """DBSCAN minimises nothing, and costs in other columns cannot be compared."""
    scaling, _, fitted = fit(configuration, "dbscan")
    spec = configuration.models["dbscan"]
    champion = _artifact(configuration, "dbscan", scaling, fitted)
    assert price_of_stability(champion, fitted, scaling, CUSTOMERS, spec=spec) is None
    scaling, _, fitted = fit(configuration, "kmeans")
    other = _artifact(configuration, "kmeans", replace(scaling, transforms=("log", "none")), fitted)
    assert price_of_stability(other, fitted, scaling, CUSTOMERS, spec=configuration.models["kmeans"]) is None


def test_segments_of_labels():
    """Noise, the label -1, is segment 0."""
    clusters = [ClusterSegment(label, segment, "", "", "", 1) for label, segment in ((-1, 0), (0, 7), (1, 3))]
    assert segment_ids(np.array([1, -1, 0], dtype=np.int32), clusters).tolist() == [3, 0, 7]
