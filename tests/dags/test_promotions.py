"""Promotion refused, approved, rejected by a person, rolled back: through the DAG, and what is recorded of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import clustering
from tests.dags.nights import Night
from tests.dags.people import person_who
from tests.paths import CONFIGURATION

DECISIONS = "select version.version, promotion.decision, version.status from segmentation.promotions as promotion\
 join segmentation.model_versions as version using (model_version_id) order by promotion_id"


@pytest.fixture
def promoted(trained_night: Night, trained_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Return DAGs on a warehouse with customers and a champion of K-Means, with a model store of its own."""
    monkeypatch.setenv("CLUSTERING_STORE", str(shutil.copytree(trained_store, tmp_path / "store")))
    return trained_night


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that changes settings of the K-Means model for the DAGs' next run."""
    directory = tmp_path / "models"
    shutil.copytree(CONFIGURATION, directory)
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))

    def change(**settings: Any) -> None:
        path = directory / "kmeans.yaml"
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text()) | settings))

    return change


def test_refused_version_leaves_the_champion(promoted: Night, configure: Callable[..., None]) -> None:
    """A version beyond a limit is refused with the reason; the run succeeds, nobody is told of a new champion."""
    configure(clusters=3)
    trained = promoted.run("retrain_models", models=["kmeans"])
    assert trained.state == "success"
    assert trained.tasks["each_model.announce"] == ["skipped"]
    assert promoted.sql(DECISIONS) == [(1, "promoted", "champion"), (2, "refused", "refused")]
    [(reason,)] = promoted.sql("select reason from segmentation.promotions where decision = 'refused'")
    assert "(allowed loss 0.02)" in reason


@pytest.mark.parametrize(
    ("choice", "decision", "champion"),
    [("Approve", "promoted", 2), pytest.param("Reject", "refused", 1, marks=pytest.mark.slow)],
)
def test_a_person_decides(
    promoted: Night,
    configure: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
    choice: str,
    decision: str,
    champion: int,
) -> None:
    """With approval on, a version that passes the gate waits for a person, whose name and remark are kept."""
    configure(clusters=5)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s" * 64)
    with person_who(choice, remark="as agreed on Monday"):
        trained = promoted.run("retrain_models", models=["kmeans"], approval=True)
    assert trained.state == "success"
    assert trained.tasks["each_model.announce"] == ["skipped"]
    assert trained.tasks["decide"] == ["success"]
    assert trained.tasks["announce"] == ["success" if decision == "promoted" else "skipped"]
    [(version,)] = promoted.sql("select version from segmentation.model_versions where status = 'champion'")
    assert version == champion
    [(said, reason, by)] = promoted.sql(
        "select decision, reason, decided_by from segmentation.promotions order by promotion_id desc limit 1"
    )
    assert said == decision
    assert "as agreed on Monday" in reason
    assert "no customer would move" in reason
    assert by.startswith("Anonymous (retrain_models")


def test_answer_after_the_decision_was_taken_on_the_page_fails_and_changes_nothing(
    promoted: Night, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run waits for a person who answers when somebody else has refused the version beside the other one."""
    configure(clusters=5)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s" * 64)

    def refuse_on_the_page() -> None:
        from segmentation_definitions import open_session  # which imports Airflow

        with open_session() as session:
            [(identity,)] = promoted.sql("select model_version_id from segmentation.model_versions where version = 2")
            given: dict[str, Any] = {"model_version_id": identity, "remark": None, "decided_by": "Ada (Segments page)"}
            clustering.approve(session.configuration, session.registry, approved=False, **given)

    with person_who("Approve", first=refuse_on_the_page):
        trained = promoted.run("retrain_models", models=["kmeans"], approval=True)
    assert trained.tasks["decide"] == ["failed"]
    assert trained.tries["decide"] == [1]
    assert trained.tasks["announce"] in (["upstream_failed"], ["skipped"])
    assert trained.state == "failed"
    assert promoted.sql(DECISIONS) == [(1, "promoted", "champion"), (2, "refused", "refused")]


@pytest.mark.slow
def test_champion_that_cannot_be_read_is_tried_again_and_then_a_person_decides(
    promoted: Night, configure: Callable[..., None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The training fails until its last try; what it makes then waits for a person although nobody asked for that."""
    configure(clusters=5)
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s" * 64)
    (tmp_path / "store" / "kmeans").rename(tmp_path / "away")
    with person_who("Reject"):
        trained = promoted.run("retrain_models", models=["kmeans"])
    assert trained.state == "success"
    assert trained.tries["each_model.train"] == [4]
    assert promoted.sql(DECISIONS) == [(1, "promoted", "champion"), (2, "refused", "refused")]
    [(reason,)] = promoted.sql("select reason from segmentation.promotions where decision = 'refused'")
    assert "the files of version 1, the champion, could not be read" in reason


@pytest.mark.slow
def test_rollback_scores_exactly_as_before(night: Night, configure: Callable[..., None]) -> None:
    """One param brings the former champion back: nothing is trained, and the next night labels as the first did."""
    configure(clusters=3)
    night.run("retrain_models", models=["kmeans"])
    night.run("segment_customers", models=["kmeans"])
    first = night.sql(LABELS)
    configure(clusters=5, gate={"max_movement": 1})
    night.run("retrain_models", models=["kmeans"])
    night.run("segment_customers", models=["kmeans"])
    assert night.sql(LABELS) != first
    back = night.run("retrain_models", champions=["kmeans"], models=None)
    assert back.state == "success"
    assert back.tasks["set_champion"] == ["success"]
    assert back.tasks["sample"] == ["skipped"]
    night.run("segment_customers", models=["kmeans"])
    assert night.sql(LABELS) == first
    assert night.sql(DECISIONS)[-1] == (1, "rolled_back", "champion")


def test_a_rollback_that_cannot_be_is_clear(promoted: Night, configure: Callable[..., None]) -> None:
    """The first champion has no former one; the run fails and nothing changes."""
    configure(clusters=5)
    back = promoted.run("retrain_models", champions=["kmeans"], models=None)
    assert back.state == "failed"
    assert back.tasks["set_champion"] == ["failed"]
    assert promoted.sql(DECISIONS) == [(1, "promoted", "champion")]


LABELS = "select customer_id, cluster_label, segment_id, segment_name, confidence\
 from segmentation.current_customer_segments order by customer_id"
