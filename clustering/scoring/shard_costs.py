"""What it costs that each shard reads a view or a query for itself, by the planner's estimate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clustering.warehouse import Transaction
from clustering.warehouse.source import Source

READINGS = 2  # of a range: its rows, and its keys that stand twice
HIGH = 5.0  # times the whole; where each shard costs its part alone, it is READINGS


@dataclass(frozen=True)
class ShardCost:
    """The part of reading a source whole that one of its shards costs."""

    name: str
    shards: int
    part: float

    @property
    def times(self) -> float:
        """How often the night reads the whole source, or as much."""
        return READINGS * self.shards * self.part

    @property
    def is_high(self) -> bool:
        """Whether a copy would be worth it."""
        return self.times >= HIGH

    @property
    def told(self) -> str:
        """The cost in a sentence."""
        to_do = "; with materialise: true it is read once" if self.is_high else ""
        return (
            f"each of {self.shards} shards of {self.name} costs {self.part:.0%} of reading it whole, by the planner's "
            f"estimate, once for its rows and once for keys that stand twice: {self.times:.1f} times the whole{to_do}"
        )


def shard_cost(transaction: Transaction, source: Source, bounds: Sequence[str]) -> ShardCost | None:
    """Estimate what a shard in the middle costs, of those between these keys; None for a table, or a copy."""
    if source.kind in ("table", "copy"):
        return None
    middle, edges = len(bounds) // 2, [None, *bounds, None]
    whole = _cost(transaction, source, None, None)
    part = _cost(transaction, source, edges[middle], edges[middle + 1])
    return ShardCost(source.name, len(bounds) + 1, min(part / whole, 1.0) if whole else 1.0)


def _cost(transaction: Transaction, source: Source, lower: str | None, upper: str | None) -> float:
    keys = source.in_range(lower, upper, takes_null=lower is None)
    names = {"columns": source.select_list(), "table": source.table, "range": keys}
    [plan] = transaction.scalar("source/cost", names)
    return float(plan["Plan"]["Total Cost"])
