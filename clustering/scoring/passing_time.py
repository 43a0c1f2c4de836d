"""Tell apart whom the passing of time alone moved, while a shard is staged.

The version that labelled the preceding date is asked about the customers as they were known on that date, with what
moves with the date counted up to the run's. Whom it would have moved just so has done nothing. What cannot be asked
stays unknown, and fails no shard: no label depends on it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.customers import split
from clustering.errors import DataError
from clustering.scoring.labeller import Labeller
from clustering.scoring.preceding_runs import Base, Bounds
from clustering.scoring.stored_keys import stored
from clustering.warehouse import Transaction
from clustering.warehouse.bulk import ArrowConnection, reading_rows
from clustering.warehouse.copying import copy_binary
from clustering.warehouse.source import Source

log = logging.getLogger(__name__)

FEW = 20_000  # customers who are read by their keys; more by the shard's range


@dataclass(frozen=True)
class Moved:
    """The staged changes of a version's labels, and the preceding date's version, which is `asked`."""

    version: int
    base: Base
    changes: sql.Identifier
    aged: sql.Identifier  # the table for where they would be had only time passed
    asked: Labeller


class PassingTime:
    """Reads, for one shard, customers as they were known on the dates that precede."""

    def __init__(
        self, reader: ArrowConnection, sources: Mapping[date, Source], contract: Contract, bounds: Bounds
    ) -> None:
        self._reader = reader
        self._sources = sources
        self._contract = contract
        self._bounds = bounds

    def tell_apart(self, transaction: Transaction, moved: Sequence[Moved]) -> set[int]:
        """Mark in the staged changes whom only time moved, and return the versions of which that is known."""
        told: set[int] = set()
        for known, source in self._sources.items():
            asked = [one for one in moved if one.base.aged_from == known]
            if asked and self._mark(transaction, source, asked):
                told |= {one.version for one in asked}
        return told

    def _mark(self, transaction: Transaction, source: Source, asked: Sequence[Moved]) -> bool:
        keys = self._keys(transaction, source, asked)
        if keys is None:
            return True
        for one in asked:
            names = {"table": one.aged, "key_type": sql.SQL(self._contract.key_type)}
            transaction.execute("history/create_aged", names)
        try:
            self._stage(transaction, source, asked, keys)
        except DataError as error:
            log.warning("%s; who moved by the passing of time stays unknown", error)
            is_told = False
        else:
            for one in asked:
                transaction.execute("scoring/analyze", {"table": one.aged})
                transaction.execute("history/mark_by_time", {"changes": one.changes, "aged": one.aged})
            is_told = True
        for one in asked:
            transaction.execute("scoring/drop_table", {"table": one.aged})
        return is_told

    def _keys(self, transaction: Transaction, source: Source, asked: Sequence[Moved]) -> sql.Composable | None:
        """Return the condition for the customers to ask about; None where nobody moved."""
        found: set[str] = set()
        for one in asked:
            rows = transaction.rows("history/movers", {"changes": one.changes}, most=FEW + 1)
            found.update(row.key for row in rows)
        if len(found) > FEW:
            return source.in_range(self._bounds.lower, self._bounds.upper, takes_null=False)
        return source.with_keys(sorted(found)) if found else None

    def _stage(self, transaction: Transaction, source: Source, asked: Sequence[Moved], keys: sql.Composable) -> None:
        features = {column for one in asked for column in one.asked.scaling.columns}
        needed = {column for one in asked for column in one.asked.scaling.always_present}
        narrowed = source.narrowed(source.contract.only(features).requiring(needed))
        names = {"table": source.table, "range": keys, "columns": narrowed.select_list()}
        with reading_rows(source):
            for batch in self._reader.batches(transaction.compose("source/rows", names)):
                valid = split(batch, narrowed.contract, narrowed.reading).valid
                if valid.num_rows:
                    _write(
                        transaction, asked, valid, stored(valid.column(narrowed.contract.key), self._bounds.key_type)
                    )


def _write(transaction: Transaction, asked: Sequence[Moved], valid: pa.RecordBatch, keys: pa.Array) -> None:
    for one in asked:
        labels = one.asked.assign(one.asked.scaling.apply(valid)).labels
        rows = {"segment_id": pa.array(one.asked.segments[labels + 1]), "customer_id": keys}
        copy_binary(transaction, "scoring/copy_labels", pa.record_batch(rows), {"table": one.aged})
