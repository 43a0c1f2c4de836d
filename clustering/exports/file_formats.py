"""Rows as CSV, Parquet or JSON lines, written as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

import pyarrow as pa
from pyarrow import csv, parquet

from clustering.config.declared_exports import Format


def write_rows(batches: Iterable[pa.RecordBatch], stream: Any, form: Format, *, schema: Callable[[], pa.Schema]) -> int:
    """Write batches to a stream that is left open, and return how many rows there were.

    JSON lines are written of batches with one column, a text a row. `schema` is asked for where there is no batch.
    """
    coming = iter(batches)
    first = next(coming, None)
    counted = _Counted(chain([] if first is None else [first], coming))
    if form == "jsonl":
        for batch in counted:
            stream.write("".join(f"{line}\n" for line in batch.column(0).to_pylist()).encode())
        return counted.rows
    with _writer(stream, schema() if first is None else first.schema, form) as writer:
        for batch in counted:
            writer.write_batch(batch)
    return counted.rows


class _Counted:
    """Batches, and how many rows there were in those that have been taken."""

    def __init__(self, batches: Iterable[pa.RecordBatch]) -> None:
        self._batches = batches
        self.rows = 0

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch


def _writer(stream: Any, schema: pa.Schema, form: Format) -> Any:
    return parquet.ParquetWriter(stream, schema) if form == "parquet" else csv.CSVWriter(stream, schema)
