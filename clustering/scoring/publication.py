"""Publish a run that was checked: prove its counts, then make it current in one transaction.

Readers see the former run until the transaction commits, because the views follow the pointer `published_runs`. Nothing
here takes a lock that a reader holds: tables are created, staged tables attached, rows written.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from clustering.config import Configuration
from clustering.errors import HeldError, RunError
from clustering.scoring.attached_labels import attach_labels
from clustering.scoring.changes import tell
from clustering.scoring.current_models import read_current
from clustering.scoring.endings import end_superseded, record_decision_on_run
from clustering.scoring.filled_values import read_filled
from clustering.scoring.history import write_history
from clustering.scoring.history_repairs import cut_history
from clustering.scoring.label_locations import drop_listed, prove_files, prove_listed
from clustering.scoring.manifest import Run, ScoredShard, lock_run, read_scored_shards, require_contract
from clustering.scoring.pointer import bring_back, lock_models, move_pointer, retired_by_run
from clustering.scoring.profile_rows import Rows, read_figures, write_groups, write_profiles
from clustering.scoring.scored_counts import prove_counts
from clustering.scoring.staged_tables import drop_staged
from clustering.scoring.usable_versions import leave_out, read_failures
from clustering.segments.profiles import ClusterProfile
from clustering.segments.published_figures import averages
from clustering.versions.artifacts import ClusterSegment
from clustering.versions.own_names import own_names, put_on
from clustering.versions.version import Version, read_run_versions
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import HISTORY, act_as_writer
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)

RULE = ("rule", "rule_sql", "rule_coverage", "rule_precision", "rule_fidelity")


@dataclass(frozen=True)
class Release:
    """Who publishes a held run in spite of its findings, and why."""

    released_by: str
    reason: str

    @property
    def note(self) -> str:
        """What the run keeps of it."""
        return f"published despite findings by {self.released_by}: {self.reason}"


@again_after_deadlock
def publish_run(
    warehouse: Warehouse, configuration: Configuration, *, run_id: int, release: Release | None = None
) -> dict[str, Any]:
    """Make a checked run current for its date, or, for a dry run, count it and drop what it staged.

    Publishing a run again returns the same and changes nothing. A held run is published by a `release` alone. Models
    that had to leave the run are `failed`, with the reasons; readers keep their former result. Models that are no
    longer configured are `retired`, with the date on which their history ends. Raises HeldError for a held run without
    a release, RunError when it was not checked, a shard is missing or counts do not add up.
    """
    started = time.monotonic()
    prove_files(warehouse, run_id)
    with warehouse.transaction() as transaction:
        act_as_writer(transaction, written=[HISTORY])
        run = lock_run(transaction, run_id)
        if run.status in ("running", "held"):
            require_contract(run_id, run.contract_sha256, configuration.contract)
            _let_pass(transaction, run, release)
            _publish(transaction, configuration, run)
            run = lock_run(transaction, run_id)
            log.info("run %s %s in %.1f s", run_id, run.status, time.monotonic() - started)
        models = [version.model for version in read_run_versions(transaction, run_id)]
        failed, retired = read_failures(transaction, run_id), retired_by_run(transaction, run_id)
        filled = read_filled(transaction, run_id)
    return {
        "run_id": run_id,
        "as_of": run.as_of.isoformat(),
        "status": run.status,
        "models": models,
        "failed": failed,
        "retired": retired,
        "rows_read": run.rows_read,
        "rows_labelled": run.rows_labelled,
        "rows_rejected": run.rows_rejected,
        "filled": filled,
    }


def _let_pass(transaction: Transaction, run: Run, release: Release | None) -> None:
    """Raise an error for a run that may not be published, and note who releases one that is held."""
    if run.checked_at is None:
        raise RunError(f"run {run.run_id} has not been checked; check it before it is published")
    if run.status == "held" and release is None:
        raise HeldError(run.note or f"run {run.run_id} is held")
    if release is None:
        return
    if run.status != "held":
        raise RunError(f"run {run.run_id} is {run.status} and not held; nothing has to be released")
    transaction.execute("scoring/hold", run_id=run.run_id, status="running", note=release.note)
    record_decision_on_run(
        transaction, "release_run", run.run_id, decided_by=release.released_by, reason=release.reason
    )


def _publish(transaction: Transaction, configuration: Configuration, run: Run) -> None:
    shards = read_scored_shards(transaction, run.run_id)
    versions = _configured_versions(transaction, configuration, run)
    counts = prove_counts(run.run_id, versions, shards)
    profiles, filed = counts.profiles, prove_listed(transaction, run.run_id, versions, shards)
    if run.dry_run:
        drop_staged(transaction, run.run_id)
        drop_listed(transaction, run.run_id)
    else:
        leaving = lock_models(transaction, run, configuration, [version.model for version in versions])
        attach_labels(transaction, run.run_id, shards)
        figures = read_figures(transaction, configuration.contract, run, versions, shards, profiles)
        _write_segments(transaction, configuration, run, versions, profiles, figures.rows)
        transaction.execute("publishing/insert_label_names", run_id=run.run_id)
        write_profiles(transaction, configuration.contract, run, versions, profiles, figures)
        write_groups(transaction, configuration.contract, run, versions, shards)
        transaction.execute("scoring/forget_customers", run_id=run.run_id)
        _take_rejected(transaction, run.run_id, shards)
        days, was = configuration.contract.history_days, read_current(transaction)
        returning = bring_back(transaction, run)
        rows = [version for version in versions if version not in filed]
        changes = write_history(transaction, run, rows, shards, history_days=days, returning=returning)
        cut_history(transaction, [version.model for version in filed], as_of=run.as_of)
        move_pointer(transaction, run, configuration, leaving=leaving)
        for query in ("publishing/mark_replaced", "monitoring/delete_checks", "monitoring/publish_checks"):
            transaction.execute(query, run_id=run.run_id, as_of=run.as_of)
        end_superseded(transaction, run.run_id, run.as_of)
        told = [*(version.model for version in versions), *retired_by_run(transaction, run.run_id)]
        tell(transaction, told, changes, was=was, now=read_current(transaction))
        # Who has moved, and what models that left the run have staged.
        drop_staged(transaction, run.run_id, keeps_copy=True)
    transaction.execute(
        "publishing/finish_run",
        run_id=run.run_id,
        status="dry_run" if run.dry_run else "published",
        rows_read=counts.rows_read,
        rows_labelled=counts.rows_labelled,
        rows_rejected=counts.rows_rejected,
    )


def _configured_versions(transaction: Transaction, configuration: Configuration, run: Run) -> list[Version]:
    """Return the versions of a run whose models are still configured; the others leave it."""
    versions = read_run_versions(transaction, run.run_id)
    gone = [version.model for version in versions if version.model not in configuration.models]
    leave_out(transaction, run.run_id, dict.fromkeys(gone, "no longer configured"))
    left = [version for version in versions if version.model not in gone]
    if not left:
        raise RunError(f"run {run.run_id} cannot be published: no model of it is left; start a new run")
    return left


def _write_segments(
    transaction: Transaction,
    configuration: Configuration,
    run: Run,
    versions: Sequence[Version],
    profiles: Mapping[str, Mapping[int, ClusterProfile]],
    rows: Rows,
) -> None:
    transaction.execute("publishing/delete_segments", run_id=run.run_id, as_of=run.as_of)
    averaged = configuration.contract.averaged
    names = {
        "average_columns": sql.SQL("").join(sql.SQL(", {}").format(sql.Identifier(f"avg_{name}")) for name in averaged),
        "average_values": sql.SQL("").join(sql.SQL(", {}").format(sql.Placeholder(f"avg_{name}")) for name in averaged),
    }
    own = own_names(transaction, [version.model for version in versions])
    for version in versions:
        described = averages(rows[version.model])
        for row in segment_rows(put_on(version.clusters, own[version.model]), profiles[version.model]):
            transaction.execute(
                "publishing/insert_segment",
                names,
                run_id=run.run_id,
                as_of=run.as_of,
                model=version.model,
                model_version_id=version.model_version_id,
                structure=version.structure,
                **row,
                **described.get(row["segment_id"], {"averages_empty_because": None}),
            )


def segment_rows(clusters: Sequence[ClusterSegment], profiles: Mapping[int, ClusterProfile]) -> list[dict[str, Any]]:
    """Return one record a segment: its names, customers, share, rule and stability, by segment id.

    Clusters of one segment are added up, the least stable of them counts.
    """
    total = sum(profile.customers for profile in profiles.values())
    by_segment: dict[int, list[ClusterSegment]] = {}
    for cluster in clusters:
        by_segment.setdefault(cluster.segment_id, []).append(cluster)
    return [
        {
            "segment_id": segment_id,
            "segment_name": members[0].segment_name,
            "description": members[0].description,
            "recommended_action": members[0].recommended_action,
            "customers": (customers := sum(part.customers for part in parts)),
            "share": customers / total,
            **{name: getattr(members[0], name) for name in RULE},
            **{name: getattr(min(members, key=_stability), name) for name in ("stability", "stability_band")},
        }
        for segment_id, members in sorted(by_segment.items())
        for parts in [[profiles[one.cluster_label] for one in members if one.cluster_label in profiles]]
    ]


def _stability(cluster: ClusterSegment) -> float:
    return 1.0 if cluster.stability is None else cluster.stability


def _take_rejected(transaction: Transaction, run_id: int, shards: Sequence[ScoredShard]) -> None:
    for shard in shards:
        table = staging_table(shard.attempt.rejected_table)
        transaction.execute("publishing/take_rejected", {"table": table}, run_id=run_id)
        transaction.execute("scoring/drop_table", {"table": table})
