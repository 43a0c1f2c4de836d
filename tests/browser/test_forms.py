"""Airflow's own pages of the DAGs in a browser: the forms that start a run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.watching import CHROMIUM, TONGA, Airflow

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium in PATH, so Airflow's forms were not looked at"),
]


@pytest.fixture
def page(browser: Browser, airflow: Airflow, sessions: dict[str, Any]) -> Iterator[Page]:
    """Return a tab of the administrator's, whose clock is Tonga's, thirteen hours ahead of UTC."""
    opened = browser.new_context(base_url=airflow.address, storage_state=sessions["admin"], timezone_id=TONGA)
    yield opened.new_page()
    opened.close()


def form(page: Page, dag: str) -> Locator:
    """Open the form of a DAG."""
    page.goto(f"/dags/{dag}")
    page.get_by_role("button", name="Trigger").first.click()
    opened = page.get_by_role("dialog")
    expect(opened.get_by_role("button", name="Trigger")).to_be_visible()
    return opened


def send(page: Page, opened: Locator, dag: str) -> dict[str, Any]:
    """Send a form and return the run that it has made."""
    with page.expect_response(lambda answer: answer.url.endswith(f"/dags/{dag}/dagRuns")) as sent:
        opened.get_by_role("button", name="Trigger").click()
    assert sent.value.ok, sent.value.text()
    return dict(sent.value.json())


def test_form_of_posted_customers_opens_with_an_example_that_is_sent(page: Page) -> None:
    """Nothing is red, the button can be pressed at once, and model and customers come along."""
    opened = form(page, "cluster_customers")
    expect(opened.get_by_role("button", name="Trigger")).to_be_enabled()
    expect(opened.get_by_role("alert")).to_have_count(0)
    run = send(page, opened, "cluster_customers")
    assert run["conf"]["model_of_choice"] == "dbscan"
    assert len(run["conf"]["data"]) == 1


def test_day_that_is_picked_is_the_day_that_is_meant(page: Page) -> None:
    """20 November, picked in Tonga where UTC is a day behind, is 20 November where the DAGs live; the form says so."""
    from segmentation_days import business_date

    opened = form(page, "segment_customers")
    expect(opened.get_by_text("the day of the logical date above, as it is in Pacific/Tongatapu.")).to_be_visible()
    picked = opened.get_by_test_id("datetime-input").first
    picked.click()
    page.get_by_placeholder("YYYY/MM/DD").fill("2026/11/20")
    page.get_by_placeholder("HH:mm").fill("10:00")
    opened.get_by_role("heading").first.click()
    expect(picked).to_have_text("Nov 20, 2026 10:00")
    run = send(page, opened, "segment_customers")
    logical, began = (datetime.fromisoformat(run[name]) for name in ("logical_date", "run_after"))
    assert logical.astimezone(UTC).date() == date(2026, 11, 19)
    meant = SimpleNamespace(logical_date=logical, run_after=began, run_type=run["run_type"])
    assert business_date(run["conf"]["as_of"], None, meant, ZoneInfo(TONGA)) == date(2026, 11, 20)
