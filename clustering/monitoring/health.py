"""How far the segments of a model can be relied on, for the page, the report, the API and the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from clustering.monitoring.health_aspects import (
    Aspect,
    Night,
    SegmentTrust,
    Unpublished,
    complete,
    drifted,
    fresh,
    nothing_published,
    trusted,
)
from clustering.warehouse import Transaction

NIGHTS = 100  # that are looked back at, to say since when something has been so


@dataclass(frozen=True)
class ModelHealth:
    """What is to be known of a model's segments on a date before they are used; `as_of` is None without any night.

    `aspects` are fresh, complete, drifted and trusted, in that order. `segments` are those of the date, outliers last.
    """

    model: str
    as_of: date | None
    aspects: Sequence[Aspect]
    segments: Sequence[SegmentTrust]

    @property
    def by_segment(self) -> Mapping[int, SegmentTrust]:
        """The segments by their ids."""
        return {one.segment_id: one for one in self.segments}

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return {
            "model": self.model,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "aspects": [
                {
                    "name": one.name,
                    "state": one.state,
                    "verdict": one.verdict,
                    "reason": one.reason,
                    "since": one.since.isoformat() if one.since else None,
                }
                for one in self.aspects
            ],
            "segments": [
                {
                    "segment_id": one.segment_id,
                    "segment_name": one.segment_name,
                    "trust": one.trust,
                    "own_reasons": one.own_reasons,
                    "night_reasons": one.night_reasons,
                }
                for one in self.segments
            ],
        }


def read_health(transaction: Transaction, model: str, as_of: date | None = None) -> ModelHealth:
    """Return how far a model's segments can be relied on, on a published date, by default its latest.

    Of a date that was not published, it is that of the latest one before.
    """
    nights = transaction.typed_rows(Night.of_columns, "health/nights", model=model, as_of=as_of, at_most=NIGHTS)
    retired = transaction.row("health/retirement", model=model)
    asked = {"as_of": nights[0].as_of, "run_id": nights[0].run_id} if nights else {"as_of": None, "run_id": 0}
    later = transaction.typed_row(Unpublished, "health/unpublished", model=model, **asked)
    if not nights:
        return ModelHealth(model, None, nothing_published(later), [])
    latest = transaction.scalar("health/latest", model=model)
    rows = transaction.typed_rows(SegmentTrust, "health/segments", model=model, dates=[night.as_of for night in nights])
    by_date: dict[date, list[SegmentTrust]] = {night.as_of: [] for night in nights}
    for row in rows:
        by_date[row.as_of].append(row)
    aspects = [
        fresh(nights[0], latest=latest, later=later, retired=(retired.retired_on, retired.reason) if retired else None),
        complete(nights),
        drifted(nights),
        trusted(nights, [by_date[night.as_of] for night in nights]),
    ]
    return ModelHealth(model, nights[0].as_of, aspects, by_date[nights[0].as_of])
