"""Customers that no model can be made of: each kind gets a clear outcome from every algorithm."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from clustering import cluster
from clustering.errors import ConfigurationError, DataError, TrainingError

ALL = pytest.mark.parametrize("model", ["kmeans", "gmm", "dbscan"])
RANGES: dict[str, dict[str, Any]] = {
    "kmeans": {"algorithm": "kmeans", "clusters": [2, 5], "n_init": 10},
    "gmm": {"algorithm": "gmm", "components": [2, 5], "covariance_types": ["full", "spherical"], "n_init": 3},
    "dbscan": {"algorithm": "dbscan"},
}


def _groups(rows=400):
    values, groups = make_blobs(rows, centers=[[20, 20], [20, 80], [80, 20], [80, 80]], cluster_std=5, random_state=0)
    return pd.DataFrame(values, columns=["income", "score"]), groups


@ALL
def test_fewer_rows_than_clusters(model):
    """With three customers there is a version at the most, and it is refused."""
    frame = pd.DataFrame({"income": [1.0, 2.0, 9.0], "score": [4.0, 1.0, 7.0]})
    found = cluster(frame, RANGES[model])

    assert found.structure == "none"
    assert found.refusal == "there are 3 customers, at least 10 are needed to tell anything"


def test_two_rows_for_five_declared_clusters():
    """A declared number that the customers cannot fill is refused with both numbers."""
    frame = pd.DataFrame({"income": [1.0, 2.0]})
    with pytest.raises(TrainingError, match="5 clusters need at least 5 customers, there are 2"):
        cluster(frame, {"algorithm": "kmeans", "clusters": 5})


@ALL
@pytest.mark.parametrize("rows", [0, 1])
def test_no_rows(model, rows):
    """Without customers, or with one, nothing is trained."""
    with pytest.raises(TrainingError, match=r"no valid customers|is 1 for every customer"):
        cluster(pd.DataFrame({"income": np.ones(rows)}), RANGES[model])


@ALL
def test_constant_column(model):
    """The column is named."""
    frame = _groups()[0].assign(score=50.0)
    with pytest.raises(TrainingError, match="column score is 50 for every customer"):
        cluster(frame, RANGES[model])


@ALL
def test_identical_rows(model):
    """Customers without any difference make no clusters."""
    frame = pd.DataFrame({"income": np.full(50, 3.0), "score": np.full(50, 7.0)})
    with pytest.raises(TrainingError, match="nothing can be told from it"):
        cluster(frame, RANGES[model])


@ALL
def test_one_column(model):
    """Groups along one column are found."""
    values = np.concatenate([np.random.default_rng(0).normal(centre, 1, 150) for centre in (0, 12, 30)])
    found = cluster(pd.DataFrame({"income": values}), RANGES[model])

    assert found.structure == "structured"
    assert adjusted_rand_score(np.repeat([0, 1, 2], 150), found.labels) >= 0.9


@ALL
def test_nine_in_ten_rows_are_duplicates(model):
    """Groups are found through them; each of forty customers stands there ten times."""
    frame, groups = _groups(40)
    found = cluster(pd.concat([frame] * 10, ignore_index=True), RANGES[model])

    assert found.labels.shape == (400,)
    if found.refusal is None:
        assert adjusted_rand_score(np.tile(groups, 10), found.labels) >= 0.9


@ALL
def test_nine_in_ten_customers_are_the_same(model):
    """A Gaussian mixture is refused, since that one point is no group; the others say what they find."""
    frame, _ = _groups(1000)
    frame.iloc[:900] = 50.0
    found = cluster(frame, RANGES[model])

    assert set(found.labels[:900]) == {found.labels[0]}
    if model == "gmm":
        assert "90 % of the customers have the same income" in str(found.refusal)


@ALL
def test_one_customer_with_an_income_of_a_million_millions(model):
    """The version is refused: every distance in it is the distance to one customer."""
    frame, _ = _groups(1000)
    frame.loc[0, "income"] = 1e12
    found = cluster(frame, RANGES[model])

    assert "100 % of the variance of income comes from 1 of 1000 customers" in str(found.refusal)


@ALL
def test_gender_as_a_cluster_column(model):
    """A column of two values is refused for what takes the values for groups, with the reason; DBSCAN looks past it."""
    frame, groups = _groups()
    frame["gender"] = np.random.default_rng(0).integers(0, 2, len(frame))
    found = cluster(frame, RANGES[model])

    if model == "gmm":
        assert found.refusal == "gender takes only 2 different values, which a Gaussian mixture takes for groups"
    elif model == "dbscan":
        assert found.structure == "structured"
        assert adjusted_rand_score(groups, found.labels) > 0.9
    else:
        assert found.refusal is None or "gender" not in found.refusal


def test_a_collapsed_component_is_not_chosen():
    """A mixture that has found a line of customers is passed over."""
    frame, _ = _groups()
    line = pd.DataFrame({"income": np.linspace(40, 60, 40), "score": 50.0})
    found = cluster(pd.concat([frame, line]), {"algorithm": "gmm", "covariance_types": ["full"]})
    flawed = [one for one in found.candidates if any("is that of reg_covar" in verdict for verdict in one.verdicts)]

    assert flawed
    assert not any(one.chosen for one in flawed) or found.refusal


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0, np.nan, 3.0], "1 of 3 values are missing or infinite, such as in row 2; "),
        ([1.0, np.inf, 3.0], "1 of 3 values are missing or infinite, such as in row 2; "),
        (["a", "b", "c"], "not numbers"),
    ],
)
def test_values_that_are_no_numbers(values, reason):
    """The column and the number of bad values are named."""
    with pytest.raises(DataError, match=reason):
        cluster(pd.DataFrame({"income": values}), {"algorithm": "kmeans"})


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        ({"algorithm": "kmeans", "clusters": [5, 2]}, "the first number is the smaller one"),
        ({"algorithm": "kmeans", "cluster": 5}, r"cluster: is no setting, found 5; did you mean clusters\?"),
        ({"algorithm": "spectral"}, "spectral"),
        ({"algorithm": "kmeans", "features": []}, "at least one column"),
    ],
)
def test_wrong_settings(model, reason):
    """The setting is named."""
    with pytest.raises(ConfigurationError, match=reason):
        cluster(_groups()[0], model)


def test_a_missing_feature():
    """The columns that are there are listed."""
    with pytest.raises(DataError, match="column age is missing; there are income, score"):
        cluster(_groups()[0], {"algorithm": "kmeans", "features": ["age"]})
