"""The diagram of movement has the same nodes in the same order whoever moved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime

from clustering.web import flow_chart
from clustering.web.movements import Flow, Movement
from clustering.web.night_rows import NightRun

NAMES = {1: "One", 2: "Two", 3: "Three", 0: "Outliers"}


def moved(flows: Sequence[Flow], names: tuple[dict[int, str], dict[int, str]] = (NAMES, NAMES)) -> Movement:
    """Return the movement between two dates."""
    nights = [
        NightRun(date(2026, 11, day), day, 1, day, datetime.now(UTC), 1, "structured", [], 10, 10, 0, None)
        for day in (21, 22)
    ]
    return Movement(nights[0], nights[1], flows, names, True)


def test_order_is_that_of_the_cards_and_outliers_are_last() -> None:
    """Segments that nobody left or reached keep their place."""
    [diagram] = flow_chart.movement(moved([Flow(1, 2, 5, 5, 0), Flow(1, 1, 90, 0, 0)]))["data"]
    assert diagram["node"]["label"] == ["One", "Two", "Three", "Outliers"] * 2
    assert diagram["node"]["y"][:4] == sorted(diagram["node"]["y"][:4])
    told = dict(zip(diagram["node"]["label"][:4], diagram["node"]["customdata"][:4], strict=True))
    assert told == {"One": "5 customers left", "Two": "nobody left", "Three": "nobody left", "Outliers": "nobody left"}
    drawn = [
        value
        for value, colour in zip(diagram["link"]["value"], diagram["link"]["color"], strict=True)
        if "/0.6" in colour
    ]
    assert drawn == [5.0]


def test_causes_of_a_flow_name_time_where_it_is_told_apart() -> None:
    """Null is not 0: nothing is said of it."""
    [diagram] = flow_chart.movement(moved([Flow(1, 2, 5, 2, 1, 2), Flow(2, 1, 3, 3, 0)]))["data"]
    assert diagram["link"]["customdata"][:2] == [
        "<b>5</b> customers: 2 changed themselves, 2 because time has passed, 1 by the version",
        "<b>3</b> customers: 3 changed themselves, 0 by the version",
    ]


def test_joined_and_gone_have_nodes_of_their_own() -> None:
    """They are there only where somebody joined or is gone."""
    [diagram] = flow_chart.movement(moved([Flow(None, 1, 3, 0, 0), Flow(2, None, 2, 0, 0)]))["data"]
    assert diagram["node"]["label"] == [
        "One",
        "Two",
        "Three",
        "Outliers",
        "Joined",
        "One",
        "Two",
        "Three",
        "Outliers",
        "Gone",
    ]
    assert diagram["node"]["color"][4] == diagram["node"]["color"][9] == "@muted"


def test_segment_without_a_name_on_either_date_is_drawn_by_its_number() -> None:
    """A flow of the history may lead from a segment that the tables by date no longer have."""
    [diagram] = flow_chart.movement(moved([Flow(4, 1, 3, 3, 0)]))["data"]
    assert diagram["node"]["label"] == ["One", "Two", "Three", "Segment 4", "Outliers"] * 2
    assert (diagram["link"]["source"][0], diagram["link"]["target"][0]) == (3, 5)
