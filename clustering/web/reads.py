"""What the warehouse holds of models and segments, as JSON-able values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clustering.config import Column, Configuration, Contract
from clustering.warehouse import Row, Transaction

VERSIONS_LISTED = 50
DATES_LISTED = 400


def models(transaction: Transaction, configuration: Configuration, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return some configured models, each with its champion or None."""
    champions = {row.model: plain(row) for row in transaction.rows("web/champions", models=list(names))}
    return [
        {
            "model": name,
            "algorithm": configuration.models[name].algorithm,
            "features": list(configuration.models[name].features),
            "champion": champions.get(name),
        }
        for name in names
    ]


def model_detail(transaction: Transaction, configuration: Configuration, name: str) -> dict[str, Any]:
    """Return a configured model with its latest versions and decisions, newest first."""
    versions = transaction.rows("web/versions", model=name, at_most=VERSIONS_LISTED)
    decisions = transaction.rows("web/decisions", model=name, at_most=VERSIONS_LISTED)
    return {
        **models(transaction, configuration, [name])[0],
        "versions": [plain(row) for row in versions],
        "decisions": [plain(row) for row in decisions],
    }


def segments(transaction: Transaction, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return the current segments of some models."""
    return [plain(row) for row in transaction.rows("web/segments", models=list(names))]


def averages(contract: Contract) -> dict[str, Column]:
    """Return the columns of averages with what they are averages of."""
    return {f"avg_{name}": contract.columns[name] for name in contract.averaged}


def units(contract: Contract) -> dict[str, str]:
    """Return the units of the averages that have one, by column."""
    return {name: column.unit for name, column in averages(contract).items() if column.unit}


def segment_detail(transaction: Transaction, name: str, segment_id: int) -> dict[str, Any] | None:
    """Return a current segment of a model and its size over time, oldest first; None when there is no such segment."""
    found = [segment for segment in segments(transaction, [name]) if segment["segment_id"] == segment_id]
    if not found:
        return None
    sizes = transaction.rows("web/sizes", model=name, segment_id=segment_id, at_most=DATES_LISTED)
    return {"segment": found[0], "history": [plain(row) for row in sizes]}


def plain(row: Row) -> dict[str, Any]:
    """Return a row as JSON-able values; numbers that JSON has no word for become None."""
    return {name: _plain(value) for name, value in row._mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        value = float(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value
