"""Check a scored night before it is published, and hold it where it has a grave finding.

Nothing of the source is read again: the shards have counted while they scored. The figures, their limits and what was
found are kept in `night_checks`, whatever becomes of the run.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2.extras import Json

from clustering.config import Configuration
from clustering.errors import DataError, HeldError
from clustering.monitoring.night_drift import as_record, check_drift
from clustering.monitoring.scored_night import Base, ScoredNight, judged_figures, read_base
from clustering.quality.comparisons import (
    Figure,
)
from clustering.quality.findings import JudgedFigure, remark
from clustering.scoring.endings import GOING_ON
from clustering.scoring.manifest import Run, lock_run, read_scored_shards, require_contract
from clustering.scoring.refused_runs import refuse_run, too_many_rejected
from clustering.scoring.scored_counts import prove_counts
from clustering.versions.registry import Registry
from clustering.versions.version import read_run_versions
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)

LARGE_EFFECT = 0.5  # Cohen's w of a feature in the first night, which nothing but the training can be compared with
TOLD = 3  # findings in an error's line


@dataclass(frozen=True)
class Finding:
    """A figure of a run that is not as it should be."""

    model: str | None
    check_name: str
    subject: str
    finding: str
    description: str
    advice: str


@again_after_deadlock
def check_run(
    warehouse: Warehouse, configuration: Configuration, registry: Registry, *, run_id: int, may_retry: bool = False
) -> dict[str, Any]:
    """Compare a scored run with the nights before it, keep the figures, and return the findings.

    A run with a grave finding is held: its staged labels stay, readers keep the former night, and a person decides,
    unless the contract says to hold `never`, the run is a dry one, or a person asked for the present rows of a past
    date. Checking a run again judges it anew, by the limits of now; one that has been published keeps what was found.
    Raises HeldError for a run that is held, TooManyRejectedError for one that rejected more rows than the contract
    allows, which is ended with its rejected rows kept, DataError for one without rows, RunError for one that was
    abandoned or is not scored, StoreError where a champion cannot be read and the caller `may_retry`.
    """
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        run = lock_run(transaction, run_id)
        if run.status not in GOING_ON:
            return _told(run, None, read_findings(transaction, run_id), note=None)
        require_contract(run_id, run.contract_sha256, configuration.contract)
        shards, versions = read_scored_shards(transaction, run_id), read_run_versions(transaction, run_id)
        counts = prove_counts(run_id, versions, shards)
        refused: DataError | None = too_many_rejected(
            configuration.contract, shards, read=counts.rows_read, rejected=counts.rows_rejected
        )
        if refused:
            refuse_run(transaction, run, shards, read=counts.rows_read, rejected=counts.rows_rejected)
        else:
            night = ScoredNight(run, configuration.contract, versions, shards, counts)
            told = _check(transaction, registry, night, may_retry=may_retry)
    if refused:
        raise refused
    if told["held"]:
        raise HeldError(told["note"])
    return told


def read_findings(transaction: Transaction, run_id: int) -> list[Finding]:
    """Return the findings on a run, the grave ones first."""
    return transaction.typed_rows(Finding, "checks/findings", run_id=run_id)


def _check(transaction: Transaction, registry: Registry, night: ScoredNight, *, may_retry: bool) -> dict[str, Any]:
    run, contract = night.run, night.contract
    drift, unchecked = check_drift(registry, night, contract.drift, may_retry=may_retry)
    source, base = night.source(), read_base(transaction, night)
    judged = list(judged_figures(transaction, night, source, base))
    judged += [
        remark("drift_unchecked", model, f"{model} was not checked for drift: {reason}", model=model)
        for model, reason in unchecked.items()
    ]
    if base is None:
        for check in (one for one in drift if one.alarm and one.comparison.layer == "inputs"):
            if check.statistic >= LARGE_EFFECT:
                subject = f"{check.comparison.night.model} {check.comparison.check} {check.comparison.subject}"
                judged.append(remark("drift", subject, check.description, hold=True))
    transaction.execute(
        "checks/keep_measures",
        run_id=run.run_id,
        source_sha256=contract.source_digest,
        compared_run_id=base.run_id if base else None,
        compared_as_of=base.as_of if base else None,
        counts=source.to_json(),
        drift=Json([as_record(check) for check in drift]),
    )
    transaction.execute("checks/delete", run_id=run.run_id)
    transaction.insert("checks/insert", [_record(run.run_id, one) for one in judged])
    return _settle(transaction, night, base, read_findings(transaction, run.run_id))


def _settle(
    transaction: Transaction, night: ScoredNight, base: Base | None, findings: Sequence[Finding]
) -> dict[str, Any]:
    """Hold the run or let it go on, and return what is told of it."""
    run = night.run
    grave = [one for one in findings if one.finding == "hold"]
    may_hold = night.contract.checks.hold == "findings" and not run.dry_run and run.source_time != "substituted"
    held = bool(grave) and may_hold
    note = _held_note(run, grave) if held else None
    transaction.execute("scoring/hold", run_id=run.run_id, status="held" if held else "running", note=note)
    for one in findings:
        log.warning("run %s as of %s, %s: %s", run.run_id, run.as_of, one.finding, one.description)
    if base is None:
        log.info("run %s as of %s: there is no night before it to compare it with", run.run_id, run.as_of)
    return _told(run, base, findings, note=note)


def _told(run: Run, base: Base | None, findings: Sequence[Finding], *, note: str | None) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "as_of": run.as_of.isoformat(),
        "compared_with": base.as_of.isoformat() if base else None,
        "held": note is not None,
        "note": note,
        "findings": [
            {"finding": one.finding, "check": one.check_name, "sentence": one.description} for one in findings
        ],
    }


def _held_note(run: Run, grave: Sequence[Finding]) -> str:
    """Say in one line why a run is held, what readers see, and what can be done."""
    told = [one.description for one in grave[:TOLD]]
    if len(grave) > TOLD:
        told.append(f"and {len(grave) - TOLD} more in night_checks")
    return (
        f"run {run.run_id} as of {run.as_of} is held, and readers keep the former night: {'; '.join(told)}. If the "
        f'customers are right: clustering publish {run.run_id} --despite-findings --reason "why"; if not: '
        f"clustering abandon {run.run_id}, correct the source and run the night again"
    )


def _record(run_id: int, judged: JudgedFigure) -> Mapping[str, Any]:
    figure: Figure = judged.figure
    return {
        "run_id": run_id,
        "model": figure.model,
        "check_name": figure.check,
        "subject": figure.subject,
        "value": figure.value,
        "expected": judged.expected,
        "lower_limit": judged.lower_limit,
        "upper_limit": judged.upper_limit,
        "finding": judged.finding,
        "description": judged.description,
        "advice": judged.advice,
    }
