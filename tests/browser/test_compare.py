"""Two versions side by side inside of Airflow: compared, and one of them promoted; narrow and wide, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_page import picture
from tests.browser.test_standalone import nothing_is_cut
from tests.browser.watching import CHROMIUM, Airflow
from tests.projects import Project, train_candidates

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None,
        reason="no chromium in PATH, so two versions were not looked at; on Debian: apt-get install chromium",
    ),
]


@pytest.fixture
def waiting(lived_in: Project) -> Iterator[tuple[int, int]]:
    """Return the number of a candidate that waits and of the champion, who is the champion again afterwards."""
    registry = lived_in.registry
    champion = registry.champions(["kmeans"])["kmeans"].version
    [version] = train_candidates(lived_in, "kmeans")
    yield version["version"], champion
    if registry.champions(["kmeans"])["kmeans"].version != champion:
        registry.roll_back("kmeans", to_version=champion, decided_by="the test")
    lived_in.sql(
        "update segmentation.model_versions set status = 'refused' where status = 'candidate' and model = 'kmeans'"
    )


def test_versions_are_compared_and_one_is_promoted(
    page: Page, airflow: Airflow, waiting: tuple[int, int], lived_in: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link of the approval leads there; any two are compared; the candidate is promoted by the button."""
    from segmentation_links import compare_address

    candidate, champion = waiting
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", airflow.address)
    page.goto(compare_address("kmeans", candidate))
    inside = page.frame_locator("iframe[title=Segments]")
    expect(inside.get_by_role("heading", name=f"version {champion} and {candidate}")).to_be_visible()
    inside.locator("select[name=former]").select_option("1")
    inside.get_by_role("button", name="Compare").click()
    expect(inside.get_by_text("with a confidence of 95 %")).to_be_visible()
    inside.get_by_role("button", name=f"Reject version {candidate}").click()
    inside.get_by_role("button", name=f"Reject version {candidate}").last.click()
    expect(inside.get_by_role("alert")).to_contain_text("Say why")
    inside.get_by_role("button", name="Cancel").click()
    inside.get_by_role("button", name=f"Promote version {candidate}").click()
    inside.get_by_role("button", name=f"Promote version {candidate}").last.click()
    expect(inside.locator("#notice")).to_contain_text(f"promoted to version {candidate}")
    assert inside.get_by_role("button", name=re.compile("^(Promote|Reject)")).count() == 0
    assert lived_in.registry.champions(["kmeans"])["kmeans"].version == candidate


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_looks_right(page: Page, waiting: tuple[int, int], tmp_path: Path, colours: Any) -> None:
    """Narrow and wide; nothing is cut."""
    page.emulate_media(color_scheme=colours, reduced_motion="reduce")
    for width in (400, 1600):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto("/segmentation/compare?model=kmeans")
        nothing_is_cut(page, width)
        picture(page, tmp_path, f"compare-{width}-{colours}")
