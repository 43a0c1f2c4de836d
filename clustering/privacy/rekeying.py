"""Give customers other keys: history and labels go over, so that the next night takes nobody for gone or new."""

from __future__ import annotations

import csv
import logging
import uuid
from collections.abc import Iterator, Sequence
from itertools import count, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from psycopg2 import sql
from psycopg2.extras import Json

from clustering.config import Configuration, Contract
from clustering.customers import convert
from clustering.errors import DataError, RunError
from clustering.privacy.customer_tables import Table
from clustering.privacy.forgetting import become_writer, lock_runs, tables_that_stay
from clustering.scoring.changes import tell_anew
from clustering.scoring.recipients import Told, known_members
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.copying import copy_text
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)

HEADER = ["old", "new"]
KEEPS = "keeps"  # a third column, of records that are merged
BATCH = 100_000  # pairs


def rekey(warehouse: Warehouse, configuration: Configuration, *, path: Path, requested_by: str) -> dict[str, Any]:
    """Give customers the new keys of a CSV file `old,new` in every table, and return what was done.

    Where records are merged, the one row whose `keeps` is yes has the history of the new key; that of the others ends
    with the next night, and they are forgotten with the customer.

    `customers` counts the pairs, `known` those whose former key has a history that goes over, `merged` those whose
    history does not, `rows` the rows by table. All of it is
    one transaction, and whoever follows `segment_changes` is told to read all members anew. Raises DataError for
    another file, or keys that are ambiguous, taken or forgotten; RunError while a run is being scored or is held.
    """
    contract, pairs = configuration.contract, staging_table("rekeyed")
    names = {"table": pairs, "pairs": pairs, "key_type": sql.SQL(contract.key_type)}
    with warehouse.transaction() as transaction:
        lock_runs(transaction)
        _require_rest(transaction)
        _require_rows(transaction)
        _require_nothing_sent(transaction)
        transaction.execute("forgetting/lock_labels")
        tables = transaction.typed_rows(Table, "forgetting/tables", key=contract.key)
        with tables_that_stay():
            become_writer(transaction, [table for table in tables if table.is_the_writers])
        transaction.execute("rekeying/create", names)
        for batch in _read(path, contract):
            copy_text(transaction, "rekeying/copy", batch, names)
        for query in ("rekeying/index", "scoring/analyze"):
            transaction.execute(query, names)
        _require_clear(transaction, pairs)
        (counted,) = transaction.rows("rekeying/known", names)
        # A copy whose source has keys of another type stays as it is until the next night.
        changed = [table for table in tables if table.key_type == contract.key_type or not table.is_copy]
        for query in ("rekeying/note_merged", "rekeying/leave_merged"):
            transaction.execute(query, names)
        _note_former_keys(transaction, contract, pairs)
        rows = {str(table): _update(transaction, table, contract, pairs) for table in changed if table.key}
        rows["segmentation.export_recipients"] = transaction.execute("exports/update_listed", names)
        transaction.execute("scoring/drop_table", names)
        report = {
            "request": str(uuid.uuid4()),
            "customers": counted.given,
            "known": counted.known,
            "merged": counted.merged,
            "rows": {name: changed for name, changed in rows.items() if changed},
        }
        _record(transaction, report, requested_by)
        # Theirs have the former keys.
        tell_anew(transaction)
    log.info("request %s: %s customers have another key", report["request"], counted.known)
    return report


def _require_rest(transaction: Transaction) -> None:
    running = transaction.rows("forgetting/running")
    if running or transaction.scalar("forgetting/held_runs"):
        what = f"run {running[0].run_id} is being scored" if running else "a run is held"
        raise RunError(f"{what}, and has read the former keys; wait until it is published or abandoned, then try again")


def _require_rows(transaction: Transaction) -> None:
    if transaction.rows("label_files/with_files"):
        raise RunError(
            "labels are files, whose keys are not changed, and there is no history that could go over: write the new "
            "keys to the source and run the night, and forget a customer by both keys; nothing was changed"
        )


def _require_nothing_sent(transaction: Transaction) -> None:
    """Keep audiences of changes from being sent until the transaction ends; RunError where one is, by former keys."""
    for row in transaction.rows("exports/followed"):
        if not transaction.scalar("exports/take_turn", **row._mapping):
            raise RunError(
                f"the audience {row.audience} is being sent to {row.destination}, by the former keys; nothing was "
                "changed, try again after it"
            )


def _read(path: Path, contract: Contract) -> Iterator[pa.RecordBatch]:
    """Yield the pairs of a file as texts; DataError for a file of another form, or what is no key."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.reader(file, strict=True)
            if (header := next(lines, [])) not in (HEADER, [*HEADER, KEEPS]):
                raise DataError(
                    f"{path}: the first line is {','.join(header)!r}, and has to be 'old,new', or 'old,new,keeps' "
                    "where records are merged"
                )
            for first in count(2, BATCH):
                if not (some := list(islice(lines, BATCH))):
                    return
                yield _batch(path, some, contract, width=len(header), first=first)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV in UTF-8: {error}") from error


def _batch(path: Path, lines: Sequence[Sequence[str]], contract: Contract, *, width: int, first: int) -> pa.RecordBatch:
    wrong = next((number for number, line in enumerate(lines) if len(line) != width), None)
    if wrong is not None:
        needed = "old and new" if width == len(HEADER) else "old, new and keeps"
        raise DataError(f"{path}: row {first + wrong} has {len(lines[wrong])} values, and needs {needed}")
    keeps = [line[-1] if width > len(HEADER) else "yes" for line in lines]
    unclear = next((number for number, said in enumerate(keeps) if said not in ("yes", "no")), None)
    if unclear is not None:
        raise DataError(f"{path}: row {first + unclear}: keeps is {keeps[unclear]!r}, and has to be yes or no")
    columns = [pa.array([line[place] for line in lines], pa.string()) for place in range(len(HEADER))]
    for column in columns:
        found = column if contract.key_type == "text" else convert(column, contract.key_type, exact=True).values
        bad = next((n for n, one in enumerate(column.to_pylist()) if not found[n].is_valid or "\0" in one), None)
        if bad is not None:
            raise DataError(
                f"{path}: row {first + bad}: {column[bad].as_py()!r} is no key of a customer: {contract.key} is "
                f"{contract.key_type}"
            )
    return pa.record_batch([*columns, pa.array(keeps)], names=[*HEADER, KEEPS])


def _require_clear(transaction: Transaction, pairs: sql.Identifier) -> None:
    for fault in transaction.rows("rekeying/faults", {"table": pairs}):
        others = f", and {fault.keys - 1} others like it" if fault.keys > 1 else ""
        raise DataError(f"the key {fault.example!r} {fault.told}{others}; nothing was changed")


def _update(transaction: Transaction, table: Table, contract: Contract, pairs: sql.Identifier) -> int:
    is_comparable = table.key_type == contract.key_type or table.has_numbers(contract.key_type)
    names = {
        "table": table.identifier,
        "column": sql.Identifier(table.key or ""),
        "cast": sql.SQL("" if is_comparable else "::text"),
        "pairs": pairs,
    }
    return transaction.execute("rekeying/update", names)


def _note_former_keys(transaction: Transaction, contract: Contract, pairs: sql.Identifier) -> None:
    """Note by which keys the destinations of changes know the customers, before nothing here has these any more."""
    for row in transaction.rows("exports/followed"):
        told = transaction.typed_rows(Told, "exports/attempts", **row._mapping, as_of=None)
        names = {"pairs": pairs, "known": known_members(transaction, told, contract.key_type)}
        transaction.execute("exports/note_former_keys", names, **row._mapping)


def _record(transaction: Transaction, report: dict[str, Any], requested_by: str) -> None:
    transaction.execute(
        "audit/insert",
        action="rekey",
        model=None,
        actor=requested_by,
        description=(
            f"{report['known']} customers have another key, and {report['merged']} were merged: "
            f"{sum(report['rows'].values())} rows were changed."
        ),
        detail=Json(report),
    )
