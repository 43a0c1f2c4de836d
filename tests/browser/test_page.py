"""The Segments page in a browser, inside of a real Airflow."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect

from clustering.web.report import render_report
from tests.browser.watching import CHROMIUM, DAYS, Airflow, Watch
from tests.projects import Project

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium in PATH, so the Segments page was not looked at; on Debian: apt-get install chromium",
    ),
]
PICTURES = os.environ.get("PICTURES")  # a folder that the pictures of the documentation are written to
YESTERDAY, TODAY = DAYS[-2:]


def drawn(inside: Page | FrameLocator, *names: str) -> None:
    """Wait until charts are drawn."""
    for name in names:
        inside.locator(f"[data-figure={name}][data-drawn]").wait_for()


def test_lives_in_airflow(page: Page) -> None:
    """The navigation leads to the page; model and date are switched there, and stay in Airflow's own address."""
    page.goto("/")
    page.get_by_role("link", name="Segments").click()
    inside = page.frame_locator("iframe[title=Segments]")
    expect(inside.get_by_role("heading", name="High Spenders")).to_be_visible()
    drawn(inside, "sizes", "rejected", "customers")
    inside.get_by_label("Model").select_option("dbscan")
    inside.get_by_role("button", name="Show").first.click()
    expect(inside.get_by_role("heading", name="Outliers")).to_be_visible()
    inside.get_by_label("Date").select_option(YESTERDAY)
    inside.get_by_role("button", name="Show").first.click()
    expect(inside.get_by_text("As of 21 Nov 2026")).to_be_visible()
    expect(page).to_have_url(re.compile(rf"model=dbscan&as_of={YESTERDAY}"))
    page.reload()
    expect(inside.get_by_text("As of 21 Nov 2026")).to_be_visible()
    expect(inside.get_by_label("Model")).to_have_value("dbscan")
    drawn(inside, "sizes", "rejected", "customers")


def test_link_of_a_run_leads_to_its_date_and_model(
    page: Page, airflow: Airflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Airflow's frame shows what the link of the run says, and not what holds now."""
    from segmentation_links import page_address

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", airflow.address)
    page.goto(page_address({"models": ["dbscan"], "as_of": YESTERDAY}))
    inside = page.frame_locator("iframe[title=Segments]")
    expect(inside.get_by_text("As of 21 Nov 2026")).to_be_visible()
    expect(inside.get_by_label("Model")).to_have_value("dbscan")
    drawn(inside, "sizes", "rejected", "customers")


def test_follows_airflows_colours(page: Page) -> None:
    """Airflow's choice of light or dark is the page's, at once; the switch on the page goes before it."""
    page.goto("/plugin/segments")
    root = page.frame_locator("iframe[title=Segments]").locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    page.evaluate("localStorage.setItem('theme', 'dark')")
    expect(root).to_have_attribute("data-theme", "dark")
    inside = page.frame_locator("iframe[title=Segments]")
    inside.get_by_role("radio", name="Light").check()
    expect(root).to_have_attribute("data-theme", "light")
    inside.get_by_role("radio", name="Auto").check()
    expect(root).to_have_attribute("data-theme", "dark")
    drawn(inside, "sizes", "rejected", "customers")


def test_tooltips(page: Page) -> None:
    """Pointing at a customer tells the segment and both values; at a line, the shares of a date."""
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers")
    point = page.locator("[data-figure=customers] .points path").nth(5)
    point.scroll_into_view_if_needed()
    point.hover(force=True)
    hint = page.locator("[data-figure=customers] .hovertext")
    expect(hint).to_contain_text("Annual income")
    expect(hint).to_contain_text(re.compile("Spenders|Loyalists|Buyers"))
    page.locator("[data-figure=sizes] .points path").nth(3).hover(force=True)
    expect(page.locator("[data-figure=sizes] .hoverlayer")).to_contain_text("customers")


def test_draws_other_columns(page: Page) -> None:
    """The scatter plot is drawn by the columns that were chosen, and they stay in the address."""
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers")
    page.get_by_label("Across").select_option("age")
    page.get_by_role("button", name="Draw").click()
    expect(page.locator("[data-figure=customers] .xtitle")).to_have_text("Age")
    expect(page).to_have_url(re.compile("x=age"))


def test_shows_movement(page: Page) -> None:
    """Movement is there at once, with its cause, drawn and as a table; between any two dates when it is asked for."""
    page.goto(f"/segmentation/page?model=kmeans&as_of={TODAY}")
    drawn(page, "sizes", "rejected", "customers", "movement")
    expect(page.locator("[data-note=movement]")).to_contain_text(re.compile(r"^\d+ moved: \d+ changed themselves"))
    expect(page.locator("[data-figure=movement] .sankey-link").nth(5)).to_be_attached()
    page.get_by_label("From").select_option(DAYS[0])
    page.get_by_role("button", name="Show movement").click()
    expect(page.locator("[data-note=movement]")).to_contain_text("came back has not moved")
    page.get_by_text("Movement as a table").click()
    assert page.locator("[data-table=movement] tbody tr").count() > 5


def test_works_by_keyboard(page: Page) -> None:
    """The first Tab offers the way to the segments; a date is chosen and shown without a mouse."""
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the segments")).to_be_focused()
    page.get_by_label("Date").focus()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Date")).to_have_value(YESTERDAY)
    expect(page.get_by_text("As of 22 Nov 2026")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("As of 21 Nov 2026")).to_be_visible()
    drawn(page, "sizes", "rejected", "customers")


@pytest.mark.parametrize("width", [400, 768, 1600])
def test_fits(page: Page, width: int) -> None:
    """Nothing is wider than the window, and no card's text is wider than the card."""
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/segmentation/page?model=dbscan")
    drawn(page, "sizes", "rejected", "customers", "movement")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    too_wide = "cards => cards.filter(card => card.scrollWidth > card.clientWidth).length"
    assert page.locator(".card, .panel, .bar").evaluate_all(too_wide) == 0


def test_rolls_back(page: Page, lived_in: Project) -> None:
    """A former champion is champion again after a question and an answer."""
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers")
    page.get_by_role("button", name="Roll back to version 1").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("from version 2 to version 1")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert champion(lived_in) == 2
    page.get_by_role("button", name="Roll back to version 1").click()
    dialog.get_by_role("button", name="Roll back to version 1").click()
    expect(page.locator("#notice")).to_contain_text("rolled back to version 1")
    expect(page.get_by_text("Version 1 is champion now")).to_be_visible()
    assert champion(lived_in) == 1
    drawn(page, "sizes", "rejected", "customers")
    page.get_by_role("button", name="Roll back to version 2").click()
    dialog.get_by_role("button", name="Roll back to version 2").click()
    expect(page.locator("#notice")).to_contain_text("rolled back to version 2")
    assert champion(lived_in) == 2
    drawn(page, "sizes", "rejected", "customers")


def test_says_what_to_run(page: Page) -> None:
    """A model without a result has a page too, which says how to get one."""
    page.goto("/segmentation/page?model=gmm")
    expect(page.get_by_role("heading", name="Gaussian mixture has not been trained yet")).to_be_visible()
    expect(page.get_by_text("retrain_models")).to_be_visible()


def champion(project: Project) -> int:
    """Return the version of K-Means that is champion."""
    return project.registry.champions(["kmeans"])["kmeans"].version


def test_viewers_only_look(browser: Browser, airflow: Airflow, sessions: dict[str, Any], watch: Watch) -> None:
    """Whoever may not trigger retrain_models sees everything but the buttons."""
    context = browser.new_context(base_url=airflow.address, storage_state=sessions["viewer"])
    page = watch.over(context.new_page())
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers")
    expect(page.get_by_role("heading", name="Version 1")).to_be_visible()
    assert page.get_by_role("button", name=re.compile("Roll back|Promote")).count() == 0
    context.close()


def test_report_opens_from_disk(page: Page, lived_in: Project, tmp_path: Path) -> None:
    """The report shows all of its charts from the one file, and asks nobody."""
    file = tmp_path / "report.html"
    file.write_text(render_report(lived_in.warehouse, lived_in.configuration))
    page.goto(file.as_uri())
    assert page.locator(".drawn svg").count() == 7


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1440])
def test_pictures(page: Page, tmp_path: Path, width: int, colours: Any) -> None:
    """The page can be looked at as a whole, light and dark, narrow and wide."""
    page.emulate_media(color_scheme=colours)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto("/segmentation/page?model=kmeans")
    drawn(page, "sizes", "rejected", "customers", "movement")
    background = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert background == {"light": "rgb(244, 245, 248)", "dark": "rgb(16, 20, 28)"}[colours]
    picture(page, tmp_path, f"segments-{'narrow' if width == 400 else 'wide'}-{colours}")


def test_picture_in_airflow(context: BrowserContext, page: Page, tmp_path: Path) -> None:
    """The page can be looked at within Airflow's navigation."""
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto("/plugin/segments")
    inside = page.frame_locator("iframe[title=Segments]")
    drawn(inside, "sizes", "rejected", "customers")
    picture(page, tmp_path, "segments-in-airflow", whole=False)


def picture(page: Page, folder: Path, name: str, *, whole: bool = True) -> None:
    """Save a picture of the page, among those of the documentation if that was asked for."""
    if whole:  # in a window as high as the page, so that taking the picture moves nothing
        width = page.viewport_size["width"] if page.viewport_size else 1280
        page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
    page.evaluate("scrollTo(0, 0)")
    page.wait_for_timeout(1000)  # diagrams fade in
    target = Path(PICTURES) if PICTURES else folder
    target.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=target / f"{name}.png")
    assert (target / f"{name}.png").stat().st_size > 20_000
