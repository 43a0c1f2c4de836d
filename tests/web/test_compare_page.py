"""Two versions side by side: what training has kept, or a sample that both label; promoted or rejected there."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from clustering.web.version_pairs import interval
from tests.appointing import appoint
from tests.projects import Project, train_candidates
from tests.web.examples import Visit


@pytest.fixture(scope="module")
def waiting_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with two champions of K-Means, a night, and a candidate that waits; not to be changed."""
    project = copy_for_module(appointed_once)
    appoint(project, "kmeans", n_clusters=4)
    project.night("2026-11-20", models=["kmeans"])
    train_candidates(project, "kmeans")
    return project


@pytest.fixture
def waiting(copy_project: Callable[[Project], Project], waiting_once: Project) -> Project:
    """Return a copy of the project with a candidate that waits."""
    return copy_project(waiting_once)


def sent(client: TestClient, path: str, **body: object) -> tuple[int, str]:
    """Send a change as the page does, and return status and answer."""
    [token] = re.findall(r'name="csrf" content="([\w-]+)"', client.get("/compare?model=kmeans").text)
    answer = client.post(path, json=body, headers={"X-Segmentation-CSRF": token})
    return answer.status_code, answer.text


def test_candidate_that_waits_is_shown_beside_the_champion(waiting_once: Project, visit: Visit) -> None:
    """Sizes, moves, figures and limits as training and gate have them, and the buttons for who may."""
    page = visit(waiting_once).get("/compare", params={"model": "kmeans"}).text
    assert "version 2 and 3" in page
    assert "counted at its training on" in page
    assert "Least stability" in page
    assert "Smallest share" in page
    assert "Promote version 3" in page
    assert "Reject version 3" in page
    assert 'href="compare?model=kmeans"' in visit(waiting_once).get("/page?model=kmeans").text
    reader = visit(waiting_once, may_change=False).get("/compare", params={"model": "kmeans"}).text
    assert "Reject version 3" not in reader
    assert "Promote version 3" not in reader


def test_any_two_versions_are_compared_on_a_sample(waiting_once: Project, visit: Visit) -> None:
    """Versions that were never compared label today's customers, and the page says how far chance goes."""
    page = visit(waiting_once).get("/compare", params={"model": "kmeans", "former": 1, "latter": 2}).text
    assert re.search(r"between [\d.]+% and [\d.]+% with a confidence of 95 %", page)
    assert "customers, chosen by a hash of their keys, whom both versions label" in page
    assert "Promote version" not in page
    same = visit(waiting_once).get("/compare", params={"model": "kmeans", "former": 2, "latter": 2}).text
    assert "0% of the customers are in another segment" in same


def test_candidate_is_rejected_with_a_reason_or_promoted(waiting: Project, visit: Visit) -> None:
    """Each once, by name; the other comes too late."""
    client = visit(waiting)
    assert sent(client, "/page/rejection", model="kmeans", version=3, reason=" ")[0] == 422
    assert sent(client, "/page/rejection", model="kmeans", version=3, reason="too few")[0] == 200
    assert sent(client, "/page/rejection", model="kmeans", version=3, reason="too few")[0] == 409
    last = "select decision, reason, decided_by from segmentation.promotions order by promotion_id desc limit 1"
    [(decision, reason, decided_by)] = waiting.sql(last)
    assert (decision, decided_by) == ("refused", "Ada")
    assert reason.startswith("rejected by Ada: too few")
    train_candidates(waiting, "kmeans")
    assert sent(client, "/page/champion", model="kmeans", version=4, champion=2)[0] == 200
    assert sent(client, "/page/rejection", model="kmeans", version=4, reason="late")[0] == 409
    assert sent(visit(waiting, may_change=False), "/page/rejection", model="kmeans", version=4, reason="x")[0] == 403


def test_what_cannot_be_compared_is_a_sentence(waiting: Project, visit: Visit) -> None:
    """No such model or version; files that are gone; a model that was never trained."""
    client = visit(waiting)
    assert client.get("/compare", params={"model": "<b>"}).status_code == 404
    assert client.get("/compare", params={"model": "kmeans", "latter": 99}).status_code == 404
    waiting.sql("update segmentation.model_versions set artifact_pruned_at = now() where version = 1")
    page = client.get("/compare", params={"model": "kmeans", "former": 1, "latter": 2})
    assert page.status_code == 200
    assert "Not known:" in page.text


def test_interval_holds_the_share() -> None:
    """It is between 0 and 1, and narrower with more customers."""
    for moved, total in ((0, 10), (10, 10), (3, 10), (300, 1000)):
        least, most = interval(moved, total)
        assert 0 <= least <= moved / total <= most <= 1
    assert interval(300, 1000)[1] - interval(300, 1000)[0] < interval(3, 10)[1] - interval(3, 10)[0]
