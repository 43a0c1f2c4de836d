"""Customers in Parquet files as a source: its columns, its rows, how it is cut into shards, and how a part is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import Any, Self

import pyarrow as pa
from pyarrow import parquet

from clustering.config import Contract
from clustering.config.source_files import on_date
from clustering.customers import Reading, today
from clustering.errors import DataError
from clustering.lake.file_columns import FileColumn, as_read, find_file_columns
from clustering.lake.folders import Folder, LakeFile, open_folder

ROWS_A_BATCH = 65_536  # of eight columns of eight bytes: four megabytes, as out of a warehouse
BUFFER_BYTES = 4 << 20  # of a column that are read at a time, so that memory does not grow with row groups
FOOTERS_AT_ONCE = 8


@dataclass(frozen=True)
class FilePart:
    """Some row groups of a file, from `first` up to, but without, `last`, and how many rows they have."""

    file: LakeFile
    first: int
    last: int
    rows: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the part that a manifest holds."""
        return cls(**{**document, "file": LakeFile(**document["file"])})

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class FileSource:
    """The customers of a folder, taken for those of `as_of`; `parts` are its row groups, each apart, in their order."""

    contract: Contract
    folder: Folder
    columns: Mapping[str, FileColumn]
    parts: Sequence[FilePart]
    as_of: date = field(default_factory=today)
    kind: str = "files"
    warning: str | None = None

    @property
    def name(self) -> str:
        """What it is called where people are told of it."""
        return f"the files below {self.folder.name}"

    @property
    def rows(self) -> int:
        """How many rows its parts have."""
        return sum(part.rows for part in self.parts)

    @property
    def reading(self) -> Reading:
        """How its rows are written: units, what is text in the files, and up to which date days are counted."""
        return Reading(
            factors={name: column.factor for name, column in self.columns.items() if column.factor != 1},
            texts=frozenset(name for name, column in self.columns.items() if column.is_text),
            as_of=self.as_of,
        )

    @property
    def schema(self) -> pa.Schema:
        """The columns of its rows, with one type for all files."""
        return pa.schema([(name, column.kind) for name, column in self.columns.items()])

    def narrowed(self, contract: Contract) -> FileSource:
        """Return the source with the columns alone that a contract with fewer of them uses."""
        return replace(self, contract=contract, columns={name: self.columns[name] for name in contract.used})

    def batches(self, parts: Sequence[FilePart] | None = None) -> Iterator[pa.RecordBatch]:
        """Yield the rows of parts, by default of all, with the contract's columns in their order.

        Raises DataError for a file that is damaged, or not the one that was listed.
        """
        for part in self.parts if parts is None else parts:
            yield from read_part(self.folder, part, self.contract)


def describe_files(contract: Contract, *, as_of: date | None = None, at_least: int = 1) -> FileSource:
    """List the contract's files and read what they say of themselves, but no row.

    Raises DataError where there are none, or fewer rows than `at_least`, or a file has not the columns that the
    contract names, or not the types of the others; SourceError where the store cannot be reached.
    """
    day = as_of or today()
    folder = open_folder(_place(contract, day))
    files = folder.files()
    with ThreadPoolExecutor(min(FOOTERS_AT_ONCE, len(files))) as pool:
        found = list(pool.map(lambda file: _described(folder, file, contract), files))
    columns = dict(found[0][0])
    for file, (others, _) in zip(files, found, strict=True):
        for name, column in others.items():
            if not column.agrees_with(columns[name]):
                raise DataError(
                    f"{folder.name}: column {column.header} is {column.found_type} in {file.path}, and "
                    f"{columns[name].found_type} in a file before; write all files alike"
                )
            if columns[name].kind == pa.null():
                columns[name] = column
    source = FileSource(contract, folder, columns, [part for _, parts in found for part in parts], day)
    if source.rows < at_least:
        raise DataError(f"{source.name} have no rows; write customers there first, nothing was changed")
    return source


def files_of_parts(contract: Contract, parts: Sequence[FilePart], *, as_of: date) -> FileSource:
    """Return the source of parts that were planned, by what the first of their files says of itself."""
    folder = open_folder(_place(contract, as_of))
    columns: dict[str, FileColumn] = {}
    for file in dict.fromkeys(part.file for part in parts):
        for name, column in _described(folder, file, contract)[0].items():
            if columns.get(name, column).kind == pa.null() or name not in columns:
                columns[name] = column
        if all(column.kind != pa.null() for column in columns.values()):
            break
    return FileSource(contract, folder, columns, parts, as_of)


def cut(parts: Sequence[FilePart], shards: int) -> list[list[FilePart]]:
    """Return parts in at most so many shards of about equal rows, in their order; what lies side by side is one part.

    >>> file = LakeFile("0.parquet", 1, 1)
    >>> groups = [FilePart(file, place, place + 1, 10) for place in range(4)]
    >>> [[(part.first, part.last, part.rows) for part in shard] for shard in cut(groups, 3)]
    [[(0, 2, 20)], [(2, 3, 10)], [(3, 4, 10)]]
    """
    total = sum(part.rows for part in parts)
    found: list[list[FilePart]] = [[] for _ in range(shards)]
    before = 0
    for part in parts:
        _add(found[min(before * shards // total, shards - 1)], part)
        before += part.rows
    return [shard for shard in found if shard]


def _add(shard: list[FilePart], part: FilePart) -> None:
    if shard and shard[-1].file == part.file and shard[-1].last == part.first:
        shard[-1] = replace(shard[-1], last=part.last, rows=shard[-1].rows + part.rows)
    else:
        shard.append(part)


def read_part(folder: Folder, part: FilePart, contract: Contract) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a part with the contract's columns; the file is looked at before and after."""
    folder.require_same(part.file)
    read = 0
    with _opened(folder, part.file) as opened:
        columns = _columns(folder, part.file, contract, opened.schema_arrow)
        headers = [column.header for column in columns.values() if not column.in_path]
        groups = list(range(part.first, part.last))
        batches = opened.iter_batches(ROWS_A_BATCH, row_groups=groups, columns=headers, use_threads=False)
        for batch in folder.each(part.file.path, batches):
            read += batch.num_rows
            with folder.reading(part.file.path):
                arrays = [
                    as_read(_values(batch, column, part.file), contract.columns[name])
                    for name, column in columns.items()
                ]
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))
    folder.require_same(part.file)
    if read != part.rows:
        raise DataError(f"{folder.name}: {part.file.path} had {part.rows} rows and has {read}; start a new run")


def _values(batch: pa.RecordBatch, column: FileColumn, file: LakeFile) -> pa.Array:
    if column.in_path:
        return pa.repeat(pa.scalar(file.in_path[column.header], pa.string()), batch.num_rows)
    return batch.column(column.header)


def _described(folder: Folder, file: LakeFile, contract: Contract) -> tuple[dict[str, FileColumn], list[FilePart]]:
    with _opened(folder, file) as opened:
        with folder.reading(file.path):
            footer = opened.metadata
            rows = [footer.row_group(place).num_rows for place in range(footer.num_row_groups)]
        columns = _columns(folder, file, contract, opened.schema_arrow)
    return columns, [FilePart(file, place, place + 1, count) for place, count in enumerate(rows) if count]


def _columns(folder: Folder, file: LakeFile, contract: Contract, schema: pa.Schema) -> dict[str, FileColumn]:
    return find_file_columns(contract, schema, file.in_path, place=f"{folder.name}: {file.path}")


@contextmanager
def _opened(folder: Folder, file: LakeFile) -> Iterator[Any]:
    with folder.opened(file) as stream:
        with folder.reading(file.path):
            opened = parquet.ParquetFile(
                stream, pre_buffer=False, buffer_size=BUFFER_BYTES, page_checksum_verification=True
            )
        yield opened


def _place(contract: Contract, as_of: date) -> str:
    if contract.origin.files is None:
        raise DataError("customers.yaml names no files any more, and they were to be read")
    return on_date(contract.origin.files, as_of)
