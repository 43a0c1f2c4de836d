"""The customers as they were known on the dates that precede a run's, for telling apart what passing time alone does.

Where they cannot be had, the run goes on without them.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Sequence
from datetime import date

from clustering.config import Contract
from clustering.errors import DataError
from clustering.scoring.preceding_runs import Base
from clustering.warehouse import Transaction
from clustering.warehouse.aged_source import find_aged_source
from clustering.warehouse.source import Source
from clustering.warehouse.source_copy import aged_copy_of_run, make_copy

log = logging.getLogger(__name__)


def copy_aged(
    transaction: Transaction, contract: Contract, models: Sequence[str], *, as_of: date
) -> dict[date, Source]:
    """Copy the customers as known on each date that precedes for some models, and return the copies by date."""
    copies: dict[date, Source] = {}
    if contract.aged_query is None:
        return copies
    asked = {"models": list(models), "as_of": as_of, "contract_sha256": contract.digest}
    for row in transaction.rows("history/preceding_dates", **asked):
        started = time.monotonic()
        try:
            with transaction.connection.begin_nested():
                source = find_aged_source(transaction, _numbers(contract), known=row.as_of, as_of=as_of)
                if source is not None:
                    copies[row.as_of] = make_copy(transaction, source)
        except DataError as error:
            _tell_unknown(error)
            continue
        log.info("%s copied in %.1f s, for by_time", f"customers as known on {row.as_of}", time.monotonic() - started)
    return copies


def find_aged(
    transaction: Transaction, contract: Contract, bases: Iterable[Base], *, run_id: int, as_of: date
) -> dict[date, Source]:
    """Return by date the customers as known on the dates that precede, where the source or a copy has them."""
    found: dict[date, Source] = {}
    for known in sorted({base.aged_from for base in bases if base.aged_from is not None}):
        try:
            with transaction.connection.begin_nested():
                source = _aged(transaction, _numbers(contract), known, run_id=run_id, as_of=as_of)
        except DataError as error:
            _tell_unknown(error)
            continue
        if source is not None:
            found[known] = source
    return found


def _aged(transaction: Transaction, contract: Contract, known: date, *, run_id: int, as_of: date) -> Source | None:
    if contract.aged_query is None:
        return None
    if contract.origin.materialise:
        return aged_copy_of_run(transaction, contract, run_id, known=known, as_of=as_of)
    return find_aged_source(transaction, contract, known=known, as_of=as_of)


def _numbers(contract: Contract) -> Contract:
    """Return the contract of the columns alone that a version can have learnt from."""
    return contract.only(contract.averaged)


def _tell_unknown(error: DataError) -> None:
    log.warning("%s; who moved by the passing of time stays unknown", error)
