"""Who moved between two dates, as a matrix of segments, split into what customers did and what the model did."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Move:
    """Customers who went from one segment to another; None is no label: they joined, or left.

    `by_model` counts those whom the former version, asked about the present data, would have left where they were; it
    is None where that version was not asked.
    """

    from_segment: int | None
    to_segment: int | None
    customers: int
    by_model: int | None = 0


def add_up(moves: Iterable[Move]) -> list[Move]:
    """Add up moves between the same segments, such as those of several shards; one unknown part leaves it unknown.

    >>> [(move.customers, move.by_model) for move in add_up([Move(1, 2, 3, 1), Move(1, 2, 2, 0), Move(2, 1, 1, None)])]
    [(5, 1), (1, None)]
    """
    parts: dict[tuple[int | None, int | None], list[Move]] = {}
    for move in moves:
        parts.setdefault((move.from_segment, move.to_segment), []).append(move)
    return [
        Move(*between, sum(move.customers for move in some), _sum_known([move.by_model for move in some]))
        for between, some in parts.items()
    ]


def movement(moves: Iterable[Move], sizes: Mapping[int, int]) -> list[dict[str, Any]]:
    """Return one record a pair of segments that customers moved between, and one a segment for those who stayed.

    `sizes` are the customers of each segment after the moves, so that the records to a segment add up to its size.
    Who joined or left did so by behaviour; those who stayed count for neither.
    """
    records = []
    stayed = dict(sizes)
    for move in moves:
        crossed = move.from_segment is not None and move.to_segment is not None
        by_model = move.by_model if crossed else 0
        if move.to_segment is not None:
            stayed[move.to_segment] = stayed.get(move.to_segment, 0) - move.customers
        by_behaviour = None if by_model is None else move.customers - by_model
        records.append(_record(move.from_segment, move.to_segment, move.customers, by_behaviour, by_model))
    return records + [_record(segment, segment, count, 0, 0) for segment, count in sorted(stayed.items()) if count > 0]


def _sum_known(counts: list[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if len(known) == len(counts) else None


def _record(
    former: int | None, latter: int | None, customers: int, by_behaviour: int | None, by_model: int | None
) -> dict[str, Any]:
    return {
        "from_segment_id": former,
        "to_segment_id": latter,
        "customers": customers,
        "by_behaviour": by_behaviour,
        "by_model": by_model,
    }
