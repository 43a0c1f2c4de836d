"""Names for clusters: the catalogue's where one fits, one made from the profile where none does."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from clustering.algorithms.base import FloatMatrix, FloatVector
from clustering.config import NamedSegment, SegmentCatalogue
from clustering.segments.identity import number
from clustering.segments.prevailing_levels import LEVEL_OF, PREVAILS, spoken

NOTABLE = 0.5  # standard deviations from the mean of all customers, from which on a value is high or low
EXTREME = 1.5
NAMED_COLUMNS = 3
NOBODY: Mapping[int, SegmentIdentity] = MappingProxyType({})
NO_LEVELS: Mapping[str, FloatVector] = MappingProxyType({})


@dataclass(frozen=True)
class SegmentIdentity:
    """Who a segment is, whatever number its cluster has.

    `named_at` is the centre, by column and by level, where a name that is not the catalogue's was made; None for the
    others.
    """

    segment_id: int
    name: str
    description: str
    recommended_action: str
    named_at: Mapping[str, float] | None = None


def name_clusters(
    centres: FloatMatrix,
    catalogue: SegmentCatalogue,
    *,
    columns: Sequence[str],
    taken: Collection[int],
    survivors: Mapping[int, SegmentIdentity] = NOBODY,
    reserved: Collection[str] = (),
    typical: Sequence[str] = (),
    levels: Mapping[str, FloatVector] = NO_LEVELS,
) -> list[SegmentIdentity]:
    """Return the identity of every cluster.

    `centres` (k, p) are means of the standardised `columns`, which hold those of the catalogue. `survivors` are the
    clusters that carry a segment on: they keep its number, and its name unless another fits better by the catalogue's
    margin. Of the others as many as possible are matched to a named segment that is left, within the catalogue's
    distance, and of these matchings the nearest is taken. New numbers lie above the catalogue's and all `taken` ones.
    Nobody new gets a `reserved` name. `typical` (k) says of each cluster in the columns' own units what its customers
    are like, for the description of one that no named segment fits; nobody has declared what to do for these. `levels`
    are shares (k,) of customers, see `prevailing_levels`: what prevails tells clusters apart that have like numbers.
    """
    fits = _sticky_fits(centres, catalogue, columns=columns, survivors=survivors, reserved=reserved)
    fits |= _new_fits(centres, catalogue, columns=columns, survivors=survivors, fits=fits, reserved=reserved)
    ids = number(
        len(centres),
        survivors={cluster: former.segment_id for cluster, former in survivors.items()},
        fits={cluster: catalogue.segments[place].id for cluster, place in fits.items() if cluster not in survivors},
        used=taken,
        named=[segment.id for segment in catalogue.segments],
    )
    named = {cluster: _from_catalogue(ids[cluster], catalogue.segments[place]) for cluster, place in fits.items()}
    named |= {
        cluster: former
        for cluster, former in survivors.items()
        if cluster not in fits
        and _still_says(former, _place(cluster, centres, columns, levels), catalogue, columns=columns)
    }
    used = {segment.name for segment in catalogue.segments} | {one.name for one in named.values()} | set(reserved)
    invented = [cluster for cluster in range(len(centres)) if cluster not in named]
    shares = {level: share[invented] for level, share in levels.items()}
    names = _unique_names(centres[invented], columns, shares, used=used)
    for cluster, name in zip(invented, names, strict=True):
        place, said = _place(cluster, centres, columns, levels), typical[cluster] if typical else ""
        named[cluster] = _invented(ids[cluster], name, place, columns, said)
    return [named[cluster] for cluster in range(len(centres))]


def _sticky_fits(
    centres: FloatMatrix,
    catalogue: SegmentCatalogue,
    *,
    columns: Sequence[str],
    survivors: Mapping[int, SegmentIdentity],
    reserved: Collection[str],
) -> dict[int, int]:
    """Return the place in the catalogue of every survivor that has, or now gets, a named segment's name.

    The cheapest assignment of names, where a name costs its distance, one made from the profile costs as much as the
    farthest that is allowed, and the present name is cheaper by the margin.
    """
    from scipy.optimize import linear_sum_assignment  # as below: only training pays for the imports

    clusters = sorted(survivors)
    if not clusters or not catalogue.segments:
        return {}
    forbidden = 1e6 * catalogue.max_distance
    distances = _distances(centres[clusters], catalogue, columns)
    costs = np.where(distances <= catalogue.max_distance, distances, forbidden)
    costs[:, [segment.name in reserved for segment in catalogue.segments]] = forbidden
    own = np.where(np.eye(len(clusters), dtype=np.bool_), catalogue.max_distance, forbidden)
    names = [segment.name for segment in catalogue.segments]
    for row, cluster in enumerate(clusters):
        if (name := survivors[cluster].name) in names:
            costs[row, names.index(name)] = distances[row, names.index(name)] - catalogue.name_margin
        elif survivors[cluster].named_at is not None:
            own[row, row] -= catalogue.name_margin
    rows, places = linear_sum_assignment(np.hstack([costs, own]))
    return {clusters[row]: int(place) for row, place in zip(rows, places, strict=True) if place < len(names)}


def _new_fits(
    centres: FloatMatrix,
    catalogue: SegmentCatalogue,
    *,
    columns: Sequence[str],
    survivors: Mapping[int, SegmentIdentity],
    fits: Mapping[int, int],
    reserved: Collection[str],
) -> dict[int, int]:
    """Return the place in the catalogue of every new cluster that one of the names that are left fits."""
    new = [cluster for cluster in range(len(centres)) if cluster not in survivors]
    left = [
        place
        for place, segment in enumerate(catalogue.segments)
        if place not in fits.values() and segment.name not in reserved
    ]
    rest = catalogue.model_copy(update={"segments": tuple(catalogue.segments[place] for place in left)})
    matches = match_prototypes(centres[new], rest, columns=columns)
    return {new[cluster]: left[place] for cluster, place in matches.items()}


def _place(
    cluster: int, centres: FloatMatrix, columns: Sequence[str], levels: Mapping[str, FloatVector]
) -> dict[str, float]:
    return {
        **dict(zip(columns, centres[cluster].tolist(), strict=True)),
        **{level: float(share[cluster]) for level, share in levels.items()},
    }


def _still_says(
    former: SegmentIdentity, place: Mapping[str, float], catalogue: SegmentCatalogue, *, columns: Sequence[str]
) -> bool:
    """Return whether a name made from a profile still holds: the segment has moved no more than the margin since."""
    if former.named_at is None or former.name in {segment.name for segment in catalogue.segments}:
        return False
    if {name for name in former.named_at if LEVEL_OF not in name} != set(columns):
        return False
    moved = [value - former.named_at[name] for name, value in place.items() if name in former.named_at]
    return float(np.linalg.norm(moved)) <= catalogue.name_margin


def match_prototypes(centres: FloatMatrix, catalogue: SegmentCatalogue, *, columns: Sequence[str]) -> dict[int, int]:
    """Return the place in the catalogue of every cluster that a named segment fits."""
    from scipy.optimize import linear_sum_assignment

    if not catalogue.segments or not len(centres):
        return {}
    distances = _distances(centres, catalogue, columns)
    allowed = distances <= catalogue.max_distance
    # one forbidden pair costs more than any sum of allowed ones, so as few as possible are taken; they are dropped
    forbidden = catalogue.max_distance * (min(distances.shape) + 1)
    pairs = zip(*linear_sum_assignment(np.where(allowed, distances, forbidden)), strict=True)
    return {int(cluster): int(segment) for cluster, segment in pairs if allowed[cluster, segment]}


def _distances(centres: FloatMatrix, catalogue: SegmentCatalogue, columns: Sequence[str]) -> FloatMatrix:
    from scipy.spatial.distance import cdist

    places = [list(columns).index(column) for column in catalogue.columns]
    prototypes = [[segment.prototype[column] for column in catalogue.columns] for segment in catalogue.segments]
    distances: FloatMatrix = cdist(centres[:, places], np.array(prototypes))
    return distances


def _from_catalogue(segment_id: int, segment: NamedSegment) -> SegmentIdentity:
    return SegmentIdentity(segment_id, segment.name, segment.description, segment.recommended_action)


def _invented(
    segment_id: int, name: str | None, place: Mapping[str, float], columns: Sequence[str], typical: str
) -> SegmentIdentity:
    profile = _notable(np.array([place[column] for column in columns]), columns)
    return SegmentIdentity(
        segment_id=segment_id,
        name=name or f"{_sentence(profile)} ({segment_id})",
        description=" ".join(filter(None, (f"{_sentence(profile)}.", typical))),
        recommended_action="",
        named_at=place,
    )


def _unique_names(
    centres: FloatMatrix, columns: Sequence[str], levels: Mapping[str, FloatVector], *, used: Collection[str]
) -> list[str | None]:
    """Return for each centre the shortest of its names that no other centre has; None where all are shared."""
    names: list[str | None] = [None] * len(centres)
    prevailing = [
        [spoken(level) for level, share in levels.items() if share[place] >= PREVAILS][:NAMED_COLUMNS]
        for place in range(len(centres))
    ]
    for describe, more in ((_notable, False), (_notable, True), (_full, False), (_full, True), (_graded, True)):
        described = [
            _sentence([*describe(centre, columns), *(prevailing[place] if more else ())])
            for place, centre in enumerate(centres)
        ]
        for place, name in enumerate(described):
            if names[place] is None and described.count(name) == 1 and name not in used:
                names[place] = name
    return names


def _notable(centre: FloatVector, columns: Sequence[str]) -> list[str]:
    """Return the columns farthest from the mean as words, in their order, such as 'high annual income'."""
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
