"""The rows of a shard, out of a table or of files, behind one face: batches, keys of several rows, and a last look."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import pyarrow as pa

from clustering.config import Contract
from clustering.customers import Reading, as_keys
from clustering.lake.file_source import FilePart, FileSource, files_of_parts
from clustering.scoring.manifest import PlannedShard
from clustering.scoring.passing_time import PassingTime
from clustering.scoring.preceding_runs import Bounds
from clustering.scoring.replaced_tables import require_same_tables
from clustering.scoring.source_rows import Queries, compose_queries, duplicated_keys, source_of_run
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.bulk import ArrowConnection, reading_rows
from clustering.warehouse.source import Source


@dataclass(frozen=True)
class OpenTable:
    """Rows of a range of keys that are being read; `planned` is of the run, or None where nothing was planned."""

    reader: ArrowConnection
    source: Source
    queries: Queries
    planned: tuple[int, PlannedShard] | None

    @property
    def reading(self) -> Reading:
        """How the rows are written."""
        return self.source.reading

    def duplicated(self, contract: Contract) -> pa.Array | None:
        """Return the keys that stand in several rows, typed as a valid key; None where each stands once."""
        if self.source.has_unique_key:
            return None
        return duplicated_keys(self.reader, self.queries.duplicated_keys, contract)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows."""
        return self.reader.batches(self.queries.rows)

    def require_unchanged(self, transaction: Transaction) -> None:
        """Raise RunError where a table was replaced since the run was planned."""
        if self.planned is not None:
            run_id, planned = self.planned
            require_same_tables(self.reader, transaction, self.source, planned, run_id)

    def passing_time(self, aged: Mapping[date, Source], contract: Contract, bounds: Bounds) -> PassingTime | None:
        """Return what reads customers as they were known on former dates."""
        return PassingTime(self.reader, aged, contract, bounds)


@dataclass(frozen=True)
class OpenFiles:
    """Rows of parts of files that are being read, and their keys that stand in several rows of the run."""

    source: FileSource
    repeated: pa.Array

    @property
    def reading(self) -> Reading:
        """How the rows are written."""
        return self.source.reading

    def duplicated(self, contract: Contract) -> pa.Array | None:
        """Return the keys that stand in several rows, typed as a valid key; None where each stands once."""
        return as_keys(self.repeated, contract) if len(self.repeated) else None

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows; DataError for a file that is not what it was when the run was planned."""
        return self.source.batches()

    def require_unchanged(self, transaction: Transaction) -> None:
        """Do nothing: each file is looked at when it has been read."""

    def passing_time(self, aged: Mapping[date, Source], contract: Contract, bounds: Bounds) -> PassingTime | None:
        """Return None: files are not read as they were known on former dates."""
        return None


@dataclass(frozen=True)
class TableRows:
    """Rows of a table, view, query or copy that have been found."""

    source: Source
    queries: Queries
    planned: tuple[int, PlannedShard] | None = None
    has_range: bool = True  # they are all rows between two keys, by which labels of nights can be compared

    @contextmanager
    def opened(self, warehouse: Warehouse) -> Iterator[OpenTable]:
        """Read them until the end of a block."""
        with reading_rows(self.source), ArrowConnection(warehouse.uri, read_only=True) as reader:
            yield OpenTable(reader, self.source, self.queries, self.planned)


@dataclass(frozen=True)
class FileRows:
    """Rows of parts of files that have been found."""

    contract: Contract
    parts: Sequence[FilePart]
    repeated: Sequence[str]
    as_of: date
    has_range: bool = False

    @contextmanager
    def opened(self, warehouse: Warehouse) -> Iterator[OpenFiles]:
        """Read them until the end of a block."""
        source = files_of_parts(self.contract, self.parts, as_of=self.as_of)
        yield OpenFiles(source, pa.array(self.repeated, pa.string()))


ShardRows: TypeAlias = TableRows | FileRows


def find_shard_rows(
    transaction: Transaction, contract: Contract, planned: PlannedShard, *, run_id: int, shard: int
) -> ShardRows:
    """Find what a planned shard reads, with the columns of this contract."""
    if planned.files is not None:
        parts = [FilePart.from_document(part) for part in planned.files]
        return FileRows(contract, parts, planned.repeated_keys or (), planned.as_of)
    source = source_of_run(transaction, contract, planned, run_id)
    keys = source.in_range(planned.lower_bound, planned.upper_bound, takes_null=shard == 0)
    return TableRows(source, compose_queries(transaction, source, keys), (run_id, planned))
