"""What plotly.js is given to draw."""

from __future__ import annotations

import pytest

from clustering.web.charts import points
from clustering.web.samples import Points


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('the "best"', 'the "best"'),
        ("@accent", "&#64;accent"),
        ("a & <b>", "a &amp; &lt;b&gt;"),
        ("it's", "it's"),
    ],
)
def test_names_are_shown_as_they_are_written(name: str, shown: str) -> None:
    """Quotes stay, which plotly.js would show as entities; a name is no colour of the page, and no HTML."""
    drawn = Points(columns=("age", "annual_income"), segments=[1], x=[1.0], y=[2.0], of=1)
    assert points(drawn, {1: name})["data"][0]["name"] == shown
