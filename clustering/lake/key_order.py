"""The customers that a training draws from files: those with the smallest MD5 of the key's text.

Every engine has MD5, so a table and files with the same customers give the same sample, whatever the order of the rows.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clustering.customers import convert
from clustering.errors import DataError
from clustering.lake.file_source import FileSource

DIGEST = "key_digest"


def first_rows(source: FileSource, rows: int, *, seconds: float | None = None) -> pa.Table:
    """Return at most so many rows with a key, in the order of the MD5 of its text in UTF-8, then of the key.

    Columns are `source.contract.used`. Memory grows with the rows that are wanted, not with the files. Raises DataError
    where reading takes longer than it may.
    """
    started, schema = time.monotonic(), source.schema
    kept: list[pa.Table] = []
    last: bytes | None = None
    for batch in source.batches():
        taken = _with_digests(batch.cast(schema), source)
        if last is not None:
            taken = taken.filter(pc.less_equal(taken[DIGEST], pa.scalar(last, pa.binary())))
        kept.append(taken)
        if sum(one.num_rows for one in kept) > 2 * rows:
            kept = [_first(kept, source, rows)]
            last = kept[0][DIGEST][rows - 1].as_py()
        if seconds is not None and time.monotonic() - started > seconds:
            raise DataError(f"{source.name} are not read within {seconds:g} s: the keys of all are, for a sample")
    if not kept:
        return schema.empty_table()
    return _first(kept, source, rows).drop_columns([DIGEST])


def digests(keys: pa.StringArray) -> pa.BinaryArray:
    """Return the MD5 of texts in UTF-8.

    >>> digests(pa.array(["1"]))[0].as_py().hex()
    'c4ca4238a0b923820dcc509a6f75849b'
    """
    found = [hashlib.md5(key, usedforsecurity=False).digest() for key in keys.cast(pa.binary()).to_pylist()]
    return pa.array(found, pa.binary())


def _with_digests(batch: pa.RecordBatch, source: FileSource) -> pa.Table:
    contract = source.contract
    keys = convert(batch.column(contract.key), contract.key_type, exact=True).values
    present = keys.is_valid()
    table = pa.Table.from_batches([batch]).filter(present)
    return table.append_column(DIGEST, digests(keys.filter(present).cast(pa.string())))


def _first(kept: Sequence[pa.Table], source: FileSource, rows: int) -> pa.Table:
    together = pa.concat_tables(kept)
    order = pc.sort_indices(together, [(DIGEST, "ascending"), (source.contract.key, "ascending")])
    return together.take(order[:rows]).combine_chunks()
