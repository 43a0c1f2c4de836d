"""The candidates that were tried for a version, as rows of `model_selection`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Protocol

from psycopg2.extras import Json

from clustering.versions.metrics import FitFigures


class Tried(Protocol):
    """Settings that were tried: their figures by name, what speaks against them, and whether they were chosen."""

    @property
    def settings(self) -> Mapping[str, Any]: ...

    @property
    def figures(self) -> Mapping[str, float]: ...

    @property
    def verdicts(self) -> Sequence[str]: ...

    @property
    def chosen(self) -> bool: ...


def candidate_rows(model_version_id: int, candidates: Sequence[Tried]) -> list[dict[str, Any]]:
    """Return the rows of the candidates that were tried for a version: settings, figures, verdicts, chosen."""
    return [
        {
            "model_version_id": model_version_id,
            "candidate": number,
            "chosen": candidate.chosen,
            "settings": Json(dict(candidate.settings)),
            "verdict": "; ".join(candidate.verdicts) or "passed",
            **{one.name: candidate.figures.get(one.name) for one in fields(FitFigures)},
            "figures": Json(dict(candidate.figures)),
        }
        for number, candidate in enumerate(candidates, start=1)
    ]
