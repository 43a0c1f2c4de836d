"""The Segments page inside Airflow: its place in the navigation, and Airflow's permissions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from clustering.web.page import COOKIE, HEADER
from tests.appointing import appoint
from tests.clustering.scoring.conftest import Project

LogIn = Callable[[str], Any]


def test_navigation_knows_the_page(airflow: LogIn) -> None:
    """Airflow lists the page among what plugins add to its navigation, with an icon that is there."""
    client = airflow("admin")
    plugins = {plugin["name"]: plugin for plugin in client.get("/api/v2/plugins").json()["plugins"]}
    [view] = plugins["segmentation"]["external_views"]
    assert (view["destination"], view["url_route"]) == ("nav", "segments")
    assert client.get(f"/{view['href']}").status_code == 200
    assert client.get(f"/{view['icon']}").headers["content-type"].startswith("image/svg+xml")


@pytest.mark.parametrize(("user", "status"), [("", 401), ("viewer", 200), ("user", 200)])
def test_looking_needs_the_permission_to_look(airflow: LogIn, user: str, status: int) -> None:
    """The page is for whoever may look at segment_customers."""
    assert airflow(user).get("/segmentation/page").status_code == status


@pytest.mark.parametrize(("user", "status"), [("viewer", 403), ("user", 200)])
def test_champions_need_the_permission_to_trigger(airflow: LogIn, project: Project, user: str, status: int) -> None:
    """Changing a champion is for whoever may trigger retrain_models; the decision is theirs by name."""
    appoint(project, "kmeans")
    client = airflow(user)
    text = client.get("/segmentation/page?model=kmeans").text
    assert ("change-champion" in text) == (status == 200)
    body = {"model": "kmeans", "version": 1, "champion": 2}
    answer = client.post("/segmentation/page/champion", json=body, headers={HEADER: client.cookies[COOKIE]})
    assert answer.status_code == status
    last = "select decision, decided_by from segmentation.promotions order by promotion_id desc limit 1"
    assert project.sql(last) == [("rolled_back", "user") if status == 200 else ("promoted", "test")]
