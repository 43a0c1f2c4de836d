"""The charts of the Segments page and the report, as figures for plotly.js.

Colours are names such as `@segment-1`: the page has one for light and one for dark. A text that comes from data is
escaped, because plotly.js takes some HTML in texts for formatting.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias

from clustering.config import Column
from clustering.web.chart_axes import date_axis, placed, share_format, value_axis
from clustering.web.night_rows import SegmentSize
from clustering.web.samples import Points
from clustering.web.views import Night

Figure: TypeAlias = dict[str, Any]

COLOURS = 8  # apart from that of outliers
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "triangle-down", "star", "hexagon", "cross")
OUTLIER_SYMBOL = "x-thin-open"
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
ELSEWHERE = "@muted"
NO_COLUMNS: Mapping[str, Column] = MappingProxyType({})
POINT = {"size": 7, "opacity": 0.75}


def place(segment_id: int) -> int:
    """Return the number of a segment's colour and symbol: 0 for outliers, otherwise 1 to COLOURS."""
    return 0 if segment_id == 0 else (segment_id - 1) % COLOURS + 1


def colour(segment_id: int | None) -> str:
    """Return the name of a segment's colour."""
    return ELSEWHERE if segment_id is None else f"@segment-{place(segment_id)}"


def _symbol(segment_id: int) -> str:
    return SYMBOLS[place(segment_id) - 1] if segment_id else OUTLIER_SYMBOL


def _dash(segment_id: int) -> str:
    return DASHES[place(segment_id) - 1] if segment_id else "dot"


def words(name: str) -> str:
    """Return the name of a column or a reason as people write it.

    >>> words("annual_income")
    'Annual income'
    """
    spaced = name.replace("_", " ").strip()
    return spaced[:1].upper() + spaced[1:]


def _label(name: str) -> str:
    return text_of(words(name))


def text_of(text: str) -> str:
    """Return a text as plotly.js shows it; that knows few entities by name, and our page takes `@` for a colour."""
    return html.escape(text, quote=False).replace("@", "&#64;")


def sizes(night: Night) -> Figure:
    """Return the share of every segment over time, as lines."""
    lines: dict[int, list[SegmentSize]] = {}
    for row in night.sizes:
        lines.setdefault(row.segment_id, []).append(row)
    dates = {row.as_of for row in night.sizes}
    return {
        "data": [_line(segment_id, rows, alone=len(dates) == 1) for segment_id, rows in lines.items()],
        "layout": {
            "xaxis": date_axis(sorted(dates)),
            "yaxis": {
                "tickformat": share_format([row.share for row in night.sizes]),
                "rangemode": "tozero",
                "title": {"text": "Share of customers"},
            },
            "hovermode": "x unified",
            "shapes": [_mark(night)] if len(dates) > 1 else [],
        },
    }


def _line(segment_id: int, rows: Sequence[SegmentSize], *, alone: bool) -> Figure:
    return {
        "type": "scatter",
        "mode": "markers" if alone else "lines+markers",
        "name": text_of(rows[-1].segment_name),
        "x": [row.as_of.isoformat() for row in rows],
        "y": [row.share for row in rows],
        "customdata": [row.customers for row in rows],
        "hovertemplate": "%{y:.1%}, %{customdata:,} customers",
        "line": {"color": colour(segment_id), "width": 2.5, "dash": _dash(segment_id)},
        "marker": {"color": colour(segment_id), "symbol": _symbol(segment_id), "size": 9 if alone else 7},
    }


def _mark(night: Night) -> Figure:
    day = night.run.as_of.isoformat()
    line = {"color": "@muted", "width": 1, "dash": "dot"}
    return {"type": "line", "x0": day, "x1": day, "yref": "paper", "y0": 0, "y1": 1, "line": line, "layer": "below"}


def points(drawn: Points, names: Mapping[int, str], columns: Mapping[str, Column] = NO_COLUMNS) -> Figure:
    """Return sampled customers by two of the contract's columns, in the colours of their segments."""
    places: dict[int, list[int]] = {}
    for number, segment_id in enumerate(drawn.segments):
        places.setdefault(segment_id, []).append(number)
    x, y = map(_label, drawn.columns)
    of_x, of_y = (columns.get(name) for name in drawn.columns)
    return {
        "data": [
            {
                "type": "scatter",
                "mode": "markers",
                "name": text_of(names.get(segment_id, f"Segment {segment_id}")),
                "x": placed(of_x, [drawn.x[number] for number in places[segment_id]]),
                "y": placed(of_y, [drawn.y[number] for number in places[segment_id]]),
                "text": [
                    f"{x}: {_said(of_x, drawn.x[number])}<br>{y}: {_said(of_y, drawn.y[number])}"
                    for number in places[segment_id]
                ],
                "hovertemplate": "<b>%{meta}</b><br>%{text}<extra></extra>",
                "marker": {**POINT, "color": colour(segment_id), "symbol": _symbol(segment_id)},
            }
            for segment_id in _ordered(places)
        ],
        "layout": {
            "xaxis": value_axis(_with_unit(x, of_x), of_x, drawn.x),
            "yaxis": value_axis(_with_unit(y, of_y), of_y, drawn.y),
            "hovermode": "closest",
        },
    }


def _with_unit(title: str, column: Column | None) -> str:
    return f"{title}, {text_of(column.unit)}" if column and column.unit else title


def _said(column: Column | None, value: float) -> str:
    return text_of(column.in_words(value)) if column else f"{value:,}"


def rejected(night: Night) -> Figure:
    """Return the rejected rows by reason, as bars."""
    rows = list(reversed(night.rejected))
    room = 1.15 * max((row.customers for row in rows), default=1)  # for the number beyond the longest bar
    return {
        "data": [
            {
                "type": "bar",
                "orientation": "h",
                "x": [row.customers for row in rows],
                "y": [_label(row.reason) for row in rows],
                "text": [f"{row.customers:,}" for row in rows],
                "textposition": "outside",
                "textangle": 0,
                "cliponaxis": False,
                "hovertemplate": "%{y}: %{x:,} rows<extra></extra>",
                "marker": {"color": "@accent"},
            }
        ],
        "layout": {
            "xaxis": {"title": {"text": "Rows"}, "range": [0, room], "tickformat": ",d"},
            "yaxis": {"automargin": True, "ticks": "", "showgrid": False},
            "bargap": 0.35,
            "showlegend": False,
        },
    }


def _ordered(segments: Iterable[int | None]) -> list[Any]:
    """Return segment ids in order, outliers after the others and None last."""
    return sorted(segments, key=lambda one: (one is None, one == 0, one or 0))
