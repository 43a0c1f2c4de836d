"""Label the shards of a run on Spark: one job writes labels as files, which are then copied into staging tables.

Only what an attempt has written that came to its end belongs to the run. A task that is tried again takes over what the
job before it has finished, and submits what is left; a shard that somebody else has claimed is left as it is.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date

from clustering.config import Configuration, Contract
from clustering.errors import DataError, PermanentError, RunError, SourceError
from clustering.lake.file_source import FilePart
from clustering.lake.folders import Folder
from clustering.scoring.attempts import Attempt
from clustering.scoring.batch_scoring import Summary
from clustering.scoring.job_folders import job_folder, root_folder, sweep_jobs
from clustering.scoring.label_files import (
    WrittenPart,
    await_labels,
    find_written,
    read_written,
    read_written_summary,
    remove,
)
from clustering.scoring.label_locations import folders_of, list_files
from clustering.scoring.label_sets import read_label_sets
from clustering.scoring.labeller import with_values_for
from clustering.scoring.manifest import PlannedShard, read_planned_shard
from clustering.scoring.preceding_runs import Bounds
from clustering.scoring.source_rows import needed_columns
from clustering.scoring.spark_servers import spark_server
from clustering.scoring.spark_session import run_on_spark
from clustering.scoring.spark_work import PartWork, SparkWork, release
from clustering.scoring.staging import StagedVersion, Staging, in_tables, staged_versions
from clustering.scoring.usable_versions import find_usable, take_out
from clustering.versions.registry import Registry
from clustering.versions.version import Version, read_run_versions
from clustering.warehouse import Transaction, Warehouse

log = logging.getLogger(__name__)

OVERTAKEN = (DataError, RunError, SourceError)  # what is raised where files are not there
STAGED_AT_ONCE = 4  # shards; while the server takes the rows of one, another is read


@dataclass(frozen=True)
class _Staged:
    """What all shards of a run are staged with."""

    warehouse: Warehouse
    contract: Contract
    run_id: int
    folder: Folder
    versions: Sequence[StagedVersion]

    def is_claimed(self, *shards: int) -> bool:
        """Return whether somebody has claimed these shards by now."""
        with self.warehouse.transaction(read_only=True) as transaction:
            return not set(shards) & set(_unfinished(transaction, self.run_id))


def score_on_spark(
    warehouse: Warehouse,
    configuration: Configuration,
    registry: Registry,
    *,
    run_id: int,
    may_retry: bool = False,
) -> dict[str, int]:
    """Label all shards of a run that have not been, into staging tables, and return the counts of these.

    Raises errors as `score_shard` does, and SourceError where Spark cannot be reached or did not finish the job.
    """
    started, contract = time.monotonic(), needed_columns(configuration.contract)
    with warehouse.transaction(read_only=True) as transaction:
        planned = {
            number: read_planned_shard(transaction, run_id, number, configuration.contract)
            for number in _unfinished(transaction, run_id)
        }
        label_sets, versions = read_label_sets(transaction, run_id), read_run_versions(transaction, run_id)
    if not planned:
        log.info("run %s: all shards scored before", run_id)
        return dict.fromkeys(("rows_read", "rows_labelled", "rows_rejected"), 0)
    server = spark_server(registry.connections)
    usable = find_usable(registry, versions, contract, may_retry=may_retry)
    take_out(warehouse, run_id, usable)
    contract = with_values_for((artifact for _, artifact in usable.artifacts), contract)
    as_of = next(iter(planned.values())).as_of
    mark = _mark(configuration.contract, as_of, (version for version, _ in usable.artifacts))
    with _folder(warehouse, contract, run_id, mark, may_retry=may_retry) as folder:
        artifacts = {version.model_version_id: artifact for version, artifact in usable.artifacts}
        shards = [_work(number, shard) for number, shard in planned.items()]
        folders = folders_of(label_sets)
        work = SparkWork(release(), contract, as_of, artifacts, shards, folder.location.uri, folders)
        staged = _Staged(warehouse, contract, run_id, folder, staged_versions(usable.artifacts, label_sets, {}))
        summaries = _label_and_stage(staged, work, server)
    log.info("run %s: %s shards, %.1f s", run_id, len(summaries), time.monotonic() - started)
    return {
        name: sum(getattr(one, name) for one in summaries) for name in ("rows_read", "rows_labelled", "rows_rejected")
    }


def _unfinished(transaction: Transaction, run_id: int) -> list[int]:
    return [row.shard for row in transaction.rows("scoring/unfinished_shards", run_id=run_id)]


def _work(number: int, shard: PlannedShard) -> PartWork:
    parts = [FilePart.from_document(part) for part in shard.files or ()]
    return PartWork(number, parts, shard.repeated_keys or ())


def _mark(contract: Contract, as_of: date, versions: Iterable[Version]) -> str:
    """Return a name that two jobs share which give the same customers the same labels."""
    used = (f"{version.model_version_id} {version.artifact_sha256}" for version in versions)
    told = "\n".join((release(), contract.digest, str(contract.origin.files), str(as_of), *used))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _label_and_stage(staged: _Staged, work: SparkWork, server: str) -> list[Summary]:
    """Label what is left and copy it, and return what was counted of what this task has copied."""
    started = time.monotonic()
    try:
        written = _label(work, staged.folder, server)
    except OVERTAKEN:
        # Who had the same job before takes the files away when all shards are claimed.
        if not staged.is_claimed(*(shard.shard for shard in work.shards)):
            raise
        log.warning("run %s: another task was first with all shards", staged.run_id)
        return []
    log.info("run %s: %s shards labelled on Spark in %.1f s", staged.run_id, len(written), time.monotonic() - started)
    with ThreadPoolExecutor(STAGED_AT_ONCE) as pool:
        summaries = pool.map(lambda shard: _stage(staged, shard, written[shard]), written)
        return [one for one in summaries if one is not None]


def _label(work: SparkWork, folder: Folder, server: str) -> dict[int, WrittenPart]:
    """Return by shard what is written of each: what a job before has finished, and what one job does of the others."""
    written = find_written(folder, {shard.name: shard.shard for shard in work.shards})
    left = [shard for shard in work.shards if shard.shard not in written]
    if written:
        log.info("%s of %s shards were finished by a job before", len(written), len(work.shards))
    return written | (run_on_spark(replace(work, shards=left), server) if left else {})


@contextmanager
def _folder(warehouse: Warehouse, contract: Contract, run_id: int, mark: str, *, may_retry: bool) -> Iterator[Folder]:
    """Make a folder for the labels of a run, which goes when they are copied; so does what ended runs have left.

    It stays where the task fails and will be tried again, which takes over what is in it.
    """
    root = root_folder(contract)
    sweep_jobs(warehouse, contract)
    with warehouse.transaction(read_only=True) as transaction:
        own = job_folder(transaction, root, run_id)
    await_labels(own.below(mark))
    try:
        yield own.below(mark)
    except BaseException as error:
        if isinstance(error, PermanentError) or not may_retry:
            remove(own)
        raise
    remove(own)


def _stage(staged: _Staged, shard: int, part: WrittenPart) -> Summary | None:
    """Copy the labels of a shard and claim it, unless somebody was first; return what was counted."""
    try:
        return _copy(staged, shard, part)
    except OVERTAKEN:
        if not staged.is_claimed(shard):
            raise
        log.warning("run %s shard %s: another task was first, and has taken the files away", staged.run_id, shard)
        return None


def _copy(staged: _Staged, shard: int, part: WrittenPart) -> Summary:
    """Copy the labels of a shard into tables of an attempt and claim the shard."""
    attempt = Attempt(staged.run_id, shard, secrets.token_hex(4))
    tabled = in_tables(staged.versions)
    versions = [version.model_version_id for version in tabled]
    summary = read_written_summary(staged.folder, part, versions)
    bounds = Bounds(None, None, staged.contract.key_type)
    with staged.warehouse.transaction() as transaction, ThreadPoolExecutor(max_workers=1) as writer:
        staging = Staging(transaction, writer, staged.contract, tabled, attempt, bounds)
        for scored in read_written(staged.folder, part, versions):
            staging.append(scored)
        won = staging.claim(summary, None)
        if won:
            label_sets = {version.model_version_id: version.label_set for version in staged.versions}
            list_files(transaction, label_sets, part.labels, shard=shard)
    told = summary if won else "another attempt was first"
    log.log(logging.INFO if won else logging.WARNING, "run %s shard %s: %s", staged.run_id, shard, told)
    return summary
