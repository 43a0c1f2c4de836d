"""The Segments page of the standalone server in a browser, without Airflow, and the report: also of odd data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect
from psycopg2 import sql

from clustering.scoring.label_sets import read_label_sets
from clustering.web.report import render_report
from tests.browser.test_page import drawn, picture
from tests.browser.watching import CHROMIUM, DAYS, Watch
from tests.projects import Project
from tests.web.examples import SECRET
from tests.web.served import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium in PATH, so the standalone page was not looked at; on Debian: apt-get install chromium",
    ),
]
SPREAD = "update {} set segment_id = 1 + abs(hashtext(customer_id::text)) % 40"
ODD = [
    """update segmentation.segments set segment_name = 'عملاء "أوفياء" ' || segment_id where segment_id = 1""",
    "update segmentation.segments set segment_name = repeat('Customers who buy rarely, and never twice ', 4)"
    " where segment_id = 2",
    """update segmentation.segments set segment_name = '<b>O''Neill & "sons"</b> @accent' where segment_id = 3""",
    "update segmentation.segment_profiles set mean = null, minimum = null, q1 = null, median = null, q3 = null,"
    " maximum = null, mean_empty_because = 'few', quartiles_empty_because = 'few', extremes_empty_because = 'few'",
    "insert into segmentation.segments (as_of, model, segment_id, segment_name, description,"
    " recommended_action, customers, share, run_id, model_version_id, structure)"
    " select as_of, model, extra, 'Low annual income and a high spending score, number ' || extra, '', '', 1, 0.0005,"
    " run_id, model_version_id, structure"
    " from segmentation.segments cross join generate_series(6, 40) as extra"
    " where segment_id = 1 and model = 'kmeans'",
    "insert into segmentation.segment_migrations (as_of, previous_as_of, model, from_segment_id, to_segment_id,"
    " customers, by_behaviour, by_model, by_source) select as_of, previous_as_of, model, extra, extra % 40 + 1, 1, 1,"
    " 0, 0 from segmentation.segment_migrations cross join generate_series(6, 40) as extra"
    " where from_segment_id = 2 and to_segment_id = 2 and model = 'kmeans'",
]


@pytest.fixture
def stranger(browser: Browser, address: str) -> Iterator[Page]:
    """Return a watched tab of somebody who is not logged in."""
    watching = Watch()
    context = browser.new_context(base_url=address, color_scheme="light")
    yield watching.over(context.new_page())
    context.close()
    assert watching.complaints == []
    assert watching.hosts <= {urlsplit(address).netloc, ""}


@pytest.fixture
def reader(stranger: Page) -> Page:
    """Return a watched tab of somebody who is logged in."""
    log_in(stranger)
    return stranger


def log_in(page: Page, path: str = "/page?model=kmeans", token: str = SECRET) -> None:
    """Ask for a page and fill in the form that comes in its place."""
    page.goto(path)
    page.get_by_label("The API's token").fill(token)
    page.get_by_role("button", name="Log in").click()


def nothing_is_cut(page: Page, width: int) -> None:
    """Nothing is wider than the window, no box's text wider than the box, and no two cards lie on each other."""
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = (
        "boxes => boxes.filter(box => box.scrollWidth > box.clientWidth + 1).map(box => box.textContent.slice(0, 80))"
    )
    assert page.locator(".card, .panel, .bar, .health dl > div, .empty").evaluate_all(too_wide) == []
    overlapping = """boxes => {
        const places = boxes.map(box => box.getBoundingClientRect());
        return places.flatMap((one, at) => places.slice(at + 1).filter(other => one.left < other.right - 1
            && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1)).length;
    }"""
    for boxes in (".card", ".health dl > div", ".sankey-node text", ".drawn text:not(.middle)"):
        if page.locator(boxes).count() < 500:
            assert page.locator(boxes).evaluate_all(overlapping) == 0, boxes


def test_log_in_shows_the_page_and_log_out_ends_it(stranger: Page) -> None:
    """The token is asked for once; page, figures and the API's description are read; then the form comes again."""
    page = stranger
    log_in(page)
    expect(page.get_by_role("heading", name="High Spenders")).to_be_visible()
    drawn(page, "sizes", "rejected", "customers", "movement")
    assert page.get_by_role("button", name=re.compile("Roll back|Promote")).count() == 0
    [session] = [one for one in page.context.cookies() if one["name"] == "segmentation_session"]
    assert (session["httpOnly"], session["sameSite"]) == (True, "Lax")
    page.get_by_role("link", name="API").click()
    expect(page.get_by_role("heading", name="POST /cluster")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_label("The API's token")).to_be_visible()
    page.goto("/page")
    expect(page.get_by_label("The API's token")).to_be_visible()


def test_wrong_token_is_a_sentence(browser: Browser, address: str) -> None:
    """The form comes again and says so."""
    context = browser.new_context(base_url=address)
    page = context.new_page()
    log_in(page, token=SECRET[::-1])
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    context.close()


def test_strip_and_movement_are_there_at_once(reader: Page) -> None:
    """Four answers with reasons; the latest movement with its cause, in the order of the cards."""
    strip = reader.locator(".health [data-aspect]")
    expect(strip).to_have_count(4)
    assert all(re.search(r"\.(\s+Since .*)?$", text.strip()) for text in strip.locator("dd").all_inner_texts())
    drawn(reader, "sizes", "rejected", "customers", "movement")
    expect(reader.locator("[data-note=movement]")).to_contain_text(re.compile(r"^\d+ moved: \d+ changed themselves"))
    cards = reader.locator(".card h3").all_inner_texts()
    nodes = reader.locator("[data-figure=movement] .sankey-node text").all_text_contents()
    assert nodes[: len(cards)] == cards
    reader.get_by_label("From").select_option(DAYS[0])
    reader.get_by_role("button", name="Show movement").click()
    expect(reader.locator("[data-note=movement]")).to_contain_text("came back has not moved")


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1600])
def test_looks_right(reader: Page, lived_in: Project, tmp_path: Path, width: int, colours: Any) -> None:
    """Page, description of the API, form and report: narrow and wide, light and dark, and printed."""
    drawn(reader, "sizes", "rejected", "customers", "movement")
    reader.emulate_media(color_scheme=colours)
    reader.set_viewport_size({"width": width, "height": 900})
    reader.reload()
    drawn(reader, "sizes", "rejected", "customers", "movement")
    nothing_is_cut(reader, width)
    picture(reader, tmp_path, f"standalone-{width}-{colours}")
    file = tmp_path / "report.html"
    file.write_text(render_report(lived_in.warehouse, lived_in.configuration))
    for path, name in (("/docs", "docs"), ("/login", "log-in"), (file.as_uri(), "report")):
        reader.goto(path)
        nothing_is_cut(reader, width)
        picture(reader, tmp_path, f"{name}-{width}-{colours}")
    reader.emulate_media(media="print", color_scheme=colours)
    assert reader.locator(".top").evaluate("bar => getComputedStyle(bar).position") == "static"
    assert len(reader.pdf()) > 20_000


def test_odd_data_is_said_and_nothing_overlaps(browser: Browser, project: Project, tmp_path: Path) -> None:
    """Forty segments, names in every alphabet and far too long ones, averages that are all withheld."""
    project.night("2026-11-21", models=["kmeans"])
    project.night("2026-11-22", models=["kmeans"])
    for statement in ODD:
        project.sql(statement)
    [(run,)] = project.sql("select max(run_id) from segmentation.scoring_runs")
    with project.warehouse.transaction() as transaction:
        label_sets = read_label_sets(transaction, run)
    for one in label_sets.values():
        project.sql(sql.SQL(SPREAD).format(one.table))
    file = tmp_path / "report.html"
    file.write_text(render_report(project.warehouse, project.configuration, models=["kmeans"]))
    with serving(project, tmp_path / "log") as address:
        for width in (400, 1600):
            watching = Watch()
            context = browser.new_context(base_url=address, viewport={"width": width, "height": 900})
            page = watching.over(context.new_page())
            log_in(page)
            drawn(page, "sizes", "rejected", "customers", "movement")
            nothing_is_cut(page, width)
            picture(page, tmp_path, f"odd-{width}")
            page.goto(file.as_uri())
            nothing_is_cut(page, width)
            picture(page, tmp_path, f"odd-report-{width}")
            context.close()
            assert watching.complaints == []
