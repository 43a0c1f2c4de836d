"""Drop the labels of runs that nobody needs any more.

A task of its own after publishing, because it must wait for readers and publishing must not. It gives up after a few
seconds and goes on where it stopped the next time; it never raises for a reader that is in the way.
"""

from __future__ import annotations

import logging
from typing import Any

from psycopg2 import errors
from sqlalchemy.exc import DBAPIError

from clustering.config import Configuration, Contract
from clustering.errors import ClusteringError, WarehouseError
from clustering.scoring.endings import end_overdue
from clustering.scoring.job_folders import sweep_jobs
from clustering.scoring.label_locations import drop_files, sweep_files
from clustering.scoring.label_sets import LabelSet, partition, read_label_sets
from clustering.scoring.recipients import list_recipients, merge_recipients
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.connection import NO_NAMES, Names
from clustering.warehouse.roles import HISTORY, act_as_writer
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)

LOCK_SECONDS = 5  # that are waited for a lock
BATCH = 100_000  # rows of changes that one transaction removes
FIGURE_DAYS = 400  # that the figures of a night are kept; nights are judged by those of the last hundred

# A lock that is held, and what a statement meets where another retention is doing the same: a table that is detached
# or dropped in between, or is about to be.
IN_THE_WAY = (
    errors.LockNotAvailable,
    errors.DeadlockDetected,
    errors.UndefinedTable,
    errors.ObjectNotInPrerequisiteState,
    errors.InternalError_,
)


def drop_expired(warehouse: Warehouse, configuration: Configuration) -> dict[str, Any]:
    """Drop the labels and rejected rows of all but the newest runs, and return what was dropped and what was left.

    Kept are the `label_runs` newest dates' runs and whatever is current for some model. Nothing is dropped while a
    transaction is open that began before the last publication or retirement: it may still follow the former pointer. Of
    the copies of the source, that of the latest date stays for whoever asks for single customers, while the contract
    asks for copies. Whom the labels told as sent to other systems is listed before they go. Where the contract limits
    the history, older periods go too, and so does what was told of changes long ago. Held runs end on which nobody
    decided in time.
    """
    dropped: list[int] = []
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        end_overdue(transaction, hours=configuration.contract.checks.decide_within_hours)
    with warehouse.autocommit() as session:
        session.execute("retention/set_lock_timeout")
        # For the plans that were made while the last publication was being committed, see current_label_sets.
        _unless_held(session, "pointer/announce")
        expired = [row.run_id for row in session.rows("retention/expired_runs", keep=configuration.contract.label_runs)]
        readers = session.scalar("retention/old_readers") if expired else 0
        act_as_writer(session, session=True)
        for run_id in expired if not readers else []:
            if not (_expire(warehouse, run_id) and _drop(warehouse, session, run_id)):
                break
            dropped.append(run_id)
        for row in session.rows("retention/old_copies", keep=configuration.contract.origin.materialise):
            _unless_held(session, "retention/drop_copy", {"table": staging_table(row.name)})
        session.execute("retention/delete_refused", keep=configuration.contract.label_runs)
        session.execute("retention/delete_figures", days=FIGURE_DAYS)
        left = [row.run_id for row in session.rows("retention/expired_runs", keep=configuration.contract.label_runs)]
    if days := configuration.contract.history_days:
        with warehouse.transaction() as transaction:
            act_as_writer(transaction, written=[HISTORY])
            log.info("%s periods of the history removed", transaction.execute("retention/delete_history", days=days))
    if left:
        log.warning("labels of runs %s stay until the transactions that may read them end (%s now)", left, readers)
    _sweep(warehouse, configuration.contract)
    merge_recipients(warehouse, wait=LOCK_SECONDS)
    _expire_changes(warehouse, configuration)
    log.info("labels of %s runs dropped", len(dropped))
    return {"dropped": dropped, "left": left, "readers": readers}


def _sweep(warehouse: Warehouse, contract: Contract) -> None:
    try:
        sweep_jobs(warehouse, contract)
        sweep_files(warehouse)
    except ClusteringError as error:
        log.warning("files of labels that came to nothing stay until the next night: %s", error)


def _expire(warehouse: Warehouse, run_id: int) -> bool:
    """Keep a run from becoming current again by a withdrawal, and return whether it can be kept from it."""
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        if not transaction.rows("retention/lock_run", run_id=run_id):
            return False
        return bool(transaction.rows("retention/expire", run_id=run_id))


def _expire_changes(warehouse: Warehouse, configuration: Configuration) -> None:
    """Remove what was told long ago, below a row that says so and is there first."""
    contract = configuration.contract
    tombstones = {"tombstone_days": contract.tombstone_days}
    try:
        with warehouse.transaction() as transaction:
            act_as_writer(transaction)
            transaction.scalar("schema/limit_waiting", seconds=LOCK_SECONDS)
            transaction.execute("changes/hold")
            first_kept = transaction.scalar("changes/first_kept", days=contract.change_days)
            transaction.execute("changes/mark", first_kept=first_kept, **tombstones)
            transaction.execute("changes/delete_marks", **tombstones)
    except WarehouseError as error:
        log.warning("what was told of changes long ago stays until the next night: %s", error)
        return
    deleted = BATCH
    while deleted == BATCH:
        with warehouse.transaction() as transaction:
            act_as_writer(transaction)
            first_kept = transaction.scalar("changes/first_kept", days=contract.change_days)
            deleted = transaction.execute("changes/delete_old", first_kept=first_kept, rows=BATCH)


def _drop(warehouse: Warehouse, session: Transaction, run_id: int) -> bool:
    return list_recipients(warehouse, run_id, wait=LOCK_SECONDS) and _drop_labels(warehouse, session, run_id)


def _drop_labels(warehouse: Warehouse, session: Transaction, run_id: int) -> bool:
    """Drop the label sets of a run, and return whether all of them are gone."""
    if not all(_drop_label_set(session, one) for one in read_label_sets(session, run_id).values()):
        return False
    try:
        with warehouse.transaction() as transaction:
            act_as_writer(transaction)
            transaction.scalar("schema/limit_waiting", seconds=LOCK_SECONDS)
            transaction.execute("source/hold_off_forgetting")  # which writes files anew
            drop_files(transaction, run_id)
    except ClusteringError as error:
        log.warning("the labels of run %s stay until the next night: %s", run_id, error)
        return False
    session.execute("retention/delete_rejected", run_id=run_id)
    session.execute("retention/delete_label_names", run_id=run_id)
    session.execute("retention/mark_dropped", run_id=run_id)
    return True


def _drop_label_set(session: Transaction, one: LabelSet) -> bool:
    names = {"parent": partition(one.model_table), "table": one.table}
    state = session.scalar("retention/partition_state", table=one.table_name)
    if state == "attached":
        detached = _unless_held(session, "retention/detach", names)
    else:
        detached = state != "pending" or _unless_held(session, "retention/finalize_detach", names)
    return state == "gone" or (detached and _unless_held(session, "retention/drop_labels", names))


def _unless_held(session: Transaction, query: str, names: Names = NO_NAMES) -> bool:
    """Run a statement and return whether it was let: a lock is not waited for long, and others may do the same."""
    try:
        session.execute(query, names)
    except DBAPIError as error:
        if not isinstance(error.orig, IN_THE_WAY):
            raise
        return False
    return True
