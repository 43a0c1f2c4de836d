"""The model on a frame in memory."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from clustering import cluster
from clustering.algorithms import algorithm
from clustering.config import KMeansSpec
from clustering.errors import ConfigurationError

CENTRES = [[0, 0], [0, 20], [20, 0]]


def _frame(rows=300):
    values, groups = make_blobs(rows, centers=CENTRES, random_state=0)
    return pd.DataFrame(values, columns=["Annual Income (k$)", "Score"]), groups


def test_columns_of_any_name():
    """All columns are features unless some are named; the labels are the groups."""
    frame, groups = _frame()
    found = cluster(frame, {"algorithm": "kmeans", "clusters": [2, 4]})

    assert (found.structure, found.settings, found.scaling.columns) == (
        "structured",
        {"n_clusters": 3},
        ("Annual Income (k$)", "Score"),
    )
    assert adjusted_rand_score(groups, found.labels) == 1.0
    assert (found.labels.dtype.type, found.confidence.dtype.type, len(found.stability)) == (np.int32, np.float32, 3)


def test_a_specification_is_taken_as_it_is():
    """A model of the configuration works as well as a mapping."""
    frame, _ = _frame()
    spec = KMeansSpec(algorithm="kmeans", features=("score",), clusters=2)
    found = cluster(frame.rename(columns={"Score": "score"}), spec)

    assert found.scaling.columns == ("score",)
    assert len(found.parameters["centroids"]) == 2


def test_the_frame_is_left_alone():
    """Labelling changes neither the frame nor its index."""
    frame, _ = _frame()
    frame.index = frame.index[::-1]
    before = frame.copy()
    cluster(frame, {"algorithm": "kmeans", "clusters": 3})

    pd.testing.assert_frame_equal(frame, before)


def test_more_rows_than_the_sample_are_labelled():
    """What was learnt from `sample_rows` rows labels the others."""
    frame, groups = _frame(900)
    found = cluster(frame, {"algorithm": "dbscan", "sample_rows": 300})

    assert len(found.labels) == 900
    assert adjusted_rand_score(groups, found.labels) >= 0.97


def test_logarithms_are_declared():
    """Values spread over orders of magnitude are clustered by their logarithms."""
    groups = np.repeat([0, 1, 2], 200)
    spent = np.random.default_rng(0).lognormal(np.array([2.0, 5.0, 8.0])[groups], 0.3)
    found = cluster(
        pd.DataFrame({"spent": spent}), {"algorithm": "kmeans", "clusters": [2, 4]}, transforms={"spent": "log"}
    )

    assert found.settings == {"n_clusters": 3}
    assert adjusted_rand_score(groups, found.labels) == 1.0


def test_parameters_label_other_rows():
    """Scaling and parameters are all that an assigner needs."""
    frame, _ = _frame()
    found = cluster(frame, {"algorithm": "kmeans", "clusters": [2, 4]})
    features = (frame.to_numpy() - found.scaling.mean) / found.scaling.scale
    assignment = algorithm("kmeans").assigner(found.parameters)(features)

    assert np.array_equal(assignment.labels, found.labels)


def test_categories_of_a_frame():
    """They tell groups that numbers alone do not; what is missing is a category too."""
    _, groups = _frame()
    noise = np.random.default_rng(0).normal(size=(300, 2))
    channel = np.array(["web", "app", None])[groups]
    mixed = pd.DataFrame({"a": noise[:, 0], "b": noise[:, 1] + (groups == 1), "channel": channel, "plan": groups > 0})
    model = {"algorithm": "kmeans", "clusters": 3}
    found = cluster(mixed, model, categories=["channel", "plan"])
    assert found.scaling.levels == {"channel": ("", "app", "web"), "plan": ("False", "True")}
    assert adjusted_rand_score(groups, found.labels) > 0.9
    with pytest.raises(ConfigurationError, match="categories: gmm takes none; leave channel, plan out"):
        cluster(mixed, {"algorithm": "gmm"}, categories=["channel", "plan"])
    with pytest.raises(ConfigurationError, match="a model needs a number beside them"):
        cluster(mixed[["channel", "plan"]], model, categories=["channel", "plan"])


def test_medians_of_a_frame():
    """The median of a column stands for what is missing in it."""
    frame, groups = _frame()
    frame.loc[::50, "Score"] = np.nan
    found = cluster(frame, {"algorithm": "kmeans", "clusters": 3}, medians=["Score"])
    assert found.scaling.medians == {"Score": np.nanmedian(frame["Score"])}
    assert adjusted_rand_score(groups, found.labels) > 0.95
