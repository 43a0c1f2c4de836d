"""Rows as CSV, Parquet or JSON lines, written as they come."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from clustering.exports.audience_rows import AudienceRows, Lines

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PIECE = 1 << 20  # bytes that a file system is given at a time


def write_rows(rows: AudienceRows, stream: Any) -> int:
    """Write lines as they are, or batches as Parquet, to a stream that is left open; return the number of rows."""
    if isinstance(rows, Lines):
        return _write_lines(rows, stream)
    counted, writer = 0, None
    try:
        for batch in rows:
            writer = writer or _writer(stream, batch.schema)
            writer.write_batch(batch)
            counted += batch.num_rows
        writer = writer or _writer(stream, rows.schema())
    finally:
        if writer is not None:
            writer.close()
    return counted


def _writer(stream: Any, schema: pa.Schema) -> parquet.ParquetWriter:
    # A dictionary of values that are all different costs more than all the rest.
    repeated = [one.name for one in schema if one.name != "customer_id" and not pa.types.is_floating(one.type)]
    return parquet.ParquetWriter(stream, schema, use_dictionary=repeated)


def _write_lines(lines: Lines, stream: Any) -> int:
    pieces = _Pieces(stream)
    buffered = io.BufferedWriter(pieces, PIECE)
    try:
        counted = lines.write(buffered)
        buffered.flush()
    finally:
        pieces.is_over = True  # what an error has left in the buffer goes nowhere
        buffered.close()
    return counted


class _Pieces(io.RawIOBase):
    """A stream of Arrow's as Python buffers one: the server gives a row at a time."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self.is_over = False

    def writable(self) -> bool:
        return True

    def write(self, piece: ReadableBuffer) -> int:
        octets = memoryview(piece)
        if not self.is_over:
            self._stream.write(octets)
        return octets.nbytes
