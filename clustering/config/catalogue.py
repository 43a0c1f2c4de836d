"""`segments.yaml`: the named segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self

from pydantic import Field, model_validator

from clustering.config.frozen import Frozen, Identifier


class NamedSegment(Frozen):
    """A segment of the product's vocabulary and where it lies."""

    id: int = Field(ge=1)
    """Its segment_id."""
    name: str = Field(min_length=1)
    """What people call it."""
    description: str
    """What its customers are like."""
    recommended_action: str = ""
    """What to do for them; left out, nothing is recommended."""
    prototype: Mapping[Identifier, float] = Field(min_length=1)
    """Where it lies: a value a column, in standard deviations from the mean of all customers, after the transform."""


class Outliers(Frozen):
    """How segment 0, the noise of a density model, is called."""

    name: str = "Outliers"
    """What people call them."""
    description: str = "Customers unlike any group."
    """What they are like."""
    recommended_action: str = "Look at them one by one."
    """What to do for them."""


class SegmentCatalogue(Frozen):
    """The named segments, matched to clusters within `max_distance` (standard deviations).

    A segment changes its name only for one that fits it better by `name_margin`.
    """

    max_distance: float = Field(default=1.2, gt=0)
    """How far a cluster may lie from a prototype and still get its name, in standard deviations."""
    name_margin: float = Field(default=0.3, ge=0)
    """By how much another name must fit better before a segment changes its own."""
    segments: tuple[NamedSegment, ...]
    """The named segments; an empty list names every cluster after its profile."""
    outliers: Outliers = Outliers()
    """How segment 0 is called."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for what, values in (
            ("id", [segment.id for segment in self.segments]),
            ("name", [segment.name for segment in self.segments]),
        ):
            if len(set(values)) != len(values):
                raise ValueError(f"segments: every {what} stands once, found {values}")
        if len({frozenset(segment.prototype) for segment in self.segments}) > 1:
            raise ValueError("segments: every prototype names the same columns")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the columns that the prototypes are given in."""
        return tuple(self.segments[0].prototype) if self.segments else ()
