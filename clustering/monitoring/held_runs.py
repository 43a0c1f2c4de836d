"""Held runs, as the people are told of them who decide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clustering.config import Configuration
from clustering.errors import RunError
from clustering.monitoring.checking import read_findings
from clustering.warehouse import Transaction, Warehouse


def describe_held(warehouse: Warehouse, configuration: Configuration, *, run_id: int) -> dict[str, Any] | None:
    """Return a held run, its findings in Markdown and what people are told of it; None for one that is not held.

    Raises RunError when there is no such run.
    """
    with warehouse.transaction(read_only=True) as transaction:
        run = transaction.row("checks/run", run_id=run_id)
        if run is None:
            raise RunError(f"there is no run {run_id} in this warehouse")
        if run.status != "held":
            return None
        lines = [
            f"- **{one.check_name}** ({one.finding}): {one.description}. Then {one.advice}."
            for one in read_findings(transaction, run_id)
        ]
        seen = _readers_see(transaction)
    return {
        "run_id": run_id,
        "as_of": run.as_of.isoformat(),
        "told": (
            f"{run.note}. Readers see {seen}. It can wait until the morning: the next night starts by itself, and the "
            f"run is abandoned where nobody decides within {configuration.contract.checks.decide_within_hours} hours"
        ),
        "body": "\n".join([f"Run {run_id} as of {run.as_of} is held. Readers see {seen}.", "", *lines]),
    }


@dataclass(frozen=True)
class FindingWords:
    """What was found, as readers may know it, and what to do about it."""

    words: str
    advice: str


@dataclass(frozen=True)
class HeldNight:
    """A run that waits for a decision, with its findings, the grave ones first."""

    run_id: int
    as_of: date
    held_at: datetime
    findings: Sequence[FindingWords]


def read_held(transaction: Transaction) -> list[HeldNight]:
    """Return the held runs, the newest first."""
    return [
        HeldNight(
            row.run_id,
            row.as_of,
            row.held_at,
            # The reason of what was not checked names a file of the store.
            [
                FindingWords(
                    f"{one.subject} was not checked for drift"
                    if one.check_name == "drift_unchecked"
                    else one.description,
                    one.advice,
                )
                for one in read_findings(transaction, row.run_id)
            ],
        )
        for row in transaction.rows("checks/held")
    ]


def list_runs(warehouse: Warehouse, *, at_most: int) -> list[dict[str, Any]]:
    """Return the latest runs, the newest first, each with its status and how many findings it has."""
    with warehouse.transaction(read_only=True) as transaction:
        rows = transaction.rows("checks/runs", at_most=at_most)
    return [{**row._mapping, "as_of": row.as_of.isoformat()} for row in rows]


def _readers_see(transaction: Transaction) -> str:
    current = transaction.rows("pointer/current")
    return ", ".join(f"{one.model} as of {one.as_of}" for one in current) or "nothing yet"
