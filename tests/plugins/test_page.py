"""The Segments page inside Airflow: its place in the navigation, and Airflow's permissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from fastapi import Request

from clustering.web.own_page import COOKIE, HEADER
from tests.appointing import appoint
from tests.projects import Project

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


def test_browser_without_a_log_in_is_sent_to_airflows(airflow: LogIn) -> None:
    """A person gets Airflow's log-in, which leads back to the page; a program gets 401, and so does a change."""
    browser = airflow("")
    asked = {"headers": {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}, "follow_redirects": False}
    answer = browser.get("/segmentation/page?model=kmeans&as_of=2026-11-22", **asked)
    wanted = urlencode({"next": "/segmentation/page?model=kmeans&as_of=2026-11-22"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"/api/v2/auth/login?{wanted}")
    assert answer.headers["cache-control"] == "no-store"
    form = browser.get(answer.headers["location"], follow_redirects=False)
    assert form.status_code == 307
    assert form.headers["location"].endswith(f"/auth/login?{wanted}")
    assert browser.get("/segmentation/page", headers={"Accept": "application/json"}).status_code == 401
    assert browser.post("/segmentation/page/champion", json={}, **asked).status_code == 401


@pytest.mark.parametrize("seconds", [-60, 60])
def test_browser_whose_cookie_has_expired_is_sent_to_airflows_log_in(airflow: LogIn, seconds: int) -> None:
    """So is one whose cookie was signed by a key that is not in use any more; a program is told."""
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    cookie = jwt.encode({"sub": "user", "exp": expires}, "another key, in use before" * 3, algorithm="HS512")
    browser = airflow("")
    browser.cookies.set("_token", cookie)
    answer = browser.get("/segmentation/page", headers={"Accept": "text/html"}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"].partition("?")[0]) == (303, "/api/v2/auth/login")
    assert browser.get("/segmentation/page", headers={"Accept": "application/json"}).status_code in (401, 403)


def test_browser_of_somebody_without_the_permission_stays(airflow: LogIn) -> None:
    """Who is logged in and may not is not sent around in circles."""
    client = airflow("")
    client.headers["Authorization"] = "Bearer made.up.token"
    answer = client.get("/segmentation/page", headers={"Accept": "text/html"}, follow_redirects=False)
    assert answer.status_code == 403


def test_log_in_is_found_under_a_path() -> None:
    """Where Airflow lives under a path, so does its log-in."""
    from segmentation_plugin import log_in_address

    scope = {"type": "http", "scheme": "http", "server": ("inside", 8080), "path": "/airflow/segmentation/page"}
    scope |= {"query_string": b"", "headers": [], "root_path": "/airflow/segmentation", "app_root_path": "/airflow"}
    assert log_in_address(Request(scope)) == "/airflow/api/v2/auth/login?next=%2Fairflow%2Fsegmentation%2Fpage"


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
