"""A held night on the page: what was found, and who may decide what."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from clustering.config import Checks
from clustering.errors import HeldError
from clustering.web.own_page import COOKIE, HEADER
from tests.projects import Project
from tests.web.examples import Visit

WAITING = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


@pytest.fixture(scope="module")
def held_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> tuple[Project, int]:
    """Return a project with a published night and a held one, and the number of that run; not to be changed."""
    return hold(copy_for_module(appointed_once), "delete from customers where customer_id % 2 = 0")


@pytest.fixture
def held(copy_project: Callable[[Project], Project], held_once: tuple[Project, int]) -> tuple[Project, int]:
    """Return a copy of the project with a held night, and the number of its run."""
    project, run_id = held_once
    return copy_project(project), run_id


def hold(project: Project, change: str) -> tuple[Project, int]:
    """Publish a night, hold the next one after a change of its source, and return its run."""
    careful = project.with_contract(checks=Checks())
    careful.night("2026-11-20")
    careful.sql(change)
    planned = careful.plan("2026-11-21")
    for shard in planned["shards"]:
        careful.score(planned["run_id"], shard)
    with pytest.raises(HeldError):
        careful.check(planned["run_id"])
    return careful, planned["run_id"]


def decide(client: TestClient, run_id: int, decision: str, reason: str = "the shop was closed") -> Any:
    """Send a decision as the page does."""
    client.get("/page")
    headers = {HEADER: client.cookies[COOKIE], "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
    body = json.dumps({"run_id": run_id, "decision": decision, "reason": reason})
    return client.post("/page/held", content=body, headers=headers)


def status(project: Project, run_id: int) -> str:
    """Return what has become of a run."""
    [(found,)] = project.sql("select status from segmentation.scoring_runs where run_id = %s", run_id)
    return str(found)


def test_findings_are_shown_and_a_night_is_published_all_the_same(held: tuple[Project, int], visit: Visit) -> None:
    """Who decided and why is recorded; a second decision comes too late."""
    project, run_id = held
    client = visit(project)
    text = client.get("/page?model=kmeans").text
    assert "The night of 21 Nov 2026 is held</strong>" in text
    assert "Then see whether a part of the source is missing" in text
    assert text.count('class="decide"') == 2
    answer = decide(client, run_id, "publish")
    assert answer.status_code == 200, answer.text
    assert "was published in spite of its findings" in answer.json()["message"]
    assert status(project, run_id) == "published"
    audit = "select action, actor from segmentation.audit_trail where action = 'release_run'"
    assert project.sql(audit) == [("release_run", "Ada")]
    late = decide(client, run_id, "abandon")
    assert late.status_code == 409
    assert "is not held any more" in late.json()["detail"]
    assert "is held</strong>" not in client.get("/page?model=kmeans").text


def test_night_is_abandoned_and_readers_notice_nothing(held: tuple[Project, int], visit: Visit) -> None:
    """The run ends with its reason."""
    project, run_id = held
    assert decide(visit(project), run_id, "abandon").status_code == 200
    assert status(project, run_id) == "abandoned"
    assert project.sql("select distinct as_of::text from segmentation.current_models") == [("2026-11-20",)]


@pytest.mark.parametrize("decision", ["publish", "abandon"])
def test_decision_that_comes_second_is_not_said_to_be_made(
    held: tuple[Project, int], visit: Visit, decision: str
) -> None:
    """Somebody else's publication is not yet committed when the button is pressed, and is before it counts."""
    project, run_id = held
    other = psycopg2.connect(project.warehouse.uri)
    with closing(other), other.cursor() as cursor, ThreadPoolExecutor() as pool:
        cursor.execute("update segmentation.scoring_runs set status = 'published' where run_id = %s", [run_id])
        answer = pool.submit(decide, visit(project), run_id, decision)
        wait_for(lambda: project.sql(WAITING) != [(0,)])
        other.commit()
    assert answer.result().status_code == 409
    assert f"run {run_id} is published by now" in answer.result().json()["detail"]


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so, at most half a minute."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_night_that_is_published_all_the_same_is_watched(project: Project, visit: Visit) -> None:
    """What has drifted, and the model that had to be left out, are in the answer; no retraining is asked for."""
    careful, run_id = hold(project, "update customers set annual_income = annual_income * 3 where annual_income < 1e6")
    careful.sql("delete from segmentation.run_models where run_id = %s and model = 'gmm'", run_id)
    careful.sql(
        "insert into segmentation.run_failures (run_id, model, model_version_id, reason) select %s, model,"
        " model_version_id, 'secret.json cannot be read' from segmentation.model_versions where model = 'gmm'",
        run_id,
    )
    answer = decide(visit(careful), run_id, "publish")
    assert answer.status_code == 200, answer.text
    message = answer.json()["message"]
    assert "Customers have drifted: kmeans" in message or "Customers have drifted: dbscan" in message
    assert "Left out, so that readers keep the former result: gmm;" in message
    assert "secret" not in message
    assert careful.sql("select count(*) from segmentation.retraining_requests") == [(0,)]


def test_who_may_not_promote_may_not_decide(held: tuple[Project, int], visit: Visit) -> None:
    """The findings are for every reader, the buttons are not; nor is a request without the page's token."""
    project, run_id = held
    reader = visit(project, may_change=False)
    text = reader.get("/page?model=kmeans").text
    assert "is held</strong>" in text
    assert 'class="decide"' not in text
    assert decide(reader, run_id, "publish").status_code == 403
    forged = visit(project).post("/page/held", json={"run_id": run_id, "decision": "publish", "reason": "x"})
    assert forged.status_code == 403
    assert status(project, run_id) == "held"


@pytest.mark.parametrize(
    ("run_id", "decision", "reason", "code"),
    [
        (None, "publish", "  ", 422),
        (None, "publish", "x" * 501, 422),
        (None, "publish", "the shop\x00was closed", 422),
        (None, "abandon", "closed\x1b[2J", 422),
        (None, "publish", "\ud800", 422),
        (None, "delete", "why", 422),
        (999, "publish", "why", 409),
        (2**70, "publish", "why", 422),
    ],
)
def test_wrong_decisions_change_nothing(
    held: tuple[Project, int], visit: Visit, run_id: int | None, decision: str, reason: str, code: int
) -> None:
    """No reason, one far too long or with characters of control, another decision, a run that is none."""
    project, present = held
    assert decide(visit(project), present if run_id is None else run_id, decision, reason).status_code == code
    assert status(project, present) == "held"
