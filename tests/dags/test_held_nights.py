"""A night that is held, task by task: who is told, who is asked, and what becomes of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.configurations import copy_that_holds
from tests.dags.nights import Night
from tests.dags.people import person_who
from tests.dags.test_alerts import told as told  # the fixture
from tests.paths import CONFIGURATION

pytestmark = pytest.mark.timeout(240, method="thread")

STATUS = "select status, note from segmentation.scoring_runs order by run_id desc limit 1"


@pytest.fixture
def careful(trained_night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Return DAGs that hold nights, with yesterday's night published and a half of the customers gone since."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(copy_that_holds(CONFIGURATION, tmp_path / "models")))
    monkeypatch.setenv("AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS", "True")
    monkeypatch.setenv("AIRFLOW__API_AUTH__JWT_SECRET", "s" * 64)
    trained_night.sql("update segmentation.promotions set decided_at = '2020-01-01'")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    assert trained_night.run("segment_customers", as_of=yesterday, from_present_rows=True).state == "success"
    trained_night.sql("delete from customers where customer_id % 2 = 0")
    return trained_night


def hold_events() -> list[Any]:
    """Return what came with the events of the asset of held nights."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    query = (
        "select event.extra from asset_event as event join asset on asset.id = event.asset_id"
        " where asset.name = 'segmentation.held_nights'"
    )
    with create_session() as session:
        return [json.loads(row[0]) if isinstance(row[0], str) else row[0] for row in session.execute(text(query))]


def held(careful: Night) -> int:
    """Run a night that is held, and return its run."""
    before = len(hold_events())
    today = datetime.now(UTC).date().isoformat()
    segmented = careful.run("segment_customers", as_of=today, from_present_rows=False)  # else those of the run before
    assert segmented.state == "failed"
    states = {name: segmented.tasks[name] for name in ("score", "check", "publish", "clean_up", "ask", "watch")}
    assert states == {
        "score": ["success"],
        "check": ["failed"],
        "publish": ["upstream_failed"],
        "clean_up": ["success"],
        "ask": ["success"],
        "watch": ["skipped"],
    }
    assert segmented.tries["check"] == [1]
    told = segmented.results["summary"]
    assert (told["status"], told["models"]) == ("held", [])
    assert told["line"].startswith("held, nothing published: ")
    assert segmented.links["summary"].endswith("/plugin/segments")  # what readers see
    [event] = hold_events()[before:]
    return int(event["run_id"])


def test_held_night_is_told_once_and_asks(careful: Night, told: list[tuple[str, str]]) -> None:
    """The message says why, what readers see, whether it can wait and what to do; readers keep the former night."""
    before = careful.sql("select * from segmentation.current_segments order by model, segment_id")
    run_id = held(careful)
    [(subject, text)] = [one for one in told if "is held" in one[0]]
    assert subject == f"the night as of {datetime.now(UTC).date()} is held"
    for words in (
        "customers of the night before are missing or rejected",
        "Readers see kmeans as of ",
        "It can wait until the morning",
        "abandoned where nobody decides within 72 hours",
        f"clustering publish {run_id} --despite-findings",
    ):
        assert words in text
    assert careful.sql("select * from segmentation.current_segments order by model, segment_id") == before
    assert careful.sql(STATUS)[0][0] == "held"


@pytest.mark.parametrize(
    ("choice", "status", "announced"),
    [
        ("Publish all the same", "published", "success"),
        pytest.param("Abandon", "abandoned", "skipped", marks=pytest.mark.slow),
    ],
)
def test_a_person_decides_on_a_held_night(careful: Night, choice: str, status: str, announced: str) -> None:
    """It is published or abandoned as they said, with their name and reason, and announced where it is published."""
    run_id = held(careful)
    with person_who(choice, reason="the shop was closed"):
        decided = careful.run("decide_held_night", run=run_id)
    assert decided.state == "success"
    assert (decided.tasks["act"], decided.tasks["announce"]) == (["success"], [announced])
    [(found, note)] = careful.sql(STATUS)
    assert found == status
    assert "Anonymous" in note
    assert "the shop was closed" in note
    [(rows,)] = careful.sql("select count(*) from segmentation.current_customer_segments")
    assert (rows < 1_000) is (status == "published")
    assert careful.staged() == []


def test_decision_comes_too_late(careful: Night) -> None:
    """A night that was decided on otherwise is left alone."""
    run_id = held(careful)
    careful.sql("update segmentation.scoring_runs set status = 'abandoned' where status = 'held'")
    decided = careful.run("decide_held_night", run=run_id)
    assert decided.tasks["read"] == ["skipped"]
    assert careful.sql(STATUS)[0][0] == "abandoned"
