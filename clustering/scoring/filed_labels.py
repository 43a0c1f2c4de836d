"""Labels that stay Parquet files: one file an attempt and version, below a folder of the run's and the model's.

A file counts once it is listed in the warehouse; what else lies in the folder belongs to an attempt that came to
nothing. This module knows no database: workers of Spark's write by it too.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import fs, parquet

from clustering.errors import ClusteringError, RunError, SourceError
from clustering.lake.folders import Folder, open_folder
from clustering.scoring.batch_scoring import ScoredBatch

KEY = "customer_id"
COLUMNS = (KEY, "cluster_label", "segment_id", "confidence")
ROWS_A_GROUP = 1 << 19  # some ten megabytes that a writer holds, and the least that a reader reads
REPEATED = ["cluster_label", "segment_id"]  # columns of few values
READ_AT_ONCE = 4


@dataclass(frozen=True)
class LabelFile:
    """A file with labels of a version."""

    model_version_id: int
    path: str
    rows: int
    bytes: int


@dataclass
class _Open:
    """A file that is being written, and the rows that wait for a row group."""

    stream: Any
    writer: Any
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    waits: int = 0
    rows: int = 0

    def append(self, batch: pa.RecordBatch) -> None:
        self.waiting.append(batch)
        self.waits += batch.num_rows
        if self.waits >= ROWS_A_GROUP:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            self.writer.write_table(pa.Table.from_batches(self.waiting), ROWS_A_GROUP)
            self.rows += self.waits
            self.waiting, self.waits = [], 0


@dataclass
class LabelWriter:
    """Writes the labels of one attempt, each version's into its folder; the name is of no other attempt.

    What was not finished is removed at the end of the block.
    """

    folders: Mapping[int, Folder]
    name: str
    _open: dict[int, _Open] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _finished: bool = False

    @classmethod
    def of(cls, folders: Mapping[int, str], shard: int | str, token: str) -> Self:
        """Return the writer of an attempt into folders by their URIs; none of them: nothing is written."""
        opened = {version: open_folder(uri, key="label_files") for version, uri in folders.items()}
        return cls(opened, f"{shard}-{token}.parquet")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: Any) -> None:
        if not self._finished:
            with suppress(ClusteringError, OSError):
                self._stack.close()
            self.discard()

    def append(self, scored: ScoredBatch) -> None:
        """Write the labels of a batch."""
        for version, folder in self.folders.items():
            if version in scored.labels:
                with folder.writing():
                    batch = written(scored.labels[version])
                    self._file(version, folder, batch.schema).append(batch)

    def finish(self) -> list[LabelFile]:
        """Return the files that were written; all of them are there then."""
        found = []
        for version, one in self._open.items():
            with self.folders[version].writing():
                one.flush()
                one.writer.close()
                found.append(LabelFile(version, self.name, one.rows, one.stream.tell()))
                one.stream.close()
        self._finished = True
        return found

    def discard(self) -> None:
        """Remove what was written, as far as it can be now; retention removes the rest."""
        for version in self._open:
            with suppress(ClusteringError, OSError):
                remove_files(self.folders[version], [self.name])

    def _file(self, version: int, folder: Folder, schema: pa.Schema) -> _Open:
        if version not in self._open:
            if folder.location.is_local:
                folder.location.system.create_dir(folder.location.base, recursive=True)
            opened = folder.location.system.open_output_stream(folder.location.path(self.name))
            stream = self._stack.enter_context(opened)
            self._open[version] = _Open(stream, self._stack.enter_context(parquet_writer(stream, schema)))
        return self._open[version]


def parquet_writer(stream: Any, schema: pa.Schema) -> Any:
    """Return what writes labels to a stream."""
    return parquet.ParquetWriter(stream, schema, use_dictionary=REPEATED, write_page_checksum=True)


def written(labels: pa.RecordBatch) -> pa.RecordBatch:
    """Return labels as files have them: the customer first, a UUID as such."""
    columns = [labels.column(name) for name in COLUMNS]
    if pa.types.is_fixed_size_binary(columns[0].type):
        columns[0] = pa.ExtensionArray.from_storage(pa.uuid(), columns[0])
    return pa.RecordBatch.from_arrays(columns, names=list(COLUMNS))


def require_whole(folder: Folder, files: Sequence[LabelFile], *, of: str) -> None:
    """Raise RunError where a file is gone or another one; `of` says whose labels they are."""
    with folder.reading():
        found = folder.location.system.get_file_info([folder.location.path(file.path) for file in files])
    for file, now in zip(files, found, strict=True):
        if now.type != fs.FileType.File or now.size != file.bytes:
            what = "is gone" if now.type != fs.FileType.File else f"has {now.size} bytes in place of {file.bytes}"
            raise RunError(
                f"the labels of {of} are not whole: {file.path} below {folder.name} {what}; put it back, or run the "
                "date again"
            )


def require_rows(folder: Folder, files: Sequence[LabelFile], *, of: str) -> None:
    """Raise RunError where files are gone, are no Parquet, or have other rows than were counted."""
    require_whole(folder, files, of=of)

    def rows(file: LabelFile) -> int:
        with folder.reading(file.path):
            stream = folder.location.system.open_input_file(folder.location.path(file.path))
        with stream, folder.reading(file.path):
            return int(parquet.ParquetFile(stream, pre_buffer=False).metadata.num_rows)

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        for file, found in zip(files, pool.map(rows, files), strict=True):
            if found != file.rows:
                raise RunError(
                    f"the labels of {of} are not whole: {file.path} has {found} rows, {file.rows} were written; start "
                    "a new run"
                )


def groups(
    folder: Folder, file: LabelFile, *, columns: Sequence[str] = COLUMNS, wanted: pa.Array | None = None
) -> Iterator[pa.Table]:
    """Yield the labels of a file by its row groups; where keys are `wanted`, the labels of these alone."""
    with folder.reading(file.path):
        stream = folder.location.system.open_input_file(folder.location.path(file.path))
    with stream:
        with folder.reading(file.path):
            opened = parquet.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True)
        for place in range(opened.metadata.num_row_groups):
            with folder.reading(file.path):
                if wanted is None:
                    yield _plain(opened.read_row_group(place, columns=list(columns), use_threads=False))
                    continue
                keys = _plain(opened.read_row_group(place, columns=[KEY], use_threads=False)).column(KEY)
                mask = pc.is_in(keys, value_set=wanted.cast(keys.type))
                if pc.any(mask).as_py():
                    read = opened.read_row_group(place, columns=list(columns), use_threads=False)
                    yield _plain(read).filter(mask)


def find_labels(
    folder: Folder, files: Sequence[LabelFile], wanted: pa.Array, *, seconds: float | None = None
) -> dict[str, pa.Table]:
    """Return the labels of some keys by the file that has them; the keys of all files are read for it.

    Raises SourceError where that takes longer than it may.
    """
    started = time.monotonic()

    def search(file: LabelFile) -> list[pa.Table]:
        found = list(groups(folder, file, wanted=wanted))
        if seconds is not None and time.monotonic() - started > seconds:
            raise SourceError(f"the labels below {folder.name} do not tell single customers within {seconds:g} s")
        return found

    with ThreadPoolExecutor(READ_AT_ONCE) as pool:
        tables = zip(files, pool.map(search, files), strict=True)
        return {file.path: pa.concat_tables(found) for file, found in tables if found}


def remove_files(folder: Folder, paths: Sequence[str]) -> None:
    """Remove files of a folder, those that are there."""
    system, base = folder.location.system, folder.location
    with folder.writing():
        for one in system.get_file_info([base.path(path) for path in paths]):
            if one.type == fs.FileType.File:
                system.delete_file(one.path)


def _plain(table: pa.Table) -> pa.Table:
    """Return labels with keys as the warehouse stores them: a UUID as its 16 bytes."""
    place = table.schema.get_field_index(KEY)
    if place < 0 or not isinstance(table.schema.field(KEY).type, pa.BaseExtensionType):
        return table
    keys = pa.chunked_array([chunk.storage for chunk in table.column(KEY).chunks], pa.binary(16))
    return table.set_column(place, KEY, keys)
