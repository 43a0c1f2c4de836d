"""Score one shard: stream customers out, assign them with every champion, and stream the labels into staging tables.

Everything that an attempt writes is one transaction. The last statement claims the shard in the manifest; an attempt
that finds it claimed, or the run ended, rolls back and leaves no trace.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from clustering.config import Configuration, Contract
from clustering.scoring.aged_customers import find_aged
from clustering.scoring.attempts import Attempt
from clustering.scoring.batch_scoring import BatchScorer, Summary
from clustering.scoring.filed_labels import LabelWriter
from clustering.scoring.label_locations import folders_of, list_files
from clustering.scoring.label_sets import read_label_sets
from clustering.scoring.labeller import with_values_for
from clustering.scoring.manifest import PlannedShard, read_planned_shard
from clustering.scoring.preceding_runs import Bounds, find_compared
from clustering.scoring.shard_rows import OpenFiles, OpenTable, find_shard_rows
from clustering.scoring.source_rows import needed_columns
from clustering.scoring.spark_shards import score_on_spark
from clustering.scoring.staging import StagedVersion, Staging, in_tables, staged_versions
from clustering.scoring.usable_versions import find_usable, take_out
from clustering.versions.registry import Registry
from clustering.versions.version import read_run_versions
from clustering.warehouse import Warehouse

log = logging.getLogger(__name__)


def score_shard(
    warehouse: Warehouse,
    configuration: Configuration,
    registry: Registry,
    *,
    run_id: int,
    shard: int,
    may_retry: bool = False,
) -> dict[str, int]:
    """Label one shard's customers into staging tables, or files, and return its counts.

    A shard that was scored before is left as it is. On Spark, one call labels all shards that are left. A model whose
    files cannot be used leaves the run. Raises RunError when the run has ended, ArtifactError when the files of no
    champion are what was registered, StoreError when those of none can be read, or those of one and the caller
    `may_retry`.
    """
    if configuration.contract.origin.engine == "spark":
        return score_on_spark(warehouse, configuration, registry, run_id=run_id, may_retry=may_retry)
    started, contract = time.monotonic(), needed_columns(configuration.contract)
    with warehouse.transaction(read_only=True) as transaction:
        planned = read_planned_shard(transaction, run_id, shard, configuration.contract)
        if planned.finished_at is not None:
            log.info("run %s shard %s: scored before", run_id, shard)
            return _counts(planned)
        rows = find_shard_rows(transaction, contract, planned, run_id=run_id, shard=shard)
        # Label sets first: another shard may take a model out of the run in between.
        label_sets, versions = read_label_sets(transaction, run_id), read_run_versions(transaction, run_id)
        bases, replaced = find_compared(transaction, registry, contract, run_id=run_id) if rows.has_range else ({}, {})
        aged = find_aged(transaction, contract, bases.values(), run_id=run_id, as_of=planned.as_of)
    bounds = Bounds(planned.lower_bound, planned.upper_bound, contract.key_type)
    usable = find_usable(registry, versions, contract, may_retry=may_retry)
    take_out(warehouse, run_id, usable)
    contract = with_values_for((artifact for _, artifact in usable.artifacts), contract)
    attempt = Attempt(run_id, shard, secrets.token_hex(4))
    staged = staged_versions(usable.artifacts, label_sets, bases, replaced)
    with (
        rows.opened(warehouse) as opened,
        LabelWriter.of(folders_of(label_sets), shard, attempt.token) as files,
        warehouse.transaction() as transaction,
        ThreadPoolExecutor(max_workers=1) as writer,  # the innermost: nothing is rolled back while it writes
    ):
        staging = Staging(transaction, writer, contract, in_tables(staged), attempt, bounds)
        summary = _label(opened, contract, staged, staging, files)
        opened.require_unchanged(transaction)
        listed = files.finish()
        won = staging.claim(summary, opened.passing_time(aged, contract, bounds))
        if won:
            list_files(transaction, label_sets, listed, shard=shard)
    if not won:
        files.discard()
        with warehouse.transaction(read_only=True) as transaction:
            log.warning("run %s shard %s: another attempt was first", run_id, shard)
            return _counts(read_planned_shard(transaction, run_id, shard, configuration.contract))
    log.info("run %s shard %s: %s, %s models, %.1f s", run_id, shard, summary, len(staged), time.monotonic() - started)
    return _counts(summary)


def _label(
    opened: OpenTable | OpenFiles,
    contract: Contract,
    versions: Sequence[StagedVersion],
    staging: Staging,
    files: LabelWriter,
) -> Summary:
    scorer = BatchScorer(
        contract,
        [each.scoring for each in versions],
        reading=opened.reading,
        duplicated=opened.duplicated(contract),
    )
    for batch in opened.batches():
        scored = scorer.score(batch)
        staging.append(scored)
        files.append(scored)
    return scorer.summary()


def _counts(shard: PlannedShard | Summary) -> dict[str, int]:
    return {
        "rows_read": shard.rows_read or 0,
        "rows_labelled": shard.rows_labelled or 0,
        "rows_rejected": shard.rows_rejected or 0,
    }
