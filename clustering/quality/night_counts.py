"""What a night's source looked like, added up over its shards, without any customer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from clustering.quality.sketches import NO_COUNTS, ColumnCounts
from clustering.segments.protected_groups import MOST_VALUES


@dataclass(frozen=True)
class NightCounts:
    """Rows, rejected rows by column and reason, distributions of the numeric columns, sizes of the protected groups.

    `totals` are the exact sums of the columns over all labelled customers, as text, to tell whether anything has
    changed; `changed_at` is the latest change that the source tells of, None where it tells of none. `filled` are the
    labelled customers without a value, by each column in which something stands for it.
    """

    rows_read: int
    rows_labelled: int
    rejections: Mapping[str, int]
    columns: Mapping[str, ColumnCounts]
    groups: Mapping[str, Mapping[str, int]]
    totals: Mapping[str, str]
    changed_at: datetime | None
    filled: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows_rejected(self) -> int:
        """Rows that could not be labelled."""
        return self.rows_read - self.rows_labelled

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-able values."""
        return {
            "rows_read": self.rows_read,
            "rows_labelled": self.rows_labelled,
            "rejections": dict(self.rejections),
            "columns": {name: counts.to_json() for name, counts in self.columns.items()},
            "groups": {name: dict(groups) for name, groups in self.groups.items()},
            "totals": dict(self.totals),
            "changed_at": self.changed_at.isoformat() if self.changed_at else None,
            **({"filled": dict(self.filled)} if self.filled else {}),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the counts that `to_json` described."""
        changed_at = value["changed_at"]
        return cls(
            rows_read=value["rows_read"],
            rows_labelled=value["rows_labelled"],
            rejections=value["rejections"],
            columns={name: ColumnCounts.from_json(counts) for name, counts in value["columns"].items()},
            groups=value["groups"],
            totals=value["totals"],
            changed_at=datetime.fromisoformat(changed_at) if changed_at else None,
            filled=value.get("filled", {}),
        )


def merge_columns(parts: Iterable[Mapping[str, ColumnCounts]]) -> dict[str, ColumnCounts]:
    """Add up the counts of shards; the order does not matter."""
    merged: dict[str, ColumnCounts] = {}
    for part in parts:
        for name, counts in part.items():
            merged[name] = merged.get(name, NO_COUNTS) + counts
    return merged


def group_sizes(compositions: Iterable[Mapping[str, Sequence[Sequence[Any]] | None]]) -> dict[str, dict[str, int]]:
    """Return customers by column and group, of what shards counted by column, cluster and group.

    A column of which a shard has given up counting, or that has too many groups in all, is left out.
    """
    found: dict[str, Counter[str]] = {}
    given_up: set[str] = set()
    for composition in compositions:
        given_up.update(name for name, counts in composition.items() if counts is None)
        for name, counts in composition.items():
            for _, group, customers in counts or ():
                found.setdefault(name, Counter())[group] += customers
    given_up.update(name for name, sizes in found.items() if len(sizes) > MOST_VALUES)
    return {name: dict(sorted(sizes.items())) for name, sizes in found.items() if name not in given_up}
