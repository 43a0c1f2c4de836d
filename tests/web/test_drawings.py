"""Charts of the report: figures of any size and with any names become SVG that cannot be left."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from clustering.web import charts, flow_chart
from clustering.web.axes import of_dates, of_numbers
from clustering.web.drawings import drawing
from clustering.web.movements import Flow, Movement
from clustering.web.samples import Points
from tests.web.test_flow_chart import moved

MARKS = [(1.0, "10"), (3.0, "100"), (9.0, "1,000"), (50.0, "far away")]
NAMES = ['<b>& "it\'s"</b>', "لاعب", "x" * 200, "@accent"]


@pytest.mark.parametrize("name", NAMES)
def test_names_stay_text(name: str) -> None:
    """Whatever a segment or a column is called, the drawing is whole and says it."""
    drawn = Points(columns=(name, "age"), segments=[1, 0], x=[1.0, 2.0], y=[2.0, 3.0], of=2)
    root = parsed(str(drawing(charts.points(drawn, {1: name}), name)))
    words = " ".join(root.itertext())
    assert name in words
    flows = moved([Flow(1, 2, 5, 5, 0)], names=({1: name, 2: "b"}, {1: name, 2: "b"}))
    assert f"{name}: 5 customers left" in " ".join(parsed(str(drawing(flow_chart.movement(flows), "moved"))).itertext())


@pytest.mark.parametrize("values", [[0.0], [5.0, 5.0], [-3.0, 1e9], [1e-9, 2e-9], [0.0, 0.0]])
def test_values_of_any_size_lie_within(values: list[float]) -> None:
    """One value, equal ones, huge and tiny ones."""
    axis = of_numbers(values)
    assert all(0 <= axis.place(value) <= 1 for value in values)
    assert all(-0.001 <= place <= 1.001 for place, _ in axis.ticks)
    assert axis.ticks


def test_dates_have_few_marks_and_none_twice() -> None:
    """Two days have two marks; a year has about six."""
    assert [words for _, words in of_dates([date(2026, 11, 21), date(2026, 11, 22)]).ticks] == [
        "21 Nov 2026",
        "22 Nov 2026",
    ]
    year = [words for _, words in of_dates([date(2026, 1, 1), date(2026, 12, 31)]).ticks]
    assert len(set(year)) == len(year) <= 6


@pytest.mark.parametrize(
    ("most", "percent"), [(0.03, True), (0.004, True), (101.5, False), (2.5, False), (1e-9, False)]
)
def test_no_two_marks_read_alike(most: float, percent: bool) -> None:
    """Marks have as many decimals as tell them apart: small shares, and values that lie near each other."""
    words = [words for _, words in of_numbers([most * 0.98, most], percent=percent).ticks]
    assert len(set(words)) == len(words) > 1


def test_axis_takes_the_marks_of_its_figure() -> None:
    """What a figure says is marked, and nothing beside the axis."""
    assert [words for _, words in of_numbers([1.0, 9.0], marks=MARKS).ticks] == ["10", "100", "1,000"]


@pytest.mark.parametrize("segments", [1, 5, 40])
def test_nodes_never_overlap(segments: int) -> None:
    """However many segments there are, each node has its place, in order."""
    flows = [Flow(one, one % segments + 1, one, one, 0) for one in range(1, segments + 1)] + [Flow(None, 1, 3, 0, 0)]
    names = {one: f"Segment {one}" for one in range(1, segments + 1)}
    root = parsed(str(drawing(flow_chart.movement(moved(flows, names=(names, names))), "moved")))
    nodes = list(root.iter("rect"))
    left = [(float(one.attrib["y"]), float(one.attrib["height"])) for one in nodes if one.attrib["x"] == "0"]
    assert len(left) == segments + 1
    for (top, size), (below, _) in pairwise(left):
        assert top + size < below


def parsed(text: str) -> ElementTree.Element:
    """Return a drawing as XML."""
    return ElementTree.fromstring(f"<div>{text}</div>")  # noqa: S314 - our own


def test_movement_is_a_value() -> None:
    """Joined and gone are no moves."""
    counted: Movement = moved(
        [Flow(1, 2, 5, 4, 1), Flow(None, 1, 3, 0, 0), Flow(2, None, 2, 0, 0), Flow(1, 1, 9, 0, 0)]
    )
    assert (counted.count(), counted.count(former=False), counted.count(latter=False)) == (5, 3, 2)
    assert (counted.by("by_behaviour"), counted.by("by_model"), counted.by("by_time")) == (4, 1, None)
