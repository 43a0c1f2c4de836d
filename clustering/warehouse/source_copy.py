"""Copies of the source: what a view or query gives, made once for a run, kept for who asks for single customers."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import date

from psycopg2 import sql

from clustering.config import Contract
from clustering.errors import DataError, RunError
from clustering.warehouse.connection import Row, Transaction
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.source import Source, find_columns, require_rows
from clustering.warehouse.source_types import INTEGERS
from clustering.warehouse.staging_schema import STAGING, staging_table
from clustering.warehouse.subquery import reading_errors


def make_copy(transaction: Transaction, source: Source) -> Source:
    """Copy a source into a staging table with an index on the key, and return that; it belongs to no run yet.

    The key has the contract's name, as in every table of ours; the other columns have their own, and are as they were.
    Raises DataError where the source cannot be read to its end, or has no rows.
    """
    name = f"source_new_{secrets.token_hex(4)}"
    copy, key = staging_table(name), sql.Identifier(source.contract.key)
    others = [sql.Identifier(source.columns[column].header) for column in source.contract.used[1:]]
    # An integer as the contract's, so that what compares or changes keys finds one type in all of our tables.
    is_integer = source.contract.key_type == "bigint" and source.columns[source.contract.key].pg_type in INTEGERS
    typed = sql.SQL("::bigint" if is_integer else "")
    columns = sql.SQL(", ").join([sql.SQL("{}{} as {}").format(source.key, typed, key), *others])
    with reading_errors(source.name):
        rows = transaction.execute("source/make_copy", {"copy": copy, "columns": columns, "table": source.table})
    require_rows(source, rows)
    transaction.execute("source/index_copy", {"copy": copy, "key": key})
    for query in ("scoring/analyze", "scoring/hand_over"):
        transaction.execute(query, {"table": copy})
    made = _described(transaction, source.contract, name, source.as_of)
    return replace(made, rows=rows, warning=source.warning)


def hold_off_forgetting(transaction: Transaction) -> None:
    """Keep customers from being forgotten until the transaction ends, and wait until somebody has been.

    Nobody else sees a copy or a sample before it is committed, so a customer would be left in it and come back.
    """
    act_as_writer(transaction)
    transaction.execute("source/hold_off_forgetting")
    transaction.execute("sessions/act_as_login")


def give_to_run(transaction: Transaction, copy: Source, run_id: int, *, known: date | None = None) -> None:
    """Name a copy after the run that reads it, with which it is dropped, and the former date that it is known on."""
    transaction.execute("source/name_copy", {"copy": copy.table, "name": sql.Identifier(_name(run_id, known))})


def copy_of_run(transaction: Transaction, contract: Contract, run_id: int, as_of: date) -> Source:
    """Return the copy that a run of a date reads; RunError where it is gone."""
    try:
        return _described(transaction, contract, _name(run_id), as_of)
    except LookupError:
        raise RunError(f"the copy of the source that run {run_id} reads is gone; start a new run") from None


def aged_copy_of_run(
    transaction: Transaction, contract: Contract, run_id: int, *, known: date, as_of: date
) -> Source | None:
    """Return a run's copy of the customers as known on a former date; None where it has none."""
    try:
        return _described(transaction, contract, _name(run_id, known), as_of)
    except LookupError:
        return None


def latest_copy(transaction: Transaction, contract: Contract) -> Source | None:
    """Return the copy of the latest published date; None where there is none with the contract's columns."""
    found = transaction.row("source/latest_copy") if contract.origin.materialise else None
    try:
        return None if found is None else _described(transaction, contract, found.name, found.as_of)
    except (DataError, LookupError):
        return None


def _name(run_id: int, known: date | None = None) -> str:
    return f"source_{run_id}" if known is None else f"source_{run_id}_{known:%Y%m%d}"


def _described(transaction: Transaction, contract: Contract, name: str, as_of: date) -> Source:
    """Return a copy as a source; LookupError where it is gone."""
    found: Row | None = transaction.row("source/copy", name=name)
    if found is None:
        raise LookupError(name)
    columns = find_columns(
        contract, {row.name: row.type for row in transaction.rows("source/columns", relation=found.oid)}
    )
    return Source(
        contract=contract,
        kind="copy",
        name=f"the copy {STAGING}.{name}",
        table=staging_table(name),
        columns=columns,
        rows=int(found.estimate),
        as_of=as_of,
        has_unique_key=transaction.scalar("source/unique_key", relation=found.oid, column=contract.key),
        can_be_sampled=True,
    )
