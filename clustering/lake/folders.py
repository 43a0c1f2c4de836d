"""Folders below a path or a URI: which files there are, and what is said where they cannot be read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyarrow import fs

from clustering.errors import DataError, SourceError
from clustering.storage.connection_variables import connection_if_set
from clustering.storage.locations import Location, open_location
from clustering.storage.store_faults import is_of_store, store_fault

CONNECTION = "customer_files"
ENDING = ".parquet"
LONGEST_REASON = 300  # characters


@dataclass(frozen=True)
class LakeFile:
    """A file below a folder, as it was when it was listed: bytes, and nanoseconds since 1970."""

    path: str
    size: int
    modified: int

    @property
    def in_path(self) -> Mapping[str, str | None]:
        """The columns that stand in the names of folders, as Hive writes them, with the value of all of its rows.

        >>> LakeFile("country=DE/day=2026-01-31/0.parquet", 1, 1).in_path
        {'country': 'DE', 'day': '2026-01-31'}
        """
        named = (part.partition("=") for part in self.path.split("/")[:-1] if "=" in part)
        return {
            unquote(name): None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value)
            for name, _, value in named
            if name
        }


@dataclass(frozen=True)
class Folder:
    """A folder of a file system, by its path or URI; `key` is what names it below `source` in customers.yaml."""

    location: Location
    key: str = "files"

    @property
    def name(self) -> str:
        """What it is called where people are told of it."""
        return self.location.base if self.location.is_local else self.location.uri

    def files(self) -> list[LakeFile]:
        """Return the Parquet files below the folder in the order of their paths.

        Names that begin with a dot or an underscore are what programs write beside files, and are left out. Raises
        DataError where the folder is not there, or has no such file.
        """
        with self.reading():
            found = self.location.system.get_file_info(fs.FileSelector(self.location.base, recursive=True))
        root = self.location.path("")
        listed = [(one.path.removeprefix(root), one) for one in found if one.type == fs.FileType.File]
        seen = [(path, one) for path, one in listed if not any(part[:1] in "._" for part in path.split("/"))]
        files = [LakeFile(path, one.size, one.mtime_ns or 0) for path, one in seen if path.endswith(ENDING)]
        if not files:
            others = f", but {len(seen)} others such as {seen[0][0]}" if seen else ""
            raise DataError(
                f"{self.name} has no file that ends with {ENDING}{others}; write the customers there first, nothing "
                "was changed"
            )
        return sorted(files, key=lambda one: one.path)

    def opened(self, file: LakeFile) -> Any:
        """Open a file."""
        with self.reading(file.path):
            return self.location.system.open_input_file(self.location.path(file.path))

    def require_same(self, file: LakeFile) -> None:
        """Raise DataError where a file is not what it was when it was listed."""
        with self.reading(file.path):
            now = self.location.system.get_file_info(self.location.path(file.path))
        if now.type != fs.FileType.File or (now.size, now.mtime_ns or 0) != (file.size, file.modified):
            what = "is gone" if now.type != fs.FileType.File else "was written anew"
            raise DataError(
                f"{self.name}: {file.path} {what} since the run was planned; nothing of the run is published, start a "
                "new one when the files are written"
            )

    def below(self, *parts: str) -> Folder:
        """Return a folder in it."""
        uri = "/".join([self.location.uri.rstrip("/"), *parts])
        return Folder(replace(self.location, uri=uri, base=self.location.path(*parts)), self.key)

    def each(self, path: str, rows: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Yield what is read of a file, each with the errors of `reading`; not those of whoever takes it."""
        while True:
            with self.reading(path):
                batch = next(rows, None)
            if batch is None:
                return
            yield batch

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Raise SourceError, without secrets, where the file system does not take what is written."""
        try:
            yield
        except OSError as error:
            said = self.location.said(error)[:LONGEST_REASON]
            raise SourceError(f"{self.name} did not take what was to be written or removed there: {said}") from None

    @contextmanager
    def reading(self, path: str | None = None) -> Iterator[None]:
        """Raise DataError for the folder, or a file in it, that cannot be read; SourceError where that may pass."""
        place = self.name if path is None else f"{self.name}: {path}"
        again = "write it anew" if self.key == "files" else "put it back, or run the date again"
        try:
            yield
        except (FileNotFoundError, NotADirectoryError):
            to_do = (
                "name the right folder in customers.yaml, or write it first"
                if self.key == "files"
                else f"mount it or {again}"
            )
            raise DataError(f"{place} is not there; {to_do}") from None
        except (OSError, pa.ArrowInvalid, pa.ArrowNotImplementedError, pa.ArrowTypeError) as error:
            whole = self.location.said(error)
            said, fault = whole[:LONGEST_REASON], store_fault(whole) if isinstance(error, OSError) else "other"
            if isinstance(error, PermissionError) or fault == "refused":
                raise DataError(
                    f"{place} may not be read by this worker: {said}; give it the right, or other credentials by its "
                    f"environment, its identity or the connection {CONNECTION}"
                ) from None
            if fault == "no_bucket":
                raise DataError(f"{place} is not there: {said}; name the right one in customers.yaml") from None
            if isinstance(error, OSError) and (error.errno is not None or is_of_store(whole)):
                raise SourceError(f"{place} cannot be reached at this moment: {said}") from None
            if path is None:
                raise DataError(
                    f"{place} cannot be opened: {said}; correct source.{self.key} in customers.yaml"
                ) from None
            raise DataError(f"{place} is no Parquet file, or damaged: {said}; {again}") from None


def open_folder(place: str, *, key: str = "files") -> Folder:
    """Return the folder of an absolute path or a URI, which the `key` of the source names.

    A store is opened by the connection `customer_files` if the environment has one, or else as the machine's own
    account.
    """
    uri = place if "://" in place else PurePosixPath(place).as_uri()
    return Folder(open_location(uri, connection_if_set(CONNECTION), what=f"source.{key} in customers.yaml"), key)
