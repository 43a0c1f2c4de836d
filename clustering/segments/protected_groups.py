"""How the protected groups spread over the clusters, counted batch by batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clustering.segments.profiles import Groups
from clustering.segments.suppression import hidden_cells

MOST_GROUPS = 50  # the others are counted together
MOST_VALUES = 1_000  # a column with more different values has no groups, and is left out
NAME_CHARACTERS = 200  # of a group; longer ones that begin alike are one group, and no index holds thousands
NOT_GIVEN, OTHER = "not given", "other"

GroupCounts = Mapping[str, Counter[tuple[int, str]]]  # customers by column, then by cluster label and group


@dataclass(frozen=True)
class Coded:
    """A column as places (n,) in the list of its different values."""

    values: Sequence[str]
    codes: NDArray[np.int64]

    @classmethod
    def of(cls, column: pa.Array) -> Coded:
        """Take the different values of (n,) texts or numbers; one that is missing counts as a value."""
        encoded = column.dictionary_encode(null_encoding="encode")
        names = encoded.dictionary.cast(pa.string()).to_pylist()
        codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
        return cls([NOT_GIVEN if name is None else name[:NAME_CHARACTERS] for name in names], codes)


@dataclass
class GroupAccumulator:
    """Customers by cluster and group of one version, built up over batches."""

    columns: Sequence[str]
    counts: dict[str, Counter[tuple[int, str]]] = field(init=False)
    values: dict[str, set[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.counts = {name: Counter() for name in self.columns}
        self.values = {name: set() for name in self.columns}

    def add(self, groups: Groups, coded: Mapping[str, Coded]) -> None:
        """Add a batch of customers; a column that turns out to have too many values is given up."""
        for name in list(self.counts):
            column = coded[name]
            self.values[name].update(column.values)
            if len(self.values[name]) > MOST_VALUES:
                del self.counts[name]
                continue
            width = len(column.values)
            found = np.bincount(groups.group * width + column.codes)
            for place in np.flatnonzero(found).tolist():
                cluster, value = divmod(place, width)
                self.counts[name][int(groups.labels[cluster]), column.values[value]] += int(found[place])

    def to_json(self) -> dict[str, list[list[Any]] | None]:
        """Return label, group and customers by column; None for a column with too many values."""
        return {
            name: [[*key, count] for key, count in sorted(self.counts[name].items())] if name in self.counts else None
            for name in self.columns
        }


def merge_groups(parts: Iterable[Mapping[str, Sequence[Sequence[Any]] | None]]) -> GroupCounts:
    """Add up what the shards' accumulators returned as JSON, without the columns that have too many values."""
    merged: dict[str, Counter[tuple[int, str]]] = {}
    dropped: set[str] = set()
    for part in parts:
        dropped.update(name for name, counts in part.items() if counts is None)
        for name, counts in part.items():
            for label, value, count in counts or ():
                merged.setdefault(name, Counter())[label, value] += count
    dropped.update(name for name, counts in merged.items() if len({value for _, value in counts}) > MOST_VALUES)
    return {name: counts for name, counts in merged.items() if name not in dropped}


def group_rows(segment_of: Mapping[int, int], composition: GroupCounts, *, least: int) -> list[dict[str, Any]]:
    """Return one record a segment, column and group; numbers that are about too few customers are None.

    `segment_of` is the segment of each cluster label.
    """
    segments = sorted(set(segment_of.values()))
    records = []
    for column, counts in sorted(composition.items()):
        named = _named(counts)
        names = sorted(set(named.values()))
        table = np.zeros((len(segments), len(names)), dtype=np.int64)
        for (label, value), count in counts.items():
            table[segments.index(segment_of[label]), names.index(named[value])] += count
        hidden, hidden_sums = hidden_cells(table, least=least)
        sums = table.sum(axis=0)
        records += [
            {
                "segment_id": segment,
                "column_name": column,
                "group_name": name,
                "customers": None if hidden[row, place] else int(table[row, place]),
                "group_customers": None if hidden_sums[place] else int(sums[place]),
            }
            for row, segment in enumerate(segments)
            for place, name in enumerate(names)
        ]
    return records


def _named(counts: Counter[tuple[int, str]]) -> dict[str, str]:
    """Return the group of each value: itself for the largest ones, OTHER for the rest."""
    totals: Counter[str] = Counter()
    for (_, value), count in counts.items():
        totals[value] += count
    ranked = sorted(totals, key=lambda value: (-totals[value], value))
    return {value: value if place < MOST_GROUPS else OTHER for place, value in enumerate(ranked)}
