"""The charts of the report as SVG, from the same figures that plotly.js draws on the page.

They need no script, take the colours of light and dark by themselves, and are printed as they are shown.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from markupsafe import Markup

from clustering.web.axes import Axis, of_dates, of_numbers
from clustering.web.charts import Figure
from clustering.web.templating import render

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 12, 46  # the room around what is drawn
BAR = 34
NODE = 14  # pixels: how wide a node is
MARGIN = 8  # pixels above and below the nodes, for the names of thin ones
LETTER = 7.0  # pixels: how wide a letter is, about


def drawing(figure: Figure, description: str) -> Markup:
    """Return a figure as SVG with a legend; `description` is what it shows, in words."""
    kind = figure["data"][0]["type"] if figure["data"] else "none"
    draw = {"scatter": _scatter, "bar": _bars, "sankey": _flows}[kind] if figure["data"] else _nothing
    height, parts = draw(figure)
    named = [] if kind in ("sankey", "bar") else [_entry(trace) for trace in figure["data"]]
    text = render(
        "drawing.html", description=description, width=WIDTH, height=height, parts=Markup("").join(parts), named=named
    )
    return Markup(text)  # noqa: S704 - of our own template


def _nothing(_: Figure) -> tuple[int, list[Markup]]:
    return HEIGHT, []


def _entry(trace: Figure) -> tuple[int, str]:
    return _segment(trace["marker"]["color"]), _named(trace["name"])


def _scatter(figure: Figure) -> tuple[int, list[Markup]]:
    traces, layout = figure["data"], figure["layout"]
    x, y = _axes(traces, layout)
    parts = [*_grid(x, y), *_titles(layout)]
    for trace in traces:
        across = [_across(x.place(_number(value))) for value in trace["x"]]
        up = [_up(y.place(float(value))) for value in trace["y"]]
        parts.append(Markup('<g class="segment-{}">').format(_segment(trace["marker"]["color"])))
        if "lines" in trace["mode"]:
            parts.append(_line(across, up, trace["line"]["dash"]))
        parts += _marks(trace, across, up)
        parts.append(Markup("</g>"))
    return HEIGHT, parts


def _axes(traces: Sequence[Figure], layout: Figure) -> tuple[Axis, Axis]:
    xs = [value for trace in traces for value in trace["x"]]
    ys = [float(value) for trace in traces for value in trace["y"]]
    if layout["xaxis"].get("type") == "date":
        return of_dates([date.fromisoformat(value) for value in xs]), of_numbers(ys, from_zero=True, percent=True)
    return of_numbers([float(value) for value in xs], marks=_given(layout["xaxis"])), of_numbers(
        ys, marks=_given(layout["yaxis"])
    )


def _given(axis: Figure) -> list[tuple[float, str]] | None:
    """Return the marks that a figure gives to an axis, such as a logarithmic one; None where it gives none."""
    return list(zip(axis["tickvals"], axis["ticktext"], strict=True)) if "ticktext" in axis else None


def _grid(x: Axis, y: Axis) -> Iterable[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for place, words in y.ticks:
        at = _up(place)
        yield Markup('<path class="grid" d="M{} {}H{}"/>').format(LEFT, at, right)
        yield Markup('<text class="end" x="{}" y="{}">{}</text>').format(LEFT - 8, at + 4, words)
    for place, words in x.ticks:
        yield Markup('<text class="middle" x="{}" y="{}">{}</text>').format(_across(place), bottom + 18, words)
    yield Markup('<path class="axis" d="M{} {}V{}H{}"/>').format(LEFT, TOP, bottom, right)


def _titles(layout: Figure) -> Iterable[Markup]:
    if x := layout["xaxis"].get("title", {}).get("text"):
        yield Markup('<text class="middle" x="{}" y="{}">{}</text>').format(WIDTH / 2, HEIGHT - 6, _named(x))
    if y := layout["yaxis"].get("title", {}).get("text"):
        middle = HEIGHT / 2
        turned = Markup('<text class="middle" x="12" y="{}" transform="rotate(-90 12 {})">{}</text>')
        yield turned.format(middle, middle, _named(y))


def _line(across: Sequence[float], up: Sequence[float], dash: str) -> Markup:
    steps = " ".join(f"{x:g} {y:g}" for x, y in zip(across, up, strict=True))
    return Markup('<path class="line {}" d="M{}"/>').format(dash, steps)


def _marks(trace: Figure, across: Sequence[float], up: Sequence[float]) -> Iterable[Markup]:
    shape = _segment(trace["marker"]["color"])
    told = trace.get("customdata")
    for number, (x, y) in enumerate(zip(across, up, strict=True)):
        if told is None:
            yield Markup('<use href="#shape-{}" x="{:g}" y="{:g}"/>').format(shape, x, y)
            continue
        words = f"{trace['x'][number]}: {trace['y'][number]:.1%}, {told[number]:,} customers"
        yield Markup('<use href="#shape-{}" x="{:g}" y="{:g}"><title>{}</title></use>').format(shape, x, y, words)


def _bars(figure: Figure) -> tuple[int, list[Markup]]:
    [trace] = figure["data"]
    most = max(trace["x"], default=0) or 1
    left, parts = 160, list[Markup]()
    for place, (value, name, text) in enumerate(
        reversed(list(zip(trace["x"], trace["y"], trace["text"], strict=True)))
    ):
        top, length = TOP + place * BAR, (WIDTH - left - 90) * value / most
        parts += [
            Markup('<text class="end" x="{}" y="{}">{}</text>').format(left - 8, top + 17, _named(name)),
            Markup('<rect class="bar" x="{}" y="{}" width="{:.1f}" height="22" rx="3"/>').format(left, top, length),
            Markup('<text x="{:.1f}" y="{}">{}</text>').format(left + length + 7, top + 17, text),
        ]
    return TOP + BAR * len(trace["x"]) + 6, parts


def _flows(figure: Figure) -> tuple[int, list[Markup]]:
    """Draw the nodes at the places that the figure gives them, and between them bands as thick as their numbers."""
    [trace] = figure["data"]
    nodes, links, height = trace["node"], trace["link"], figure["layout"]["height"]
    sums = [0.0] * len(nodes["label"])
    for one, other, value in zip(links["source"], links["target"], links["value"], strict=True):
        sums[one] += value
        sums[other] += value
    scale = _scale(sums, nodes["x"], height, nodes["pad"])
    tops = [MARGIN + place * height - size * scale / 2 for place, size in zip(nodes["y"], sums, strict=True)]
    parts, reached = list[Markup](), list(tops)
    for place in sorted(range(len(sums)), key=lambda one: nodes["y"][one]):
        for number, source in enumerate(links["source"]):
            if source != place:
                continue
            target, thick = links["target"][number], links["value"][number] * scale
            parts.append(_band(links, number, reached[source], reached[target], thick))
            reached[source] += thick
            reached[target] += thick
    for number, (top, size) in enumerate(zip(tops, sums, strict=True)):
        parts += _node(nodes, number, top, size * scale)
    return height + 2 * MARGIN, parts


def _scale(sums: Sequence[float], sides: Sequence[float], height: float, pad: float) -> float:
    """Return the pixels of one customer: so many that the fuller side fits with the room between its nodes."""
    found = []
    for left in (True, False):
        own = [size for size, side in zip(sums, sides, strict=True) if (side < 0.5) == left]
        found.append((height - pad * (len(own) - 1)) / (sum(own) or 1.0))
    return min(found)


def _band(links: Figure, number: int, one: float, other: float, thick: float) -> Markup:
    colour, _, opacity = links["color"][number].partition("/")
    if opacity == "0":
        return Markup("")
    left, right, middle = NODE, WIDTH - NODE, WIDTH / 2
    path = (
        f"M{left} {one:.1f}C{middle} {one:.1f} {middle} {other:.1f} {right} {other:.1f}V{other + thick:.1f}"
        f"C{middle} {other + thick:.1f} {middle} {one + thick:.1f} {left} {one + thick:.1f}Z"
    )
    return Markup('<path class="band {}" d="{}"><title>{}</title></path>').format(
        _class(colour), path, _named(links["customdata"][number].replace("<b>", "").replace("</b>", ""))
    )


def _node(nodes: Figure, number: int, top: float, size: float) -> Iterable[Markup]:
    is_left = nodes["x"][number] < 0.5
    yield Markup('<rect class="node {}" x="{}" y="{:.1f}" width="{}" height="{:.1f}"/>').format(
        _class(nodes["color"][number]), 0 if is_left else WIDTH - NODE, top, NODE, max(size, 1.0)
    )
    full = _named(nodes["label"][number])
    most = int((WIDTH / 2 - 40) / LETTER)
    name = full if len(full) <= most else f"{full[: most - 1]}…"
    at, anchor = (NODE + 7, "") if is_left else (WIDTH - NODE - 7, "end")
    yield Markup('<text class="{}" x="{}" y="{:.1f}">{}<title>{}: {}</title></text>').format(
        anchor, at, top + size / 2 + 4, name, full, nodes["customdata"][number]
    )


def _segment(colour: str) -> int:
    """Return the place of a segment's colour and shape by the colour's name."""
    return int(colour.removeprefix("@segment-"))


def _class(colour: str) -> str:
    return colour.removeprefix("@").partition("/")[0]


def _named(text: str) -> str:
    """Return a text of a figure, which is escaped already, as it was written."""
    return html.unescape(text)


def _number(value: Any) -> float:
    return float(date.fromisoformat(value).toordinal()) if isinstance(value, str) else float(value)


def _across(place: float) -> float:
    return round(LEFT + place * (WIDTH - LEFT - RIGHT), 1)


def _up(place: float) -> float:
    return round(HEIGHT - BOTTOM - place * (HEIGHT - TOP - BOTTOM), 1)
