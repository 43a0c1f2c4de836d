"""Who moved between two dates, as a matrix of segments, split into what customers, the model and the source did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

Flows: TypeAlias = Mapping[tuple[int | None, int | None], int]  # customers by former and latter segment


@dataclass(frozen=True)
class Move:
    """Customers who went from one segment to another; None is no label.

    `by_model` counts those whom the former version, asked about the present data, would have left where they were; it
    is None where that version was not asked. `by_time` counts those whom it would have moved as it does had only time
    passed; None where that was not asked.
    """

    from_segment: int | None
    to_segment: int | None
    customers: int
    by_model: int | None = 0
    by_time: int | None = None


@dataclass(frozen=True)
class Moves:
    """All moves between two dates, and whether it is known whom the passing of time alone moved: 0 where nobody did."""

    moves: Sequence[Move]
    is_timed: bool = False


def add_up(moves: Iterable[Move]) -> list[Move]:
    """Add up moves between the same segments, such as those of several shards; one unknown part leaves it unknown.

    >>> [(move.customers, move.by_model) for move in add_up([Move(1, 2, 3, 1), Move(1, 2, 2, 0), Move(2, 1, 1, None)])]
    [(5, 1), (1, None)]
    """
    parts: dict[tuple[int | None, int | None], list[Move]] = {}
    for move in moves:
        parts.setdefault((move.from_segment, move.to_segment), []).append(move)
    return [
        Move(
            *between,
            sum(move.customers for move in some),
            _sum_known([move.by_model for move in some]),
            _sum_known([move.by_time for move in some]),
        )
        for between, some in parts.items()
    ]


def movement(found: Moves, sizes: Mapping[int, int], former_sizes: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return one record a pair of segments that customers moved between, and one a segment for those who stayed.

    `sizes` and `former_sizes` are the customers of each segment after and before the moves, so that the records to and
    from a segment add up to its size. Who has a label on one of the dates alone is there or not by the source, and
    so is who has been forgotten since; those who stayed count for nothing.
    """
    by_pair = {(move.from_segment, move.to_segment): move for move in found.moves}
    moved = {between: move.customers for between, move in by_pair.items()}
    stayed = {
        segment: size - sum(count for (_, latter), count in moved.items() if latter == segment)
        for segment, size in sorted(sizes.items())
    }
    flows = balanced({**moved, **{(one, one): count for one, count in stayed.items()}}, former_sizes, sizes)
    return [
        _record(by_pair.get((former, latter), Move(former, latter, 0)), customers, is_timed=found.is_timed)
        for (former, latter), customers in flows.items()
        if customers > 0
    ]


def balanced(flows: Flows, former_sizes: Mapping[int, int], sizes: Mapping[int, int]) -> Flows:
    """Return customers by their segments on two dates so that they add up to the sizes that were published.

    Where customers have been forgotten since, the others do not add up: on each of the two dates they are counted as
    customers whom the other date does not know.

    >>> balanced({(1, 1): 7, (1, 2): 2}, {1: 10}, {1: 7, 2: 3})
    {(1, 1): 7, (1, 2): 2, (1, None): 1, (None, 2): 1}
    """
    found = dict(flows)
    for one, size in former_sizes.items():
        excess = sum(count for (former, _), count in found.items() if former == one) - size
        if excess > 0:  # those who stayed were taken for what is left of the size
            found[one, one] = found.get((one, one), 0) - excess
        elif excess < 0:
            found[one, None] = found.get((one, None), 0) - excess
    for one, size in sizes.items():
        missing = size - sum(count for (_, latter), count in found.items() if latter == one)
        if missing > 0:
            found[None, one] = found.get((None, one), 0) + missing
    return found


def _sum_known(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _record(move: Move, customers: int, *, is_timed: bool) -> dict[str, Any]:
    former, latter, by_model = move.from_segment, move.to_segment, move.by_model
    by_source = customers if former is None or latter is None else 0
    is_inner = not by_source and former != latter
    if not is_inner:
        by_model = 0
    by_time = move.by_time if is_inner else 0
    if not is_timed or by_model is None:
        by_time = None
    moved = 0 if former == latter else customers
    by_behaviour = None if by_model is None else moved - by_model - by_source - (by_time or 0)
    return {
        "from_segment_id": former,
        "to_segment_id": latter,
        "customers": customers,
        "by_behaviour": by_behaviour,
        "by_model": by_model,
        "by_source": by_source,
        "by_time": by_time,
    }
