"""A refused version in the browser, on the standalone server: narrow and wide, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_page import picture
from tests.browser.test_standalone import log_in, nothing_is_cut
from tests.browser.watching import CHROMIUM, Watch
from tests.continuum import load_continuum
from tests.projects import Project, retrain
from tests.web.served import serving

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium in PATH, so a refused version was not looked at; on Debian: apt-get install chromium",
    ),
]


@pytest.fixture
def reader(browser: Browser, untrained: Project, tmp_path: Path) -> Iterator[Page]:
    """Return a watched tab before a warehouse whose first trainings were all refused."""
    load_continuum(untrained, 600)
    assert {one["decision"] for one in retrain(untrained, "gmm", "dbscan")} == {"refused"}
    watching = Watch()
    with serving(untrained, tmp_path / "log") as address:
        context = browser.new_context(base_url=address)
        page = watching.over(context.new_page())
        log_in(page, "/page?model=dbscan")
        yield page
        context.close()
    assert watching.complaints == []
    assert watching.hosts <= {urlsplit(address).netloc, ""}


def test_looks_right_and_says_why(reader: Page, tmp_path: Path) -> None:
    """From the Segments page to picture, reasons and declaration; other columns are drawn; nothing is cut."""
    expect(reader.get_by_role("heading", name="DBSCAN has no version in use")).to_be_visible()
    reader.get_by_role("link", name="What it found, why it was refused, and what would use it").click()
    expect(reader.get_by_role("heading", name="Why it was refused")).to_be_visible()
    expect(reader.locator("pre")).to_contain_text("eps:")
    reader.locator("select[name=y]").select_option("age")
    reader.get_by_role("button", name="Draw").click()
    expect(reader.get_by_role("img", name="Today's customers by Annual income and Age")).to_be_visible()
    reader.get_by_text("All that was tried").click()
    for model in ("dbscan", "gmm"):
        colours: Any
        for colours in ("light", "dark"):
            reader.emulate_media(color_scheme=colours)
            for width in (400, 1600):
                reader.set_viewport_size({"width": width, "height": 900})
                reader.goto(f"/compare?model={model}")
                reader.get_by_text("All that was tried").click()
                nothing_is_cut(reader, width)
                picture(reader, tmp_path, f"refused-{model}-{width}-{colours}")
                reader.set_viewport_size({"width": width, "height": 900})
                reader.goto(f"/page?model={model}")
                nothing_is_cut(reader, width)
