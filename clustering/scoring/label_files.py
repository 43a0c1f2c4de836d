"""What becomes of a part as files, on their way from a worker of Spark's into PostgreSQL; labels may stay files.

Each attempt writes below a name of its own, and a record when all else is there. What an attempt has left that did
not come to its end has no record, and belongs to nobody. An attempt that ends when nobody waits for it any more, such
as one of a job whose task was killed, takes away what it has written.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import pyarrow as pa
from pyarrow import fs, parquet

from clustering.customers import REJECTED
from clustering.errors import RunError, SourceError
from clustering.lake.folders import Folder
from clustering.scoring.batch_scoring import ScoredBatch, Summary
from clustering.scoring.filed_labels import LabelFile, LabelWriter
from clustering.scoring.summary_documents import read_summary, write_summary

REJECTED_ROWS = "rejected.parquet"
RECORD = ".json"
AWAITED = "awaited"


@dataclass(frozen=True)
class WrittenPart:
    """What an attempt has written: its folder below that of the job, and the rows of each of its files.

    `labels` are files that stay where they are.
    """

    place: str
    rows: Mapping[str, int]
    labels: Sequence[LabelFile] = ()

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what a text says that `to_text` made."""
        said = json.loads(text)
        return cls(said["place"], said["rows"], tuple(LabelFile(**one) for one in said["labels"]))

    def to_text(self) -> str:
        """Return it as text, which is all that comes back from a worker."""
        return json.dumps(asdict(self))


@dataclass
class PartWriter:
    """Writes what becomes of a part, batch by batch, while somebody waits for it; RunError where nobody does.

    Labels that stay files go into the folders of their versions.
    """

    folder: Folder
    place: str
    files: LabelWriter
    _open: dict[str, Any] = field(default_factory=dict)
    _rows: dict[str, int] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)

    @classmethod
    def of(cls, folder: Folder, name: str, label_folders: Mapping[int, str]) -> Self:
        """Return one for an attempt at the part of this name."""
        token = secrets.token_hex(8)
        return cls(folder, f"{name}-{token}", LabelWriter.of(label_folders, name.partition("-")[0], token))

    def __enter__(self) -> Self:
        self._require_awaited()
        if self.folder.location.is_local:
            with self.folder.writing():
                self.folder.location.system.create_dir(self.folder.location.path(self.place), recursive=True)
        self._stack.__enter__()
        self._stack.enter_context(self.files)
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        try:
            self._stack.__exit__(kind, *error)
        finally:
            if kind is not None:
                self.files.discard()
                with suppress(SourceError):  # the error that led here is the one to tell
                    remove(self.folder.below(self.place))

    def append(self, scored: ScoredBatch) -> None:
        """Write labels and rejected rows."""
        self.files.append(scored)
        for version, labels in scored.labels.items():
            if version not in self.files.folders:
                self._write(labels_file(version), labels)
        if scored.rejected.num_rows:
            self._write(REJECTED_ROWS, scored.rejected)

    def finish(self, summary: Summary) -> WrittenPart:
        """Write the summary, then the record, and return what was written; all of it is there then."""
        labels = self.files.finish()
        with self.folder.writing():
            self._stack.close()
        for name, content in zip(("summary.json", "samples.npz"), write_summary(summary), strict=True):
            with self.folder.writing(), self._stream(name) as stream:
                stream.write(content)
        self._require_awaited()
        written = WrittenPart(self.place, self._rows, labels)
        path = self.folder.location.path(f"{self.place}{RECORD}")
        with self.folder.writing(), self.folder.location.system.open_output_stream(path) as stream:
            stream.write(written.to_text().encode())
        return written

    def _require_awaited(self) -> None:
        with self.folder.writing():
            found = self.folder.location.system.get_file_info(self.folder.location.path(AWAITED))
        if found.type != fs.FileType.File:
            raise RunError(
                f"nobody waits for labels in {self.folder.name}: the run has gone on without this attempt, or "
                "label_files is not the same folder for Spark's workers as for Airflow's tasks"
            )

    def _write(self, name: str, rows: pa.RecordBatch) -> None:
        with self.folder.writing():
            if name not in self._open:
                stream = self._stack.enter_context(self._stream(name))
                writer = parquet.ParquetWriter(stream, rows.schema, write_page_checksum=True)
                self._open[name] = self._stack.enter_context(writer)
            self._open[name].write_batch(rows)
        self._rows[name] = self._rows.get(name, 0) + rows.num_rows

    def _stream(self, name: str) -> Any:
        return self.folder.location.system.open_output_stream(self.folder.location.path(self.place, name))


def await_labels(folder: Folder) -> None:
    """Let attempts write into a folder, until it is removed."""
    location = folder.location
    with folder.writing():
        if location.is_local:
            location.system.create_dir(location.base, recursive=True)
        location.system.open_output_stream(location.path(AWAITED)).close()


def labels_file(model_version_id: int) -> str:
    """Return the name of the file with the labels of a version."""
    return f"labels_{model_version_id}.parquet"


def read_written_summary(folder: Folder, part: WrittenPart, versions: Sequence[int]) -> Summary:
    """Return the summary of a part; RunError where the files have other rows than it counts."""
    contents = []
    for name in ("summary.json", "samples.npz"):
        path = folder.location.path(part.place, name)
        with folder.reading(f"{part.place}/{name}"), folder.location.system.open_input_stream(path) as stream:
            contents.append(stream.read())
    summary = read_summary(*contents)
    counted = {labels_file(version): summary.rows_labelled for version in versions}
    counted[REJECTED_ROWS] = summary.rows_rejected
    if {name: rows for name, rows in counted.items() if rows} != dict(part.rows):
        found = dict(part.rows)
        raise RunError(f"{folder.name}: {part.place} has other rows than were counted: {found}; start a new run")
    return summary


def read_written(folder: Folder, part: WrittenPart, versions: Sequence[int]) -> Iterator[ScoredBatch]:
    """Yield rejected rows and labels as they were written; RunError where there are more or fewer."""
    none = pa.RecordBatch.from_pylist([], schema=REJECTED)
    for batch in _batches(folder, part, REJECTED_ROWS):
        yield ScoredBatch(batch, {}, {})
    for version in versions:
        for batch in _batches(folder, part, labels_file(version)):
            yield ScoredBatch(none, {version: batch}, {})


def _batches(folder: Folder, part: WrittenPart, name: str) -> Iterator[pa.RecordBatch]:
    if name not in part.rows:
        return
    path, read = f"{part.place}/{name}", 0
    with folder.reading(path):
        stream = folder.location.system.open_input_file(folder.location.path(part.place, name))
    with stream:
        with folder.reading(path):
            opened = parquet.ParquetFile(stream, pre_buffer=False, page_checksum_verification=True)
        batches = opened.iter_batches(use_threads=False)
        for batch in folder.each(path, batches):
            read += batch.num_rows
            yield batch
    if read != part.rows[name]:
        raise RunError(f"{folder.name}: {path} has {read} rows, {part.rows[name]} were written; start a new run")


def find_written(folder: Folder, names: Mapping[str, int]) -> dict[int, WrittenPart]:
    """Return by shard what attempts at the parts of these names have left that came to their end."""
    system = folder.location.system
    with folder.reading():
        found = system.get_file_info(fs.FileSelector(folder.location.base, allow_not_found=True))
    written = {}
    for one in found:
        shard = names.get(one.base_name.rpartition("-")[0])
        if shard is None or not one.base_name.endswith(RECORD):
            continue
        with folder.reading(one.base_name), system.open_input_stream(one.path) as stream:
            record = stream.read()
        with suppress(ValueError):  # it was cut off while it was written
            written[shard] = WrittenPart.from_text(record.decode())
    return written


def remove(folder: Folder) -> None:
    """Remove a folder with all that is in it, if it is there."""
    with folder.writing():
        if folder.location.system.get_file_info(folder.location.base).type == fs.FileType.Directory:
            folder.location.system.delete_dir(folder.location.base)
