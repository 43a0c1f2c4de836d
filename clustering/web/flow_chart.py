"""The diagram of movement: who went from which segment to which; those who stayed are a number and no ink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clustering.web.charts import ELSEWHERE, Figure, colour, text_of
from clustering.web.movements import Flow, Movement

JOINED, GONE = "Joined", "Gone"
HEIGHT, ROW = 430, 26  # pixels: of the diagram at least, and of a node with the room around it
PAD = 16  # pixels between two nodes
STUB = 0.004  # of all movers: the thickness of a segment that nobody left or reached, so that nodes are always the same


def movement(counted: Movement) -> Figure:
    """Return the movers between two dates as a Sankey diagram, segments in the order of the cards on both sides."""
    movers = [flow for flow in counted.flows if flow.former != flow.latter]
    left: list[int | None] = [*counted.segments, *([None] if any(flow.former is None for flow in movers) else [])]
    right: list[int | None] = [*counted.segments, *([None] if any(flow.latter is None for flow in movers) else [])]
    height = max(HEIGHT, ROW * max(len(left), len(right)))
    stubs = _stubs(counted.segments, movers, right_from=len(left))
    stub = STUB * sum(flow.customers for flow in movers)
    weights = [*(float(flow.customers) for flow in movers), *(stub for _ in stubs)]
    ends = [*((left.index(flow.former), len(left) + right.index(flow.latter)) for flow in movers), *stubs]
    titles = [*(_title(one, counted.names[0], JOINED) for one in left)]
    titles += [_title(one, counted.names[1], GONE) for one in right]
    places = [*_places(len(left), weights, [one for one, _ in ends], height=height)]
    places += _places(len(right), weights, [other - len(left) for _, other in ends], height=height)
    nodes = {
        "label": titles,
        "color": [colour(one) for one in [*left, *right]],
        "customdata": [
            *(_told(sum(flow.customers for flow in movers if flow.former == one), one, "left") for one in left),
            *(_told(sum(flow.customers for flow in movers if flow.latter == one), one, "arrived") for one in right),
        ],
        "pad": PAD,
        "thickness": 14,
        "line": {"width": 0},
        "hovertemplate": "<b>%{label}</b><br>%{customdata}<extra></extra>",
        "x": [*(0.001 for _ in left), *(0.999 for _ in right)],
        "y": places,
    }
    diagram = {
        "type": "sankey",
        "arrangement": "fixed",
        "valueformat": ",d",
        "node": nodes,
        "link": {
            "source": [one for one, _ in ends],
            "target": [other for _, other in ends],
            "value": weights,
            "color": [*(f"{colour(flow.former)}/0.6" for flow in movers), *(f"{ELSEWHERE}/0" for _ in stubs)],
            "customdata": [*(_cause(flow) for flow in movers), *("nobody moved" for _ in stubs)],
            "hovertemplate": "%{source.label} → %{target.label}<br>%{customdata}<extra></extra>",
        },
    }
    return {"data": [diagram], "layout": {"height": height}}


def _stubs(segments: Sequence[int], movers: Sequence[Flow], *, right_from: int) -> list[tuple[int, int]]:
    """Return links that hold the places of segments that nobody left or reached."""
    left, reached = {flow.former for flow in movers}, {flow.latter for flow in movers}
    return [
        (place, right_from + place)
        for place, segment in enumerate(segments)
        if segment not in left or segment not in reached
    ]


def _places(nodes: int, weights: Sequence[float], ends: Sequence[int], *, height: int) -> list[float]:
    """Return the middle of each node from the top, 0 to 1, in order and with gaps between them."""
    sizes = [sum(weight for weight, end in zip(weights, ends, strict=True) if end == node) for node in range(nodes)]
    total, gap = sum(sizes) or 1.0, PAD / height
    scale = (1 - gap * (nodes - 1)) / total
    places, top = [], 0.0
    for size in sizes:
        places.append(min(0.999, max(0.001, top + size * scale / 2)))
        top += size * scale + gap
    return places


def _title(segment_id: int | None, names: Mapping[int, str], elsewhere: str) -> str:
    return elsewhere if segment_id is None else text_of(names.get(segment_id, f"Segment {segment_id}"))


def _told(customers: int, segment_id: int | None, verb: str) -> str:
    if segment_id is None:
        return f"{customers:,} customers without a segment on the other date"
    return f"{customers:,} customers {verb}" if customers else f"nobody {verb}"


def _cause(flow: Flow) -> str:
    told = f"<b>{flow.customers:,}</b> customers"
    if not flow.moved or flow.by_behaviour is None or flow.by_model is None:
        return told
    passed = "" if flow.by_time is None else f" {flow.by_time:,} because time has passed,"
    return f"{told}: {flow.by_behaviour:,} changed themselves,{passed} {flow.by_model:,} by the version"
