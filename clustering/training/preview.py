"""What a promotion would change, in Markdown, for the person who is asked to approve it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clustering.training.movement_words import movement_in_words
from clustering.versions.registry import Registry, Version

SHOWN_MOVES = 5
FIGURES = (
    ("*silhouette*", "silhouette"),
    ("*prediction strength of the weakest cluster*", "prediction_strength"),
    ("*stability of the weakest cluster*", "min_jaccard"),
)


def preview(registry: Registry, *, held: Sequence[int], address: Callable[[str, int], str] | None = None) -> str:
    """Return a table of the held candidates, by their ids, and what each would change.

    `address` gives, for a model and a version, where both versions are shown side by side.
    """
    candidates = [registry.version(identity) for identity in held]
    champions = registry.champions([candidate.model for candidate in candidates])
    rows = [_row(candidate, champions.get(candidate.model)) for candidate in candidates]
    head = [
        "| model | version | instead of | would move | silhouette | stability | price of stability |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    details = (
        line
        for one in candidates
        for line in [
            *_beside(one, champions.get(one.model)),
            *([f"[Side by side on the Segments page]({address(one.model, one.version)})", ""] if address else []),
            *_details(one),
        ]
    )
    return "\n".join([*head, *rows, "", *details])


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


def _beside(candidate: Version, champion: Version | None) -> list[str]:
    """Return the segments of both versions with their sizes in the training samples, and the figures of both."""
    versions = [candidate] + ([champion] if champion else [])
    names = {identity: name for one in reversed(versions) for identity, name in one.segment_names.items()}
    titles = [f"version {candidate.version}, new"] + ([f"version {champion.version}, champion"] if champion else [])
    rows = [[names[identity], *(_size(one, identity) for one in versions)] for identity in sorted(names)]
    rows += [[name, *(_figure(one, key) for one in versions)] for name, key in FIGURES]
    return [
        f"**{candidate.model} version {candidate.version}: {movement_in_words(candidate.metrics.comparison)}**",
        "",
        f"| training customers | {' | '.join(titles)} |",
        f"| --- |{' ---: |' * len(titles)}",
        *(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows),
        "",
    ]


def _size(version: Version, segment_id: int) -> str:
    total = sum(cluster.customers for cluster in version.clusters)
    customers = sum(cluster.customers for cluster in version.clusters if cluster.segment_id == segment_id)
    return f"{customers:,} ({customers / total:.1%})" if customers else "none"


def _figure(version: Version, key: str) -> str:
    value = getattr(version.metrics, key)
    return "not measured" if value is None else f"{value:.3f}"


def _details(candidate: Version) -> list[str]:
    comparison = candidate.metrics.comparison
    lines = []
    if candidate.structure == "none":
        lines.append("- No cluster structure was found: the segments divide a continuum.")
    doubts = (candidate.metrics.doubt, candidate.metrics.uncompared)
    lines += [f"- {doubt[:1].upper()}{doubt[1:]}." for doubt in doubts if doubt]
    moves = comparison.moves if comparison else ()
    lines += [f"- {move.share:.1%} from {move.from_name} to {move.to_name}" for move in moves[:SHOWN_MOVES]]
    if len(moves) > SHOWN_MOVES:
        lines.append(f"- {sum(move.share for move in moves[SHOWN_MOVES:]):.1%} between other segments")
    lines += [f"- {event.description}" for event in candidate.metrics.events]
    return [*lines, ""]
