"""Rows of single customers among files, found by reading the keys of all."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Contract
from clustering.customers import convert
from clustering.errors import DataError
from clustering.lake.file_source import FilePart, FileSource, describe_files


@dataclass(frozen=True)
class FoundRows:
    """Rows of some keys as they are, and the files that have them."""

    source: FileSource
    rows: pa.RecordBatch
    files: Sequence[str]


def find_rows(contract: Contract, keys: Collection[str], *, seconds: float | None = None) -> FoundRows:
    """Look customers up in the contract's files of today, by their keys as text.

    Raises DataError where the files cannot be read as the contract says, or that takes longer than it may.
    """
    started, source = time.monotonic(), describe_files(contract)
    narrow, wanted = source.narrowed(contract.only(())), pa.array(sorted(keys), pa.string())
    found, files = [], list[str]()
    for part in source.parts:
        # The key alone first: most parts have none of them, and the other columns cost the most.
        if not _has_any(narrow, part, wanted):
            continue
        for batch in source.batches([part]):
            mask = _matches(batch, source, wanted)
            if pc.any(mask).as_py():
                found.append(batch.filter(mask))
                files.append(part.file.path)
        if seconds is not None and time.monotonic() - started > seconds:
            raise DataError(
                f"{source.name} do not tell single customers within {seconds:g} s: the keys of all are read for them"
            )
    return FoundRows(source, _together(source, found), list(dict.fromkeys(files)))


def _has_any(source: FileSource, part: FilePart, wanted: pa.StringArray) -> bool:
    return any(pc.any(_matches(batch, source, wanted)).as_py() for batch in source.batches([part]))


def _matches(batch: pa.RecordBatch, source: FileSource, wanted: pa.StringArray) -> pa.BooleanArray:
    contract = source.contract
    keys = convert(batch.column(contract.key), contract.key_type, exact=True).values
    return pc.is_in(keys, value_set=wanted.cast(keys.type))


def _together(source: FileSource, found: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    schema = source.schema
    table = pa.Table.from_batches([batch.cast(schema) for batch in found], schema).combine_chunks()
    return table.to_batches()[0] if found else pa.RecordBatch.from_pylist([], schema=schema)
