"""Plan a run: which champions score, and how the customers are cut into shards."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.scoring.aged_customers import copy_aged
from clustering.scoring.champion_choice import choose_champions
from clustering.scoring.dates import require_begun, source_time
from clustering.scoring.endings import end_overdue, end_run
from clustering.scoring.neighbours import require_neighbours
from clustering.scoring.replaced_tables import table_oids
from clustering.scoring.shard_costs import ShardCost, shard_cost
from clustering.scoring.usable_versions import Usable, find_usable, leave_out
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.deadlocks import again_after_deadlock
from clustering.warehouse.order_tables import check_currency
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.source import EXACT_COUNT_BELOW, Source, describe_source, find_source
from clustering.warehouse.source_copy import give_to_run, hold_off_forgetting, make_copy
from clustering.warehouse.subquery import reading_errors

log = logging.getLogger(__name__)

ROWS_WORTH_A_SHARD = 100_000  # below, starting a task costs more than it saves
ROWS_A_RETRY_MAY_COST = 2_500_000
# Every shard makes a table of labels for each model, and who reads all models locks a night's tables and their indexes.
MOST_LABEL_TABLES = 45
LEAST_MOST_SHARDS = 4  # however many models there are
SAMPLED_KEYS = 200_000
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
    with warehouse.transaction() as transaction:
        source = _source(transaction, contract, as_of, is_past=read_at == "dated")
        aged = (
            {} if dry_run or source.kind != "copy" else copy_aged(transaction, contract, list(champions), as_of=as_of)
        )
        oids = table_oids(transaction, source, is_past=read_at == "dated")
        bounds = shard_bounds(transaction, source, shards or shard_count(source.rows, workers, models=len(champions)))
        _tell_cost(shard_cost(transaction, source, bounds))
        act_as_writer(transaction)
        # Runs of a date are planned one after the other, so that the later one finds the earlier one to supersede.
        transaction.execute("publishing/lock_date", as_of=as_of)
        if not dry_run:
            require_neighbours(transaction, list(champions), as_of=as_of, history_days=contract.history_days)
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
            source=contract.origin.query_of(is_past=read_at == "dated") or contract.origin.table,
            source_time=read_at,
            source_oids=oids,
            contract_sha256=contract.digest,
        )
        if source.kind == "copy":
            give_to_run(transaction, source, run_id)
        for known, copy in aged.items():
            give_to_run(transaction, copy, run_id, known=known)
        _record(transaction, run_id, usable, bounds, key_type=sql.SQL(contract.key_type))
    if source.warning:
        log.warning("%s", source.warning)
    counted = f"{source.rows} {read_at} rows in {len(bounds) + 1} shards"
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
        "shards": list(range(len(bounds) + 1)),
    }


def _source(transaction: Transaction, contract: Contract, as_of: date, *, is_past: bool) -> Source:
    """Return what the run will read: the source, or a copy of it that is made here."""
    if not contract.origin.materialise:
        source = describe_source(transaction, contract, as_of=as_of, is_past=is_past)
        check_currency(transaction, contract, as_of=as_of)
        return source
    hold_off_forgetting(transaction)
    started, source = time.monotonic(), find_source(transaction, contract, as_of=as_of, is_past=is_past)
    check_currency(transaction, contract, as_of=as_of)
    copy = make_copy(transaction, source)
    log.info("%s rows of %s copied in %.1f s", copy.rows, source.name, time.monotonic() - started)
    return copy


def _tell_cost(cost: ShardCost | None) -> None:
    if cost is not None:
        log.log(logging.WARNING if cost.is_high else logging.INFO, "%s", cost.told)


def shard_count(rows: int, workers: int, *, models: int) -> int:
    """Return a multiple of the workers that have enough to do, so that no worker waits for the last shard.

    It is bounded by what readers lock, whatever the rows are: a retry may then cost more.
    """
    most = max(MOST_LABEL_TABLES // models, LEAST_MOST_SHARDS)
    busy = max(1, min(math.ceil(rows / ROWS_WORTH_A_SHARD), workers))
    rounds = math.ceil(rows / (busy * ROWS_A_RETRY_MAY_COST))
    return min(busy * rounds, most)


def shard_bounds(transaction: Transaction, source: Source, shards: int) -> list[str]:
    """Return the keys that cut the source into at most so many shards, each once; one less than there are shards."""
    if shards == 1:
        return []
    share = 100 * SAMPLED_KEYS / source.rows
    sampled = source.can_be_sampled and source.rows > max(EXACT_COUNT_BELOW, SAMPLED_KEYS)
    names = {
        "table": source.table,
        "key": source.key,
        # A seed makes the sample the same each time.
        "portion": sql.SQL("tablesample system ({}) repeatable (0)").format(sql.Literal(share))
        if sampled
        else sql.SQL(""),
    }
    with reading_errors(source.name):
        found = transaction.scalar("source/bounds", names, fractions=[number / shards for number in range(1, shards)])
    return source.bounds(found or [])


def _record(
    transaction: Transaction,
    run_id: int,
    usable: Usable,
    bounds: Sequence[str],
    *,
    key_type: sql.Composable,
) -> None:
    for version in [*(version for version, _ in usable.artifacts), *(version for version, _ in usable.failed)]:
        transaction.execute(
            "scoring/insert_run_model",
            run_id=run_id,
            model=version.model,
            model_version_id=version.model_version_id,
        )
    leave_out(transaction, run_id, usable.reasons)
    for shard, (lower, upper) in enumerate(zip([None, *bounds], [*bounds, None], strict=True)):
        transaction.execute(
            "scoring/insert_shard",
            {"key_type": key_type},
            run_id=run_id,
            shard=shard,
            lower_bound=lower,
            upper_bound=upper,
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
