"""The figures of a version, and their JSON in the column `metrics`: nothing else reads or writes its keys.

A figure that was not measured is None, and has no key. What another release has written, or an algorithm that has more
to say, is kept as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from clustering.segments.events import Event
from clustering.segments.identity import SegmentChange
from clustering.versions.documents import known_fields


@dataclass(frozen=True)
class FitFigures:
    """The figures of a fit that are columns of `model_selection`."""

    clusters: float | None = None
    """Number of clusters, without noise."""
    smallest_share: float | None = None
    """Share of the customers in the smallest cluster, 0 to 1."""
    noise_share: float | None = None
    """Share of the customers in no cluster, 0 to 1."""
    silhouette: float | None = None
    """Mean silhouette, -1 to 1; noise counts as 0."""
    prediction_strength: float | None = None
    """Prediction strength of the weakest cluster, 0 to 1."""
    min_jaccard: float | None = None
    """Smallest mean bootstrap Jaccard of any cluster, 0 to 1."""
    gap: float | None = None
    """Gap statistic of the clusters less that of one cluster, a difference of logarithms."""
    gap_error: float | None = None
    """Its standard error, 0 or more."""
    bic: float | None = None
    """Bayesian information criterion, of any sign; smaller is better."""


@dataclass(frozen=True)
class NamedChange(SegmentChange):
    """Customers who would change segment, with what the champion and the candidate call the two."""

    from_name: str
    to_name: str


@dataclass(frozen=True)
class Comparison:
    """A candidate beside the champion, on the same customers."""

    champion_silhouette: float
    """Mean silhouette of the champion's labels on the candidate's features, -1 to 1."""
    movement: float
    """Share of the customers who would change segment although they did not change, 0 to 1."""
    moves: tuple[NamedChange, ...]
    """From where to where, the most first."""
    price_of_stability: float | None
    """The champion's cost over that of a refit, 0 or more, 1 where nothing is lost; None where it is unknown."""


@dataclass(frozen=True)
class Metrics(FitFigures):
    """The figures of a version: of its fit, and beside the champion of its time."""

    prediction_strength_error: float | None = None
    """Standard error of the prediction strength, 0 or more."""
    mean_jaccard: float | None = None
    """Mean bootstrap Jaccard of a customer's cluster, 0 to 1, where customers may belong to none."""
    verdict: str | None = None
    """What the criteria found, in a sentence."""
    refusal: str | None = None
    """Why the version must not be used; None where it may."""
    declaration: str | None = None
    """What a model's file declares that uses these clusters although they were refused, as keys and values of YAML;
    None where nothing was refused, or no declaration helps."""
    champion_version_id: int | None = None
    """The id of the version that was champion; None for a model's first version."""
    comparison: Comparison | None = None
    """None where there was no champion, or it could not label the customers."""
    uncompared: str | None = None
    """Why the champion was not asked although it should have been: a person decides then; None where it was."""
    doubt: str | None = None
    """Why the customers of the training may be the wrong ones: a person decides then; None where nothing says so."""
    events: tuple[Event, ...] = ()
    """What happens to the segments when the version becomes champion."""
    others: Mapping[str, object] = field(default_factory=dict)
    """What this release has no name for: figures of one algorithm, or of another release."""

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Read the column `metrics`, whatever is missing there or is more than this release knows."""
        return cls(
            comparison=_comparison(document),
            events=tuple(_event(event) for event in document.get("events", ())),
            others={name: value for name, value in document.items() if name not in _KEYS},
            **{name: document.get(name) for name in _SINGLE},
        )

    def to_document(self) -> dict[str, Any]:
        """Return the figures as JSON-able values, for the column `metrics`."""
        single = {name: getattr(self, name) for name in _SINGLE}
        return {
            **{name: value for name, value in single.items() if value is not None},
            **self.others,
            **(asdict(self.comparison) if self.comparison else {}),
            "events": [asdict(event) for event in self.events],
        }

    @property
    def numbers(self) -> dict[str, float]:
        """Those that are plain numbers, by name."""
        return {name: value for name, value in self.to_document().items() if isinstance(value, int | float)}


_SINGLE = tuple(one.name for one in fields(Metrics) if one.name not in ("comparison", "events", "others"))
_KEYS = {*_SINGLE, *(one.name for one in fields(Comparison)), "events"}


def _comparison(document: Mapping[str, Any]) -> Comparison | None:
    if document.get("champion_silhouette") is None or document.get("movement") is None:
        return None
    return Comparison(
        champion_silhouette=document["champion_silhouette"],
        movement=document["movement"],
        moves=tuple(NamedChange(**known_fields(NamedChange, move)) for move in document.get("moves", ())),
        price_of_stability=document.get("price_of_stability"),
    )


def _event(document: Mapping[str, Any]) -> Event:
    related = tuple(document["related_segment_ids"])
    return Event(**known_fields(Event, document) | {"related_segment_ids": related})
