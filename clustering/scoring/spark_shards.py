"""Label the shards of a run on Spark: one job writes labels as files, which are then copied into staging tables.

Only what an attempt that came to its end has told of belongs to the run; a job that is submitted twice stages what is
left, and a shard that somebody else has claimed is left as it is.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from clustering.config import Configuration, Contract
from clustering.errors import ConfigurationError
from clustering.lake.file_source import FilePart
from clustering.lake.folders import Folder, open_folder
from clustering.scoring.attempts import Attempt
from clustering.scoring.batch_scoring import Summary
from clustering.scoring.label_files import WrittenPart, folders_of_runs, read_written, read_written_summary, remove
from clustering.scoring.label_sets import read_label_sets
from clustering.scoring.labeller import with_values_for
from clustering.scoring.manifest import PlannedShard, read_planned_shard
from clustering.scoring.preceding_runs import Bounds
from clustering.scoring.source_rows import needed_columns
from clustering.scoring.spark_session import run_on_spark
from clustering.scoring.spark_work import PartWork, SparkWork, release
from clustering.scoring.staging import StagedVersion, Staging, staged_versions
from clustering.scoring.usable_versions import find_usable, take_out
from clustering.versions.registry import Registry
from clustering.versions.version import read_run_versions
from clustering.warehouse import Warehouse

log = logging.getLogger(__name__)

STAGED_AT_ONCE = 4  # shards; while the server takes the rows of one, another is read


@dataclass(frozen=True)
class _Staged:
    """What all shards of a run are staged with."""

    warehouse: Warehouse
    contract: Contract
    run_id: int
    folder: Folder
    versions: Sequence[StagedVersion]


def score_on_spark(
    warehouse: Warehouse, configuration: Configuration, registry: Registry, *, run_id: int, may_retry: bool = False
) -> dict[str, int]:
    """Label all shards of a run that have not been, into staging tables, and return the counts of these.

    Raises errors as `score_shard` does, and SourceError where Spark cannot be reached or did not finish the job.
    """
    started, contract = time.monotonic(), needed_columns(configuration.contract)
    with warehouse.transaction(read_only=True) as transaction:
        numbers = [row.shard for row in transaction.rows("scoring/unfinished_shards", run_id=run_id)]
        planned = {
            number: read_planned_shard(transaction, run_id, number, configuration.contract) for number in numbers
        }
        label_sets, versions = read_label_sets(transaction, run_id), read_run_versions(transaction, run_id)
    if not planned:
        log.info("run %s: all shards scored before", run_id)
        return dict.fromkeys(("rows_read", "rows_labelled", "rows_rejected"), 0)
    usable = find_usable(registry, versions, contract, may_retry=may_retry)
    take_out(warehouse, run_id, usable)
    contract = with_values_for((artifact for _, artifact in usable.artifacts), contract)
    with _folder(warehouse, contract, run_id) as folder:
        artifacts = {version.model_version_id: artifact for version, artifact in usable.artifacts}
        shards = [_work(number, shard) for number, shard in planned.items()]
        as_of = next(iter(planned.values())).as_of
        work = SparkWork(release(), contract, as_of, artifacts, shards, folder.location.uri)
        written = run_on_spark(work)
        log.info("run %s: %s shards labelled on Spark in %.1f s", run_id, len(written), time.monotonic() - started)
        staged = _Staged(warehouse, contract, run_id, folder, staged_versions(usable.artifacts, label_sets, {}))
        with ThreadPoolExecutor(STAGED_AT_ONCE) as pool:
            summaries = list(pool.map(lambda shard: _stage(staged, shard, written[shard]), written))
    log.info("run %s: %s shards, %.1f s", run_id, len(summaries), time.monotonic() - started)
    return {
        name: sum(getattr(one, name) for one in summaries) for name in ("rows_read", "rows_labelled", "rows_rejected")
    }


def _work(number: int, shard: PlannedShard) -> PartWork:
    parts = [FilePart.from_document(part) for part in shard.files or ()]
    return PartWork(number, parts, shard.repeated_keys or ())


@contextmanager
def _folder(warehouse: Warehouse, contract: Contract, run_id: int) -> Iterator[Folder]:
    """Make a folder for the labels of one job, which goes when they are copied; so does what ended runs have left."""
    if contract.origin.label_files is None:
        raise ConfigurationError("source.label_files in customers.yaml names no folder for labels on their way")
    root = open_folder(contract.origin.label_files, key="label_files")
    with warehouse.transaction(read_only=True) as transaction:
        for former in folders_of_runs(root):
            # What has no run here may be another warehouse's.
            if transaction.scalar("scoring/status", run_id=former) not in (None, "running"):
                remove(root.below(f"run_{former}"))
    folder = root.below(f"run_{run_id}", secrets.token_hex(8))
    try:
        yield folder
    finally:
        remove(folder)


def _stage(staged: _Staged, shard: int, part: WrittenPart) -> Summary:
    """Copy the labels of a shard into tables of an attempt and claim the shard, unless somebody was first."""
    attempt = Attempt(staged.run_id, shard, secrets.token_hex(4))
    versions = [version.model_version_id for version in staged.versions]
    summary = read_written_summary(staged.folder, part, versions)
    bounds = Bounds(None, None, staged.contract.key_type)
    with staged.warehouse.transaction() as transaction, ThreadPoolExecutor(max_workers=1) as writer:
        staging = Staging(transaction, writer, staged.contract, staged.versions, attempt, bounds)
        for scored in read_written(staged.folder, part, versions):
            staging.append(scored)
        won = staging.claim(summary, None)
    told = summary if won else "another attempt was first"
    log.log(logging.INFO if won else logging.WARNING, "run %s shard %s: %s", staged.run_id, shard, told)
    return summary
