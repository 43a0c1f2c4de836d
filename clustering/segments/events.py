"""What happens to segments: birth, death, split, merge and rename, each told in a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from clustering.segments.identity import PART, Lineage, Overlap

EventKind: TypeAlias = Literal["birth", "death", "split", "merge", "rename", "retired", "returned"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a segment, in a sentence too.

    `segment_id` is the one that was born, died, fell apart, took the others up or was renamed, None where all segments
    of a model were retired or returned; `related_segment_ids`
    are the parts of a split or merge, where a birth's customers come from and where a death's customers go.
    """

    event: EventKind
    segment_id: int | None
    related_segment_ids: tuple[int, ...]
    jaccard: float | None
    description: str


def first_events(names: Mapping[int, str]) -> list[Event]:
    """Return the births of the segments of a version beside which no other is in use."""
    return [
        Event("birth", one, (), None, f"{_called(one, names)} is new: no version was in use before.")
        for one in sorted(set(names) - {0})
    ]


def events_of(
    table: Overlap, lineage: Lineage, *, before: Mapping[int, str], after: Sequence[tuple[int, str]]
) -> list[Event]:
    """Return what happened between a champion and the candidate that was compared with it.

    `before` are the champion's names by segment id, `after` the candidate's id and name by cluster. A birth or death
    that a split or merge explains is no event of its own.
    """
    story = _Story(table, lineage, before, after)
    return [*story.splits(), *story.merges(), *story.births(), *story.deaths(), *renames(before, dict(after))]


def events_between(before: Mapping[int, str], after: Mapping[int, str], *, because: str) -> list[Event]:
    """Return what happened between two versions whose customers were not compared: what begins, ends, is renamed."""
    born = [
        Event("birth", one, (), None, f"{_called(one, after)} is there {because}.")
        for one in sorted(set(after) - set(before) - {0})
    ]
    dead = [
        Event("death", one, (), None, f"{_called(one, before)} is no longer there {because}.")
        for one in sorted(set(before) - set(after) - {0})
    ]
    return [*born, *dead, *renames(before, after)]


def renames(before: Mapping[int, str], after: Mapping[int, str]) -> list[Event]:
    """Return the segments that go by another name."""
    return [
        Event("rename", one, (), None, f"Segment {one}, so far {before[one]}, is now called {after[one]}.")
        for one in sorted((set(before) & set(after)) - {0})
        if before[one] != after[one]
    ]


@dataclass(frozen=True)
class _Story:
    table: Overlap
    lineage: Lineage
    before: Mapping[int, str]
    after: Sequence[tuple[int, str]]

    def splits(self) -> list[Event]:
        return [
            Event(
                "split",
                segment,
                self._ids(parts),
                self._jaccard(self.table.segments.index(segment), slice(None)),
                f"{_called(segment, self.before)} split into {_listed(self._ids(parts), dict(self.after))}.",
            )
            for segment, parts in self.lineage.splits.items()
        ]

    def merges(self) -> list[Event]:
        return [
            Event(
                "merge",
                self.after[cluster][0],
                segments,
                self._jaccard(slice(None), cluster),
                f"S{_listed(segments, self.before)[1:]} merged into {_listed(self._ids([cluster]), dict(self.after))}.",
            )
            for cluster, segments in self.lineage.merges.items()
        ]

    def births(self) -> list[Event]:
        explained = {cluster for parts in self.lineage.splits.values() for cluster in parts} | set(self.lineage.merges)
        found = []
        for cluster, (segment, _) in enumerate(self.after):
            if cluster in self.lineage.survivors or cluster in explained:
                continue
            origins = self._origins(cluster)
            told = f": its customers come from {_listed(origins, self.before)}" if origins else ""
            found.append(
                Event(
                    "birth",
                    segment,
                    origins,
                    self._jaccard(slice(None), cluster),
                    f"{_called(segment, dict(self.after))} is new{told}.",
                )
            )
        return found

    def deaths(self) -> list[Event]:
        survived = set(self.lineage.survivors.values())
        explained = {one for parts in self.lineage.merges.values() for one in parts} | set(self.lineage.splits)
        found = []
        for row, segment in enumerate(self.table.segments):
            if segment in survived or segment in explained:
                continue
            heirs = self._heirs(row)
            told = f"its customers are now in {_listed(heirs, dict(self.after))}" if heirs else "nobody is left in it"
            found.append(
                Event(
                    "death",
                    segment,
                    heirs,
                    self._jaccard(row, slice(None)),
                    f"{_called(segment, self.before)} ended: {told}.",
                )
            )
        return found

    def _origins(self, cluster: int) -> tuple[int, ...]:
        large = self.table.counts[:, cluster] >= max(1.0, PART * self.table.of_clusters[cluster])
        return tuple(self.table.segments[row] for row in np.flatnonzero(large))

    def _heirs(self, row: int) -> tuple[int, ...]:
        large = self.table.counts[row] >= max(1.0, PART * self.table.of_segments[row])
        return self._ids(np.flatnonzero(large))

    def _ids(self, clusters: Iterable[int]) -> tuple[int, ...]:
        return tuple(sorted(self.after[cluster][0] for cluster in clusters))

    def _jaccard(self, row: int | slice, cluster: int | slice) -> float | None:
        values = self.table.jaccard[row, cluster]
        return float(values.max()) if values.size else None


def _called(segment: int, names: Mapping[int, str]) -> str:
    return f"Segment {segment} ({names[segment]})"


def _listed(segments: Sequence[int], names: Mapping[int, str]) -> str:
    told = [f"{one} ({names[one]})" for one in segments]
    text = " and ".join(filter(None, (", ".join(told[:-1]), told[-1])))
    return f"segment{'s' if len(told) > 1 else ''} {text}"
