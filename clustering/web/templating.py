"""Values into HTML: the templates of the Segments page and of the report, which escape whatever they are given."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, date
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from clustering.web.assets import style_marks
from clustering.web.charts import place, words
from clustering.web.meanings import MEANINGS
from clustering.web.views import REASONS

TEMPLATES = Path(__file__).parent / "templates"
NO_STRUCTURE = (
    "No cluster structure was found in these customers: they are a continuum. The segments divide it usefully, but the "
    "borders between them are a choice, and customers near a border could as well be on the other side."
)
# Paths in a box from -8 to 8, like the markers of the charts.
SHAPES = (
    "M-5.5-5.5 5.5 5.5M5.5-5.5-5.5 5.5",
    "M0-6.5A6.5 6.5 0 1 1 0 6.5 6.5 6.5 0 1 1 0-6.5Z",
    "M-5.8-5.8H5.8V5.8H-5.8Z",
    "M0-7.5 7.5 0 0 7.5-7.5 0Z",
    "M0-7 7.2 5.6H-7.2Z",
    "M0 7-7.2-5.6H7.2Z",
    "M0-7.6 2-2.4 7.4-2.3 3.1 1.1 4.6 6.3 0 3.2-4.6 6.3-3.1 1.1-7.4-2.3-2-2.4Z",
    "M-3.8-6.6H3.8L7.6 0 3.8 6.6H-3.8L-7.6 0Z",
    "M-2.4-7H2.4V-2.4H7V2.4H2.4V7H-2.4V2.4H-7V-2.4H-2.4Z",
)


@cache
def environment() -> Environment:
    """Return the templates, with the filters that they use."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        clock=lambda moment: f"{moment.astimezone(UTC):%H:%M} UTC",
        count=lambda value: f"{value:,}",
        day=day,
        figure=figure,
        floored=lambda value: f"{math.floor(value * 100) / 100:.2f}",  # never in a better band than it is
        label=words,
        percent=percent,
        points=points,
        sentence=lambda text: text[:1].upper() + text[1:],
        signed_percent=lambda value: f"{value:+.0%}".replace("-", "−"),
    )
    made.globals.update(
        MEANINGS=MEANINGS,
        NO_STRUCTURE=NO_STRUCTURE,
        REASONS=REASONS,
        SHAPES=SHAPES,
        place=place,
        style_marks=style_marks,
    )
    return made


def render(template: str, **values: Any) -> str:
    """Return a template filled with values."""
    return environment().get_template(template).render(**values)


def day(value: date) -> str:
    """Return a date in words.

    >>> day(date(2026, 11, 2))
    '2 Nov 2026'
    """
    return f"{value.day} {value:%b %Y}"


def percent(value: float) -> str:
    """Return a share as a percentage of three figures.

    >>> [percent(0.2345), percent(0.00049), percent(0.0)]
    ['23.4%', '0.05%', '0%']
    """
    if 0 < abs(value) < 0.001:
        return f"{value:.2%}"
    return "0%" if value == 0 else f"{value:.1%}"


def points(value: float) -> str:
    """Return the change of a share in percentage points.

    >>> [points(0.012), points(-0.0301), points(0.0001)]
    ['+1.2', '−3.0', '±0.0']
    """
    rounded = round(100 * value, 1)
    return f"{rounded:+.1f}".replace("-", "−") if rounded else "±0.0"


def figure(value: float, decimals: int | None = None) -> str:
    """Return a number with these decimals, or with as many figures as people want to read.

    >>> [figure(86543.2), figure(49.52), figure(0.01234), figure(3.0)]
    ['86,543', '49.5', '0.0123', '3']
    """
    if decimals is not None:
        return f"{value:,.{decimals}f}".replace("-", "−")
    size = abs(value)
    if size >= 1000 or value == int(value):
        return f"{value:,.0f}".replace("-", "−")
    return (f"{value:,.1f}" if size >= 10 else f"{value:.3g}").replace("-", "−")


def embedded(values: Mapping[str, Any]) -> Markup:
    """Return values as JSON that can stand inside of a script element: nothing in it can end the element."""
    text = json.dumps(values, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - what could be taken for HTML has just been replaced
