"""Forget a customer: remove every row, prove that none is left, and take their values out of core points.

What was counted and published stays as it is: it says how many customers there were on that date. Centroids, means and
covariances are sums over thousands of customers, and stay too.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg2.extras import Json
from sqlalchemy.exc import DBAPIError

from clustering.config import Configuration
from clustering.customers import key_as_written
from clustering.errors import DataError, RunError
from clustering.privacy.core_points import CorePoint, Found, drop_core_points, find_customer
from clustering.privacy.customer_rows import analyze, left, merged_keys, remove, sent_to
from clustering.privacy.customer_tables import Table
from clustering.privacy.forgotten_files import remove_from_files, rewriting_files
from clustering.scoring.changes import tell_forgotten
from clustering.scoring.endings import end_run
from clustering.scoring.job_folders import sweep_jobs
from clustering.scoring.label_locations import sweep_files
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import WRITER, act_as_writer
from clustering.warehouse.staging_schema import STAGING
from clustering.warehouse.states import LOCK_NOT_AVAILABLE, UNDEFINED_TABLE, state_of

log = logging.getLogger(__name__)

LONGEST_WAIT = 30  # seconds, for what runs are doing


def forget(
    warehouse: Warehouse, configuration: Configuration, registry: Registry, *, customer_id: str | int, requested_by: str
) -> dict[str, Any]:
    """Remove a customer from every table of both schemas, prove it, and return what was done.

    `removed` counts the rows by table, `left` the rows that still hold the same characters somewhere (a number by
    chance, or words about the customer, to be removed by hand), `statistics` lists tables of which the planner's
    statistics still show them, `core_points` says of each version that has any whether the customer's values were among
    its core points, `source_rows` whether the source still has the customer, who then comes back with the next night,
    `source_files` in which files their rows are to be deleted by whoever writes those, `sent_to` to which destinations
    they were exported, where they are to be removed by hand. Keys whose records were merged into the customer's are
    forgotten too. Labels that are files are written anew without them. For `told_for_days`, a row of `segment_changes`
    tells those who follow it to remove the customer too; for 0 days, a row without the key has them read all members
    anew. All of it is one transaction. Raises DataError for what is no key, or a key that no row has, RunError while a
    run is being scored.
    """
    contract, request = configuration.contract, str(uuid.uuid4())
    key = key_as_written(customer_id, contract)
    sweep_jobs(warehouse, contract)
    sweep_files(warehouse)
    with rewriting_files() as files, warehouse.transaction() as transaction:
        lock_runs(transaction)
        held = _require_rest(transaction)
        transaction.execute("forgetting/lock_labels")
        tables = transaction.typed_rows(Table, "forgetting/tables", key=contract.key)
        with tables_that_stay():
            become_writer(transaction, [table for table in tables if table.is_the_writers])
            keys = [key, *merged_keys(transaction, contract, key)]
            sent = sent_to(transaction, contract, keys)
            told_before = [bool(transaction.execute("changes/delete_forgotten", customer_id=one)) for one in keys]
            removed = remove(transaction, tables, contract, keys)
        remove_from_files(transaction, contract, keys, files)
        removed |= files.removed
        ended = _end_held(transaction, held, removed, files.runs)
        tables = [table for table in tables if str(table) not in ended]
        found = find_customer(warehouse, contract, key)
        _require_known(key, removed, found)
        points = drop_core_points(transaction, registry, contract, found.valid)
        report = {
            "request": request,
            "removed": {name: rows for name, rows in removed.items() if rows},
            "left": left(transaction, tables, contract, keys),
            "statistics": sorted({name for one in keys for name in analyze(transaction, contract, one)}),
            "tables_searched": len(tables),
            "columns_searched": sum(table.columns for table in tables),
            "core_points": [point.told for point in points],
            "source_rows": found.rows,
            "source_files": list(found.files),
            "sent_to": sent,
            "told_for_days": contract.tombstone_days if (known := any(told_before) or any(removed.values())) else 0,
        }
        _record(transaction, report, points, requested_by)
        if known:
            for one in keys:
                tell_forgotten(transaction, one, days=contract.tombstone_days)
        files.is_complete = True
    for point in points:
        point.finish(registry.files)
    log.info("request %s: %s rows removed", request, sum(removed.values()))
    return report


def lock_runs(transaction: Transaction) -> None:
    """Keep runs from being planned and samples from being drawn; RunError where one is, and goes on.

    Nobody sees what either copies before it is committed, and behind a lock that waits for hours nights would wait too.
    """
    transaction.scalar("schema/limit_waiting", seconds=LONGEST_WAIT)
    try:
        transaction.execute("forgetting/lock_runs")
    except DBAPIError as error:
        if state_of(error) != LOCK_NOT_AVAILABLE:
            raise
        raise RunError(
            "customers are being copied for a run or a training, or a run is being published; nothing was changed, "
            "try again when that is done"
        ) from error
    transaction.execute("sessions/wait_as_before")


@contextmanager
def tables_that_stay() -> Iterator[None]:
    """Raise RunError where a table that was found has been dropped since: what is then locked stays."""
    try:
        yield
    except DBAPIError as error:
        if state_of(error) == UNDEFINED_TABLE:
            raise RunError(
                "a training's sample was dropped at this moment, and nothing was changed; try again"
            ) from error
        raise


def become_writer(transaction: Transaction, tables: Sequence[Table]) -> None:
    """Act as the writer, who is given those of its tables that somebody else has made."""
    for table in tables:
        if not table.is_partitioned and table.owner != WRITER:
            transaction.execute("scoring/hand_over", {"table": table.identifier})
    act_as_writer(transaction, written=[table.identifier for table in tables])


def _require_rest(transaction: Transaction) -> list[int]:
    """Return the held runs, locked; RunError where a run is being scored, or a held one decided on."""
    running = transaction.rows("forgetting/running")
    if running:
        named = ", ".join(f"{row.run_id} (as of {row.as_of})" for row in running)
        raise RunError(
            f"run {named} is being scored and would bring the customer back; wait until it is published, or end a dead "
            "one with `clustering abandon`, then forget the customer"
        )
    held = [row.run_id for row in transaction.rows("forgetting/held")]
    if transaction.scalar("forgetting/held_runs") > len(held):
        raise RunError("a held run is being decided on at this moment; forget the customer when that is done")
    return held


def _end_held(
    transaction: Transaction, held: Sequence[int], removed: Mapping[str, int], of_files: Collection[int]
) -> set[str]:
    """End the held runs that have staged the customer, whose counts and samples hold them too; return their tables.

    The night is to be run again: no other customer's label is lost that is published.
    """
    gone: set[str] = set()
    for run_id in held:
        staged = re.compile(rf"{STAGING}\.[a-z]+_{run_id}(_|$)")
        tables = {name for name in removed if staged.match(name)}
        if run_id in of_files or any(removed[name] for name in tables):
            end_run(transaction, run_id, "held, and a customer in it was forgotten; run the night again")
            gone |= tables
    return gone


def _require_known(key: str, removed: Mapping[str, int], found: Found) -> None:
    if any(removed.values()) or found.rows:
        return
    told = "" if found.rows is not None else ", and the source could not be read"
    raise DataError(
        f"no row has the key {key!r}{told}: nothing was changed; keys are compared as they are written, with every "
        "space, in upper and lower case"
    )


def _record(transaction: Transaction, report: dict[str, Any], points: Sequence[CorePoint], requested_by: str) -> None:
    """Note the request, without the customer."""
    dropped = Counter(point.outcome for point in points)
    for point in (point for point in points if point.outcome == "dropped"):
        transaction.execute(
            "audit/insert",
            action="drop_core_point",
            model=point.version.model,
            actor=requested_by,
            description=f"Version {point.version.version}: a core customer was forgotten, and the artifact made anew.",
            detail=Json({"request": report["request"], "before": point.version.artifact, "after": point.artifact}),
        )
    transaction.execute(
        "audit/insert",
        action="forget",
        model=None,
        actor=requested_by,
        description=f"A customer was forgotten: {sum(report['removed'].values())} rows were removed.",
        detail=Json({**report, "core_points": dict(dropped)}),
    )
