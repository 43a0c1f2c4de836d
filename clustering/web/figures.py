"""Figures with what is to be known about them, for the Segments page and the report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from clustering.config import Configuration
from clustering.warehouse import Warehouse
from clustering.web import charts, flow_chart
from clustering.web.movements import Movement, read_movement
from clustering.web.samples import read_points
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
    return {"figure": charts.points(drawn, names, configuration.contract.columns), "x": x, "y": y, "note": note}


def movement_figure(warehouse: Warehouse, model: str, former: date, latter: date) -> dict[str, Any]:
    """Return the chart of who moved between two dates, the same as rows, and what to know about it."""
    counted = read_movement(warehouse, model=model, former=former, latter=latter)
    flows = sorted(counted.flows, key=lambda flow: (flow.former == flow.latter, -flow.customers))
    rows = [
        {
            "from": flow_chart.JOINED if flow.former is None else counted.names[0].get(flow.former, str(flow.former)),
            "to": flow_chart.GONE if flow.latter is None else counted.names[1].get(flow.latter, str(flow.latter)),
            "customers": flow.customers,
            "themselves": flow.by_behaviour,
            "time": flow.by_time,
            "version": flow.by_model,
            "moved": flow.former != flow.latter,
        }
        for flow in flows
    ]
    has_moved = any(row["moved"] for row in rows)
    figure = flow_chart.movement(counted) if has_moved else None
    return {"figure": figure, "rows": rows, "note": movement_note(counted)}


def movement_note(counted: Movement) -> str:
    """Say in a sentence how many moved and why, and in others how many came and went."""
    moved = counted.count()
    stayed = sum(flow.customers for flow in counted.flows if flow.former == flow.latter)
    whole = f"of {moved + stayed:,} who are labelled on both dates"
    parts = [f"{moved:,} moved{_causes(counted)}, {whole}." if moved else f"Nobody moved, {whole}."]
    joined, gone = counted.count(former=False), counted.count(latter=False)
    if joined or gone:
        parts.append(f"{joined:,} joined and {gone:,} are gone: new in the source, missing from it, or rejected.")
    if not counted.is_step:
        parts.append(
            f"Between {day(counted.former.as_of)} and {day(counted.latter.as_of)} lie other dates: who moved away and "
            "came back has not moved, and causes are known from date to date alone."
        )
        if counted.former.version != counted.latter.version:
            parts.append(
                f"Version {counted.former.version} labelled the first date, version {counted.latter.version} the "
                "second: part of this is the change of model."
            )
    return " ".join(parts)


def _causes(counted: Movement) -> str:
    themselves, version = counted.by("by_behaviour"), counted.by("by_model")
    if themselves is None or version is None:
        return "" if not counted.is_step else " (how many because of the version is not known)"
    parts = [f"{themselves:,} changed themselves"]
    if version or counted.former.version != counted.latter.version:
        parts.append(f"{version:,} because of version {counted.latter.version}")
    if (passed := counted.by("by_time")) is not None:
        parts.append(f"{passed:,} because time has passed")
    return f": {', '.join(parts)}"


def segment_names(warehouse: Warehouse, model: str, as_of: date) -> dict[int, str]:
    """Return what the segments of a model were called on a date."""
    with warehouse.transaction(read_only=True) as transaction:
        rows = transaction.rows("movement/names", model=model, as_of=as_of)
    return {row.segment_id: row.segment_name for row in rows}
