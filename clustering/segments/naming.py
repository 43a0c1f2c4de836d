"""Names for clusters: the catalogue's where one fits, one made from the profile where none does."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from clustering.algorithms.base import FloatMatrix, FloatVector
from clustering.config import NamedSegment, SegmentCatalogue

NOTABLE = 0.5  # standard deviations from the mean of all customers, from which on a value is high or low
EXTREME = 1.5
NAMED_COLUMNS = 3


@dataclass(frozen=True)
class SegmentIdentity:
    """Who a segment is, whatever number its cluster has."""

    segment_id: int
    name: str
    description: str
    recommended_action: str


def name_clusters(
    centres: FloatMatrix, catalogue: SegmentCatalogue, *, columns: Sequence[str], taken: Collection[int]
) -> list[SegmentIdentity]:
    """Return the identity of every cluster.

    `centres` (k, p) are means of the standardised `columns`, which hold those of the catalogue. As many clusters as
    possible are matched to a named segment within the catalogue's distance, and of these matchings the nearest is
    taken. Each of the others gets the next number above the catalogue's and all `taken` ones.
    """
    matches = match_prototypes(centres, catalogue, columns=columns)
    unmatched = [cluster for cluster in range(len(centres)) if cluster not in matches]
    first = max([0, *taken, *(segment.id for segment in catalogue.segments)]) + 1
    ids = dict(zip(unmatched, range(first, first + len(unmatched)), strict=True))
    names = _unique_names(centres[unmatched], columns, used={segment.name for segment in catalogue.segments})
    invented = {
        cluster: _invented(ids[cluster], name, centres[cluster], columns)
        for cluster, name in zip(unmatched, names, strict=True)
    }
    return [
        _from_catalogue(catalogue.segments[matches[cluster]]) if cluster in matches else invented[cluster]
        for cluster in range(len(centres))
    ]


def match_prototypes(centres: FloatMatrix, catalogue: SegmentCatalogue, *, columns: Sequence[str]) -> dict[int, int]:
    """Return the place in the catalogue of every cluster that a named segment fits."""
    if not catalogue.segments or not len(centres):
        return {}
    places = [list(columns).index(column) for column in catalogue.columns]
    prototypes = [[segment.prototype[column] for column in catalogue.columns] for segment in catalogue.segments]
    distances = cdist(centres[:, places], np.array(prototypes))
    allowed = distances <= catalogue.max_distance
    # one forbidden pair costs more than any sum of allowed ones, so as few as possible are taken; they are dropped
    forbidden = catalogue.max_distance * (min(distances.shape) + 1)
    pairs = zip(*linear_sum_assignment(np.where(allowed, distances, forbidden)), strict=True)
    return {int(cluster): int(segment) for cluster, segment in pairs if allowed[cluster, segment]}


def _from_catalogue(segment: NamedSegment) -> SegmentIdentity:
    return SegmentIdentity(segment.id, segment.name, segment.description, segment.recommended_action)


def _invented(segment_id: int, name: str | None, centre: FloatVector, columns: Sequence[str]) -> SegmentIdentity:
    profile = _notable(centre, columns)
    deviations = ", ".join(
        f"{_spoken(column)} {abs(value):.1f} {'above' if value >= 0 else 'below'}"
        for column, value in zip(columns, centre, strict=True)
    )
    return SegmentIdentity(
        segment_id=segment_id,
        name=name or f"{_sentence(profile)} ({segment_id})",
        description=f"{_sentence(profile)}. In standard deviations from the mean of all customers: {deviations}.",
        recommended_action=f"None of the named segments fits: decide on offers for customers with {_listed(profile)}.",
    )


def _unique_names(centres: FloatMatrix, columns: Sequence[str], *, used: Collection[str]) -> list[str | None]:
    """Return for each centre the shortest of its names that no other centre has; None where all are shared."""
    names: list[str | None] = [None] * len(centres)
    for describe in (_notable, _full, _graded):
        described = [_sentence(describe(centre, columns)) for centre in centres]
        for place, name in enumerate(described):
            if names[place] is None and described.count(name) == 1 and name not in used:
                names[place] = name
    return names


def _notable(centre: FloatVector, columns: Sequence[str]) -> list[str]:
    """Return the columns farthest from the mean as words, in their order: 'high annual income', …"""
    farthest = sorted(np.argsort(-np.abs(centre), kind="stable")[:NAMED_COLUMNS])
    places = [place for place in farthest if abs(centre[place]) >= NOTABLE] or farthest
    return [f"{_level(centre[place])} {_spoken(columns[place])}" for place in places]


def _full(centre: FloatVector, columns: Sequence[str]) -> list[str]:
    return [f"{_level(value)} {_spoken(column)}" for column, value in zip(columns, centre, strict=True)]


def _graded(centre: FloatVector, columns: Sequence[str]) -> list[str]:
    return [f"{_grade(value)} {_spoken(column)}" for column, value in zip(columns, centre, strict=True)]


def _level(value: float) -> str:
    return "middling" if abs(value) < NOTABLE else "high" if value > 0 else "low"


def _grade(value: float) -> str:
    return f"very {_level(value)}" if abs(value) >= EXTREME else _level(value)


def _spoken(column: str) -> str:
    return column.replace("_", " ").strip()


def _sentence(parts: Sequence[str]) -> str:
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(parts[:-1]), parts[-1])))
