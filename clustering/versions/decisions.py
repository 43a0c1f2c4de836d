"""Decisions on versions: who made which of them champion or refused it, why, and by what figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg2.extras import Json

from clustering.versions.version import Version
from clustering.warehouse import Transaction, Warehouse


@dataclass(frozen=True)
class GateCheck:
    """One question of the gate; `value` is None where the figure is unknown."""

    name: str
    passed: bool
    value: float | None
    limit: float
    said: str


@dataclass(frozen=True)
class Decision:
    """What was decided on a version, `promoted`, `refused` or `rolled_back`, and why."""

    decision: str
    reason: str


def read_decision(transaction: Transaction, version: Version, *, decided_by: str) -> Decision | None:
    """Return what somebody has decided on a version, the last word; None for nothing."""
    return transaction.typed_row(
        Decision, "registry/decision", model_version_id=version.model_version_id, decided_by=decided_by
    )


def repeats_refusal(warehouse: Warehouse, *, model_version_id: int) -> bool:
    """Return whether a version was refused for what its model was refused for just before, beside the same champion.

    Other figures are no other cause.
    """
    with warehouse.transaction(read_only=True) as transaction:
        return bool(transaction.scalar("registry/repeats_refusal", model_version_id=model_version_id))


def record_decision(
    transaction: Transaction,
    version: Version,
    decision: str,
    *,
    instead_of: Version | None,
    reason: str,
    checks: Sequence[GateCheck] | None,
    decided_by: str,
) -> None:
    """Write a decision with the figures of the version and the gate's checks, None where no gate was asked."""
    judged = {} if checks is None else {"checks": [asdict(check) for check in checks]}
    transaction.execute(
        "registry/insert_decision",
        model=version.model,
        model_version_id=version.model_version_id,
        previous_version_id=instead_of.model_version_id if instead_of else None,
        decision=decision,
        reason=reason,
        metrics=Json(version.metrics.to_document() | judged),
        decided_by=decided_by,
    )
