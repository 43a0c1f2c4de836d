"""From a card to who is in a segment, who left and why, one of them, and a file; inside of Airflow and beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_page import picture
from tests.browser.test_standalone import log_in, nothing_is_cut
from tests.browser.watching import CHROMIUM, DAYS, Airflow, Watch
from tests.projects import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium in PATH, so the page of a segment was not looked at; on Debian: apt-get install chromium",
    ),
]
MANY = 50_000  # changes of a night
STORM = """
    insert into segmentation.segment_changes (
        kind, model, customer_id, as_of, from_segment_id, from_segment_name, to_segment_id, to_segment_name, cause
    )
    select 'change', 'kmeans', 1000000 + number, %s, 1, 'One', 2 + number %% 4, 'Another', 'behaviour'
    from generate_series(1, %s) as number
"""


@pytest.fixture
def reader(browser: Browser, address: str) -> Iterator[Page]:
    """Return a watched tab of somebody who is logged in."""
    watching = Watch()
    context = browser.new_context(base_url=address, color_scheme="light", reduced_motion="reduce")
    page = watching.over(context.new_page())
    log_in(page)
    yield page
    context.close()
    assert watching.complaints == []


def test_segment_is_opened_who_left_is_read_and_downloaded(page: Page, lived_in: Project) -> None:
    """Inside Airflow: from the card, by a date and a cause that stay in the address, to a customer and to a file."""
    page.goto("/plugin/segments?model=kmeans")
    inside = page.frame_locator("iframe[title=Segments]")
    inside.get_by_role("link", name="High Spenders").click()
    expect(inside.get_by_role("heading", name="Against all customers")).to_be_visible()
    inside.get_by_label("Moves since").select_option(DAYS[-3])
    inside.get_by_label("Because").select_option("behaviour")
    inside.get_by_role("button", name="Show").click()
    # What was chosen is shown already: Airflow's address alone tells that the page which follows is there.
    expect(page).to_have_url(re.compile(f"since={DAYS[-3]}&cause=behaviour"))
    expect(inside.get_by_label("Because")).to_have_value("behaviour")
    expect(inside.get_by_label("Moves since")).to_have_value(DAYS[-3])
    left = inside.get_by_role("region", name="Who left, by customer").locator("tbody tr")
    expect(left.first).to_contain_text("the customer changed")
    with page.expect_download() as waiting:
        inside.get_by_role("link", name="Download who left").click()
    file = Path(waiting.value.path()).read_text()
    assert file.startswith("customer_id,as_of,to_segment_id")
    assert "behaviour" in file
    [(actor, description)] = lived_in.sql(
        "select actor, description from segmentation.audit_trail where action = 'download'"
    )
    assert (actor, "High Spenders" in description) == ("admin", True)
    left.first.get_by_role("link").click()
    expect(inside.get_by_role("heading", name=re.compile("^Customer ")).first).to_be_visible()
    expect(inside.get_by_text("the customer changed").first).to_be_visible()


def test_customer_is_found_and_the_reason_read(reader: Page, lived_in: Project) -> None:
    """By the key, from the Segments page on: where, since when and why, as sentences and as a line."""
    [(key,)] = lived_in.sql("select min(customer_id) from segmentation.current_customer_segments")
    reader.get_by_label("Customer", exact=True).fill(str(key))
    reader.get_by_role("button", name="Find").click()
    expect(reader.get_by_role("heading", name=f"Customer {key}")).to_be_visible()
    expect(reader.get_by_role("region", name=re.compile("Reasons by")).first).to_be_visible()
    expect(reader.locator("svg.life").first).to_be_visible()


def test_viewer_sees_numbers_and_no_customer(browser: Browser, airflow: Airflow, sessions: dict[str, Any]) -> None:
    """Who may not look customers up has causes, and neither keys nor files."""
    context = browser.new_context(base_url=airflow.address, storage_state=sessions["viewer"])
    page = context.new_page()
    page.goto("/segmentation/segment?model=kmeans&segment=1")
    expect(page.get_by_role("heading", name="Against all customers")).to_be_visible()
    assert page.get_by_role("link", name=re.compile("Download")).count() == 0
    assert page.locator("a[href^='customer?']").count() == 0
    answer = page.goto("/segmentation/segment/download?model=kmeans&segment=1&what=members")
    assert answer is not None
    assert answer.status == 403
    context.close()


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_looks_right(reader: Page, lived_in: Project, tmp_path: Path, width: int, colours: Any) -> None:
    """Narrow and wide, light and dark, a segment and a customer; nothing is cut."""
    [(key,)] = lived_in.sql("select min(customer_id) from segmentation.segment_changes where cause = 'behaviour'")
    reader.emulate_media(color_scheme=colours)
    reader.set_viewport_size({"width": width, "height": 900})
    for path, name in (("/segment?model=kmeans&segment=1", "segment"), (f"/customer?key={key}", "customer")):
        reader.goto(path)
        nothing_is_cut(reader, width)
        picture(reader, tmp_path, f"{name}-{width}-{colours}")


def test_night_with_many_changes_stays_readable(reader: Page, lived_in: Project) -> None:
    """Of fifty thousand who left in a night: numbers on top, fifty at a time below, and on from there."""
    lived_in.sql(STORM, DAYS[-1], MANY)
    try:
        reader.goto(f"/segment?model=kmeans&segment=1&since={DAYS[-1]}")
        numbers = reader.get_by_role("region", name="Who left, by cause").locator("tbody tr")
        assert numbers.count() < 20
        rows = reader.get_by_role("region", name="Who left, by customer").locator("tbody tr")
        expect(rows).to_have_count(50)
        first = rows.first.inner_text()
        reader.locator("#left ~ .panel").get_by_role("link", name="Older ones").click()
        expect(rows).to_have_count(50)
        assert rows.first.inner_text() != first
        reader.get_by_role("link", name="The newest ones").click()
        expect(rows.first).to_have_text(re.compile(re.escape(first.split()[0])))
    finally:
        lived_in.sql("delete from segmentation.segment_changes where customer_id > 1000000")
