"""Plan a run: which champions score, and how the customers are cut into shards."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg2 import sql
from psycopg2.extras import Json

from clustering.config import Configuration
from clustering.lake.file_source import FileSource
from clustering.scoring.champion_choice import choose_champions
from clustering.scoring.dates import require_begun, source_time
from clustering.scoring.endings import end_overdue, end_run
from clustering.scoring.label_locations import new_folders
from clustering.scoring.neighbours import require_labels_alike, require_neighbours
from clustering.scoring.source_cuts import SourceCut, Wanted, cut_files, cut_table
from clustering.scoring.usable_versions import Usable, find_usable, leave_out
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.source import Source
from clustering.warehouse.source_copy import give_to_run

log = logging.getLogger(__name__)

STALE_HOURS = 12  # a run that has been silent for so long is dead


@again_after_deadlock
def plan_run(
    warehouse: Warehouse,
    configuration: Configuration,
    registry: Registry,
    *,
    models: Sequence[str] | None,
    as_of: date,
    dry_run: bool,
    requested_by: str,
    workers: int,
    shards: int | None = None,
    ended_at: datetime | None = None,
    from_present_rows: bool = False,
    may_retry: bool = False,
) -> dict[str, Any]:
    """Record a run with its champions and shards, and return them.

    `ended_at` says that the date is past, and when it ended: the champions of that moment score, and the customers come
    from the dated source, or if asked so from the present rows. A run of the same date that is still going on is
    superseded: it can no longer publish. Models without a champion are skipped with a warning; those whose champion
    cannot be used are left out with the reason, unless the files cannot be read and the caller `may_retry`: StoreError.
    Raises NoChampionError when none is left, ArtifactError for a past champion that was pruned, ConfigurationError for
    a past date without a source or one that has begun nowhere, DataError when the source is not as the contract says.
    """
    require_begun(as_of, now=datetime.now(UTC))
    chosen = configuration.select(models)
    contract = configuration.contract
    read_at = source_time(contract, as_of=as_of, ended_at=ended_at, from_present_rows=from_present_rows)
    found = choose_champions(registry, list(chosen), ended_at=ended_at)
    usable = find_usable(registry, found.values(), contract, may_retry=may_retry)
    champions = {version.model: version for version, _ in usable.artifacts}
    wanted = Wanted(as_of, list(champions), workers, shards, is_past=read_at == "dated", dry_run=dry_run)
    # Before the transaction begins, which would be idle while files are read.
    files = cut_files(contract, wanted) if contract.origin.files else None
    with warehouse.transaction() as transaction:
        cut = files or cut_table(transaction, contract, wanted)
        act_as_writer(transaction)
        # Runs of a date are planned one after the other, so that the later one finds the earlier one to supersede.
        transaction.execute("publishing/lock_date", as_of=as_of)
        if not dry_run:
            require_neighbours(transaction, list(champions), as_of=as_of, history_days=contract.history_days)
            if contract.origin.labels == "files":
                require_labels_alike(transaction, list(champions), as_of=as_of)
        _sweep(
            transaction,
            as_of=as_of,
            models=list(champions),
            dry_run=dry_run,
            decide_within=contract.checks.decide_within_hours,
        )
        run_id = transaction.scalar(
            "scoring/insert_run",
            as_of=as_of,
            dry_run=dry_run,
            requested_by=requested_by,
            source=contract.origin.text_of(is_past=wanted.is_past),
            source_time=read_at,
            source_oids=cut.oids,
            contract_sha256=contract.digest,
        )
        _give_copies(transaction, cut, run_id)
        _record(transaction, run_id, usable, cut, key_type=sql.SQL(contract.key_type))
    source = cut.source
    if source.warning:
        log.warning("%s", source.warning)
    counted = f"{source.rows} {read_at} rows in {len(cut.shards)} shards"
    log.info("run %s for %s: %s, %s", run_id, as_of, counted, ", ".join(champions))
    return {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        "dry_run": dry_run,
        "models": {name: version.version for name, version in champions.items()},
        "skipped": sorted(set(chosen) - set(found)),
        "failed": usable.reasons,
        "source_time": read_at,
        "warning": source.warning,
        # Spark labels all of them in one job, which is one task.
        "shards": [0] if contract.origin.engine == "spark" else list(range(len(cut.shards))),
    }


def _give_copies(transaction: Transaction, cut: SourceCut[Source] | SourceCut[FileSource], run_id: int) -> None:
    if isinstance(cut.source, Source) and cut.source.kind == "copy":
        give_to_run(transaction, cut.source, run_id)
    for known, copy in cut.aged.items():
        give_to_run(transaction, copy, run_id, known=known)


def _record(
    transaction: Transaction,
    run_id: int,
    usable: Usable,
    cut: SourceCut[Source] | SourceCut[FileSource],
    *,
    key_type: sql.Composable,
) -> None:
    versions = [*(version for version, _ in usable.artifacts), *(version for version, _ in usable.failed)]
    folders = new_folders(cut.source.contract, run_id, [version.model for version in versions])
    for version in versions:
        transaction.execute(
            "scoring/insert_run_model",
            run_id=run_id,
            model=version.model,
            model_version_id=version.model_version_id,
            label_folder=folders[version.model],
        )
    leave_out(transaction, run_id, usable.reasons)
    for number, shard in enumerate(cut.shards):
        transaction.execute(
            "scoring/insert_shard",
            {"key_type": key_type},
            run_id=run_id,
            shard=number,
            lower_bound=shard.lower,
            upper_bound=shard.upper,
            files=None if shard.parts is None else Json([part.to_document() for part in shard.parts]),
            repeated_keys=Json(list(shard.repeated)) if shard.repeated else None,
        )


def _sweep(transaction: Transaction, *, as_of: date, models: Sequence[str], dry_run: bool, decide_within: int) -> None:
    """End runs that this one supersedes, and runs that died without a word; in order, as another plan does."""
    ended = {
        row.run_id: f"no sign of life for {STALE_HOURS} hours"
        for row in transaction.rows("scoring/stale_runs", hours=STALE_HOURS)
    }
    for row in transaction.rows("scoring/superseded_runs", as_of=as_of, models=list(models), dry_run=dry_run):
        ended[row.run_id] = f"superseded by a later run of {as_of}"
    for run_id, note in sorted(ended.items()):
        end_run(transaction, run_id, note)
    end_overdue(transaction, hours=decide_within)
