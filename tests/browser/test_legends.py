"""Legends of many and long names, drawn by the page's own script in a browser of two widths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from playwright.sync_api import Browser

from clustering.web.assets import assets
from clustering.web.charts import points
from clustering.web.samples import Points
from tests.browser.watching import CHROMIUM

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

NAME = 'Customers {} who buy "garden furniture" & <b>tools</b> \u05d0\u05d1\u05d2 in spring and autumn'
PLACES = """() => {
  const of = (one) => one.getBoundingClientRect();
  const [panel, chart] = [".plot", ".cartesianlayer"].map((name) => of(document.querySelector(name)));
  const names = [...document.querySelectorAll(".legendtext")];
  return {
    panel: [panel.left, panel.right, panel.bottom],
    chart: [chart.height, chart.bottom],
    names: names.map((one) => [of(one).left, of(one).right, of(one).top, of(one).bottom]),
    words: names.map((one) => one.textContent),
  };
}"""


@pytest.mark.parametrize("width", [400, 1600])
@pytest.mark.parametrize("segments", [3, 40])
def test_names_stay_in_their_panel_below_the_chart(browser: Browser, width: int, segments: int) -> None:
    """Every name is there, within the panel and below the chart, which keeps its height; nothing is complained of."""
    every = list(range(1, segments + 1))
    customers = Points(columns=("age", "income"), segments=every, x=every, y=every, of=segments)
    figure = points(customers, {one: NAME.format(one) for one in every})
    page, complaints = browser.new_page(viewport={"width": width, "height": 900}), list[str]()
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.set_content(f"<style>{assets()['page.css'].text}</style><body><div class=plot></div></body>")
    for script in ("plotly.min.js", "charts.js"):
        page.add_script_tag(content=assets()[script].text)
    page.evaluate(f"SegmentCharts.draw(document.querySelector('.plot'), {json.dumps(figure)})")
    page.wait_for_selector(".plot[data-drawn]")
    found: dict[str, Any] = page.evaluate(PLACES)
    page.close()
    left, right, bottom = found["panel"]
    assert complaints == []
    assert found["chart"][0] > 150
    assert len(found["names"]) == segments
    for place in found["names"]:
        assert left <= place[0] < place[1] <= right
        assert found["chart"][1] <= place[2] < place[3] <= bottom + 1
    assert all(words.startswith("Customers ") and len(words) <= 36 for words in found["words"])
