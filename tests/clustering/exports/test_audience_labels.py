"""Audiences of several models: in given segments of each of them, or of at least one."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from clustering.config import Audience
from clustering.errors import ConfigurationError, RunError
from clustering.exports.due_audiences import due_audiences
from clustering.privacy.forgetting import forget
from clustering.scoring.withdrawal import withdraw_date
from tests.audiences import DATES, WAIVED, noted, send, sending, table
from tests.projects import Project

COLUMNS = ["customer_id", "kmeans.segment_name", "gmm.segment_id", "gmm.confidence", "as_of"]
MOST = (
    "select segment_id from segmentation.current_customer_segments where model = %s"
    " group by 1 order by count(*) desc limit 1"
)


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with a night of two models."""
    appointed_project.night(DATES[0], models=["kmeans", "gmm"])
    return appointed_project


def of_both(project: Project, **settings: Any) -> Project:
    """Return the project with an audience of the largest segment of each."""
    chosen = {model: [project.sql(MOST, model)[0][0]] for model in ("kmeans", "gmm")}
    return sending(project, **({"model": None, "models": chosen, "columns": COLUMNS} | settings))


def members(project: Project, model: str) -> set[int]:
    """Return who is in the largest segment of a model."""
    chosen = (
        f"select customer_id from segmentation.current_customer_segments where model = %s and segment_id = ({MOST})"  # noqa: S608
    )
    return {int(key) for (key,) in project.sql(chosen, model, model)}


@pytest.mark.parametrize("match", ["all", "any"])
def test_segments_of_two_models_are_joined_by_customer(project: Project, tmp_path: Path, match: str) -> None:
    """Columns are each model's own, of a customer who is in another segment of it too."""
    told = send(of_both(project, match=match, path="shown.parquet"), tmp_path)
    rows = pq.read_table(tmp_path / "shown.parquet").to_pylist()
    one, other = members(project, "kmeans"), members(project, "gmm")
    assert {row["customer_id"] for row in rows} == (one & other if match == "all" else one | other)
    assert len(rows) == told["rows"] == noted(project)
    assert list(rows[0]) == ["customer_id", "kmeans_segment_name", "gmm_segment_id", "gmm_confidence", "as_of"]
    ((segment,),) = project.sql(MOST, "gmm")
    assert {row["gmm_segment_id"] == segment for row in rows if row["customer_id"] in other} == {True}
    names = Counter(row["kmeans_segment_name"] for row in rows if row["customer_id"] in one)
    assert len(names) == 1
    assert told["model"] == "kmeans and gmm"
    [(model, runs)] = project.sql("select model, detail -> 'runs' from segmentation.audit_log")
    assert (model, set(runs)) == (None, {"kmeans", "gmm"})


def test_changes_of_several_models_tell_who_came_into_all_or_left_one(project: Project, tmp_path: Path) -> None:
    """As of one model; whoever is forgotten is listed."""
    sent = of_both(project, rows="changes")
    everybody = send(sent, tmp_path)["rows"]
    gone = min(members(project, "kmeans") & members(project, "gmm"))
    project.sql("delete from customers where customer_id = %s", gone)
    project.night(DATES[1], models=["kmeans", "gmm"])
    send(sent, tmp_path)
    [row] = table(tmp_path / "shown" / f"{DATES[1]}.csv")
    assert (row["change"], row["customer_id"], row["kmeans_segment_name"]) == ("left", str(gone), "")
    assert noted(project) == everybody
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=gone, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "shown", "destination": "drop", "since": DATES[0]}]


def test_several_models_are_sent_when_all_hold_for_one_date(project: Project, tmp_path: Path) -> None:
    """It is due again after each of them, and a withdrawn date of either tells where it was sent."""
    sent = of_both(project)
    send(sent, tmp_path)
    assert due_audiences(sent.warehouse, sent.configuration).due == []
    project.night(DATES[1], models=["gmm"])
    with pytest.raises(
        RunError, match=f"kmeans is as of {DATES[0]} and gmm as of {DATES[1]}, and an audience of several"
    ):
        send(sent, tmp_path)
    assert "as of" in due_audiences(sent.warehouse, sent.configuration).left["shown"]
    project.night(DATES[1], models=["kmeans"])
    assert due_audiences(sent.warehouse, sent.configuration).due == [{"audience": "shown", "as_of": DATES[1]}]
    send(sent, tmp_path)
    asked: dict[str, Any] = {"withdrawn_by": "Ada", "reason": "half of them", "models": ["gmm"]}
    told = withdraw_date(project.warehouse, project.configuration, as_of=date.fromisoformat(DATES[1]), **asked)
    assert [one["audience"] for one in told["sent_to"]] == ["shown"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"model": "kmeans"}, "model: is said of one model"),
        ({"segments": [1]}, "segments: is said of one model"),
        ({"top": 5}, "top: is said of one model"),
        ({"columns": ["customer_id", "segment_name"]}, "'segment_name' is of one model; write kmeans.segment_name"),
        ({"columns": ["customer_id", "dbscan.confidence"]}, "'dbscan.confidence' is no column of a model"),
        ({"columns": ["customer_id", "kmeans.age"]}, "'kmeans.age' is no column of a model"),
        ({"columns": ["customer_id", "model"]}, "'model' is one, and several stand under models"),
        ({"models": {"kmeans": [], "gmm": None}}, "models: kmeans has no segment; null stands for all"),
        ({"models": {"kmeans": None}}, "models"),
        ({"columns": ["customer_id", "gmm.confidence", "gmm_confidence"]}, "every column stands once"),
        ({"models": None, "model": "kmeans"}, "'kmeans.segment_name' names a model, as columns do where several"),
    ],
)
def test_what_is_ambiguous_is_refused(settings: dict[str, Any], told: str) -> None:
    """Of several models, columns say which; of one, nothing does."""
    plain = {"destination": "drop", "path": "shown.csv", "consent": WAIVED}
    both = {"models": {"kmeans": [1], "gmm": None}, "columns": COLUMNS}
    assert Audience.model_validate(plain | both).headers[1] == "kmeans_segment_name"
    with pytest.raises(ValidationError, match=told):
        Audience.model_validate(plain | both | settings)


def test_segment_that_a_model_has_not_stops_the_export(project: Project, tmp_path: Path) -> None:
    """The message says of which model."""
    sent = of_both(project, models={"kmeans": None, "gmm": ["Stars"]})
    with pytest.raises(ConfigurationError, match=r"audiences.shown.models.gmm: 'Stars' is no segment of that date"):
        send(sent, tmp_path)
