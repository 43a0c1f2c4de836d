"""Axes of the charts."""

from __future__ import annotations

import math
from datetime import date

import pytest

from clustering.config import Column
from clustering.web.chart_axes import date_axis
from clustering.web.charts import points
from clustering.web.drawings import drawing
from clustering.web.samples import Points

SPENT = Column(type="number", role="cluster", range=(0, None), transform="log", unit="£ & <more>", decimals=2)


@pytest.mark.parametrize("days", [1, 2, 6])
def test_no_day_is_said_twice_for_few_dates(days: int) -> None:
    """Over less than a week each date has its own mark; over more, plotly.js marks days."""
    dates = [date(2026, 1, day) for day in range(1, days + 1)]
    assert date_axis(dates)["tickvals"] == [day.isoformat() for day in dates]
    assert "tickvals" not in date_axis([*dates, date(2026, 1, 31)])
    assert "tickvals" not in date_axis([])


def test_logarithmic_column_is_drawn_so_and_says_its_values() -> None:
    """A column that models see by its logarithm has such an axis, 0 included; tooltips say values with their unit."""
    drawn = Points(columns=("spent", "age"), segments=[1, 1], x=[0.0, 90_000.0], y=[30.0, 40.0], of=2)
    figure = points(drawn, {1: "All"}, {"spent": SPENT})
    axis = figure["layout"]["xaxis"]
    assert axis["title"]["text"] == "Spent, £ &amp; &lt;more&gt; (logarithmic)"
    assert axis["ticktext"] == ["0", "1", "10", "100", "1,000", "10,000"]
    assert axis["tickvals"][3] == pytest.approx(math.log(101))
    assert figure["data"][0]["x"] == [0.0, pytest.approx(math.log(90_001))]
    assert figure["data"][0]["text"][1] == "Spent: 90,000.00 £ &amp; &lt;more&gt;<br>Age: 40.0"
    drawn_so = drawing(figure, "Customers")
    assert ">Spent, £ &amp; &lt;more&gt; (logarithmic)<" in drawn_so
    assert ">10,000<" in drawn_so
    assert figure["layout"]["yaxis"] == {"title": {"text": "Age"}}


def test_axis_of_a_column_without_values_is_drawn() -> None:
    """No customer has a value, or all have the same one."""
    nobody = Points(columns=("spent", "age"), segments=[], x=[], y=[], of=0)
    assert points(nobody, {}, {"spent": SPENT})["layout"]["xaxis"]["ticktext"] == ["0", "1"]
