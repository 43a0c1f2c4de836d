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
    metrics = candidate.metrics
    silhouette = f"{metrics['silhouette']:.4f}"
    if "champion_silhouette" in metrics:
        silhouette += f" (champion {metrics['champion_silhouette']:.4f})"
    cells = [
        candidate.model,
        str(candidate.version),
        f"version {champion.version}" if champion else "none",
        f"{metrics['movement']:.1%}" if "movement" in metrics else "unknown",
        silhouette,
        _number(metrics.get("min_jaccard")),
        _number(metrics.get("price_of_stability")),
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _details(candidate: Version) -> list[str]:
    metrics = candidate.metrics
    lines = [f"**{candidate.model} version {candidate.version}: {movement_in_words(candidate)}**", ""]
    if candidate.structure == "none":
        lines.append("- No cluster structure was found: the segments divide a continuum.")
    moves = metrics.get("moves", [])
    lines += [f"- {move['share']:.1%} from {move['from_name']} to {move['to_name']}" for move in moves[:SHOWN_MOVES]]
    if len(moves) > SHOWN_MOVES:
        lines.append(f"- {sum(move['share'] for move in moves[SHOWN_MOVES:]):.1%} between other segments")
    lines += [f"- {event['description']}" for event in metrics.get("events", [])]
    return [*lines, ""]
