"""How many customers a version would move, in words."""

from __future__ import annotations

from clustering.versions.metrics import Comparison


def movement_in_words(comparison: Comparison | None) -> str:
    """Return how many customers would move, and from where to where most of them."""
    if comparison is None:
        return "nothing to compare it with"
    if not comparison.moves:
        return "no customer would move"
    most = comparison.moves[0]
    return f"{comparison.movement:.1%} of customers would move, most from {most.from_name} to {most.to_name}"
