"""What becomes of models whose customers have no groups, in the warehouse."""

import numpy as np
import pytest

from tests.continuum import load_continuum
from tests.projects import retrain

ROWS = 600


def test_a_continuum_is_divided_and_flagged_or_refused(untrained):
    """K-Means scores at night with the flag, the others are refused with the reason and skipped."""
    load_continuum(untrained, ROWS)
    decisions = {decision["model"]: decision for decision in retrain(untrained)}

    assert [decisions[model]["decision"] for model in ("kmeans", "gmm", "dbscan")] == ["promoted", "refused", "refused"]
    assert decisions["gmm"]["reason"].startswith("no cluster structure")
    untrained.night()
    assert untrained.sql("select model, structure, count(*) from segmentation.current_segments group by 1, 2") == [
        ("kmeans", "none", 5)
    ]
    refused = untrained.sql("select model, reason from segmentation.promotions where decision = 'refused' order by 1")
    assert refused == [(model, decisions[model]["reason"]) for model in ("dbscan", "gmm")]


def test_every_candidate_is_in_the_warehouse(untrained):
    """Each candidate of a version has a row with its figures; one of them became the version."""
    load_continuum(untrained, ROWS)
    retrain(untrained, "kmeans", "gmm")
    rows = untrained.sql(
        "select model, candidate.settings ->> 'n_clusters', chosen, verdict, silhouette, prediction_strength,"
        " min_jaccard"
        " from segmentation.model_selection as candidate join segmentation.model_versions using (model_version_id)"
        " where model = 'kmeans' order by candidate.candidate"
    )

    assert [(row[1], row[2]) for row in rows] == [("4", False), ("5", True), ("6", False)]
    assert all(value is not None for row in rows for value in row)
    assert all("unstable" in row[3] or "no groups" in row[3] for row in rows)
    assert untrained.sql("select count(*) from segmentation.model_selection where bic is not null and chosen") == [(1,)]


@pytest.mark.parametrize("model", ["kmeans", "gmm", "dbscan"])
def test_one_absurd_income_refuses_the_version(untrained, model):
    """The reason is in the promotions and names the column; nothing fails."""
    income = np.random.default_rng(1).uniform(10_000, 90_000, ROWS)
    income[7] = 1e12
    load_continuum(untrained, ROWS, annual_income=income)

    assert "100 % of the variance of annual_income comes from 1 of 600" in retrain(untrained, model)[0]["reason"]
