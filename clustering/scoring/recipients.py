"""Who was sent in exports: told by labels while they are kept, and by lists before they are dropped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from psycopg2 import sql

from clustering.config import KeyType
from clustering.errors import WarehouseError
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.roles import act_as_writer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Told:
    """How it is told who was sent in an attempt: by a label set, but for who was left out, or else by a list."""

    export_id: int | None
    label_set: int | None
    segments: list[int] | None  # None: all
    min_confidence: float | None


def members_of(transaction: Transaction, attempt: Told) -> sql.Composable:
    """Return the query of whom an attempt sent."""
    if attempt.label_set is None:
        return _query(transaction, "exports/listed", {"export_id": sql.Literal(attempt.export_id)})
    names = {
        "export_id": sql.SQL("{}::bigint").format(sql.Literal(attempt.export_id)),
        "label_set": sql.Literal(attempt.label_set),
        "segments": sql.SQL("{}::integer[]").format(sql.Literal(attempt.segments)),
        "min_confidence": sql.Literal(attempt.min_confidence),
    }
    return _query(transaction, "exports/labelled", names)


def known_members(transaction: Transaction, attempts: Sequence[Told], key_type: KeyType) -> sql.Composable:
    """Return the query of whom attempts sent, each customer once, with the number of attempts as `times`."""
    if not attempts:
        members = [_query(transaction, "exports/nobody", {"key_type": sql.SQL(key_type)})]
    else:
        members = [members_of(transaction, one) for one in attempts]
    if len(members) == 1:
        return sql.SQL("select one.customer_id, 1 as times from ({}) as one").format(members[0])
    every = sql.SQL(" union all ").join(sql.SQL("({})").format(one) for one in members)
    return sql.SQL("select one.customer_id, count(*) as times from ({}) as one group by one.customer_id").format(every)


def list_members(
    transaction: Transaction, members: sql.Composable, *, export_id: int, is_left_out: bool = False
) -> None:
    """List customers as sent in an attempt, or as left out of whom its labels tell."""
    transaction.execute(
        "exports/list_members", {"audience_keys": members}, export_id=export_id, is_left_out=is_left_out
    )


def list_recipients(warehouse: Warehouse, run_id: int, *, wait: int) -> bool:
    """List whom the labels of a run tell as sent, before they are dropped; return whether that was done in time."""
    try:
        with warehouse.transaction() as transaction:
            _begin(transaction, wait)
            for row in transaction.rows("exports/of_run", run_id=run_id):
                if row.is_to_be_listed:
                    told = Told(row.export_id, row.label_set, row.segments, row.min_confidence)
                    list_members(transaction, members_of(transaction, told), export_id=row.export_id)
                transaction.execute("exports/leave_labels", export_id=row.export_id)
    except WarehouseError as error:
        log.warning("who was sent of run %s is listed the next night, its labels stay until then: %s", run_id, error)
        return False
    return True


def merge_recipients(warehouse: Warehouse, *, wait: int) -> None:
    """Put lists together that nobody compares with any more, so that each customer stands there once."""
    try:
        with warehouse.transaction() as transaction:
            _begin(transaction, wait)
            for row in transaction.rows("exports/mergeable"):
                transaction.execute("exports/merge", **row._mapping)
    except WarehouseError as error:
        log.warning("lists of who was sent are put together the next night: %s", error)


def _begin(transaction: Transaction, wait: int) -> None:
    act_as_writer(transaction)
    transaction.scalar("schema/limit_waiting", seconds=wait)
    transaction.execute("exports/hold_forgetting")


def _query(transaction: Transaction, name: str, names: dict[str, sql.Composable]) -> sql.Composable:
    # The comment at the end of a statement would swallow what follows it.
    return sql.SQL(transaction.compose(name, names) + "\n")
