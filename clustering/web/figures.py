"""Figures with what is to be known about them, for the Segments page and the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from clustering.config import Configuration
from clustering.errors import RunError
from clustering.warehouse import Warehouse
from clustering.web import charts
from clustering.web.samples import Movement, read_movement, read_points
from clustering.web.templating import day
from clustering.web.views import Overview


def night_figures(overview: Overview) -> dict[str, Any]:
    """Return the charts of a night by name; none while nothing was published."""
    if overview.night is None:
        return {}
    return {"sizes": charts.sizes(overview.night), "rejected": charts.rejected(overview.night)}


def customer_figure(
    warehouse: Warehouse, configuration: Configuration, model: str, as_of: date, asked: Sequence[str | None]
) -> dict[str, Any]:
    """Return the chart of sampled customers with the columns that it is drawn by."""
    drawn = read_points(warehouse, configuration, model=model, as_of=as_of, asked=asked)
    names = segment_names(warehouse, model, as_of)
    note = (
        f"{len(drawn.x):,} of {drawn.of:,} customers, chosen by a hash of their keys: always the same ones. Values are "
        "those in the source today."
    )
    x, y = drawn.columns
    return {"figure": charts.points(drawn, names), "x": x, "y": y, "note": note}


def movement_figure(warehouse: Warehouse, model: str, former: date, latter: date) -> dict[str, Any]:
    """Return the chart of who moved between two dates, the same as rows, and what to know about it."""
    if former >= latter:
        raise RunError(f"{former} is not before {latter}; choose two dates in their order")
    counted = read_movement(warehouse, model=model, former=former, latter=latter)
    names = segment_names(warehouse, model, former), segment_names(warehouse, model, latter)
    rows = [
        {
            "from": charts.NEW if one is None else names[0].get(one, str(one)),
            "to": charts.GONE if other is None else names[1].get(other, str(other)),
            "customers": customers,
            "moved": one != other,
        }
        for one, other, customers in counted.flows
    ]
    return {"figure": charts.movement(counted, names), "rows": rows, "note": _movement_note(counted)}


def _movement_note(counted: Movement) -> str:
    both = sum(customers for one, other, customers in counted.flows if one is not None and other is not None)
    moved = sum(
        customers for one, other, customers in counted.flows if one is not None and other is not None and one != other
    )
    share = f" ({moved / both:.1%})" if both else ""
    parts = [
        f"{moved:,} of {both:,} customers{share} are in another segment on {day(counted.latter.as_of)} than on "
        f"{day(counted.former.as_of)}."
    ]
    if by_source := sum(customers for one, other, customers in counted.flows if one is None or other is None):
        parts.append(
            f"{by_source:,} are labelled on one of the dates alone: new in the source, missing from it, or rejected."
        )
    if counted.former.version != counted.latter.version:
        parts.append(
            f"Version {counted.former.version} labelled the first date, version {counted.latter.version} the second: "
            "part of this is the change of model."
        )
    if counted.every > 1:
        parts.append(f"Estimated from one customer in {counted.every}.")
    return " ".join(parts)


def segment_names(warehouse: Warehouse, model: str, as_of: date) -> dict[int, str]:
    """Return what the segments of a model were called on a date."""
    with warehouse.transaction(read_only=True) as transaction:
        rows = transaction.rows("page/segments", model=model, as_of=as_of, former=None)
    return {row.segment_id: row.segment_name for row in rows}
