"""What a promotion would change, in Markdown, for the person who is asked to approve it."""

from __future__ import annotations

from collections.abc import Sequence

from clustering.training.promotion import movement_in_words
from clustering.versions.registry import Registry, Version

SHOWN_MOVES = 5


def preview(registry: Registry, *, held: Sequence[int]) -> str:
    """Return a table of the held candidates, by their ids, and what each would change."""
    candidates = [registry.version(identity) for identity in held]
    champions = registry.champions([candidate.model for candidate in candidates])
    rows = [_row(candidate, champions.get(candidate.model)) for candidate in candidates]
    head = [
        "| model | version | instead of | would move | silhouette | stability | price of stability |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*head, *rows, "", *(line for candidate in candidates for line in _details(candidate))])


def _row(candidate: Version, champion: Version | None) -> str:
    metrics, comparison = candidate.metrics, candidate.metrics.comparison
    silhouette = _number(metrics.silhouette, 4)
    if comparison:
        silhouette += f" (champion {_number(comparison.champion_silhouette, 4)})"
    cells = [
        candidate.model,
        str(candidate.version),
        f"version {champion.version}" if champion else "none",
        f"{comparison.movement:.1%}" if comparison else "unknown",
        silhouette,
        _number(metrics.min_jaccard, 3),
        _number(comparison.price_of_stability if comparison else None, 3),
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None, decimals: int) -> str:
    return "unknown" if value is None else f"{value:.{decimals}f}"


def _details(candidate: Version) -> list[str]:
    comparison = candidate.metrics.comparison
    lines = [f"**{candidate.model} version {candidate.version}: {movement_in_words(comparison)}**", ""]
    if candidate.structure == "none":
        lines.append("- No cluster structure was found: the segments divide a continuum.")
    if candidate.metrics.uncompared:
        lines.append(f"- {candidate.metrics.uncompared}.")
    moves = comparison.moves if comparison else ()
    lines += [f"- {move.share:.1%} from {move.from_name} to {move.to_name}" for move in moves[:SHOWN_MOVES]]
    if len(moves) > SHOWN_MOVES:
        lines.append(f"- {sum(move.share for move in moves[SHOWN_MOVES:]):.1%} between other segments")
    lines += [f"- {event.description}" for event in candidate.metrics.events]
    return [*lines, ""]
