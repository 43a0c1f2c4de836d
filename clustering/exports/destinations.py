"""Folders and stores that files are sent to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from pyarrow import fs

from clustering.errors import ConfigurationError, DestinationError
from clustering.exports import file_formats
from clustering.exports.audience_rows import AudienceRows
from clustering.storage.locations import Location, open_location
from clustering.storage.named_connections import AirflowConnection

log = logging.getLogger(__name__)

Writing = Callable[[AudienceRows], int]
PART = ".part"  # what a file is called after its own name until it is whole


@dataclass(frozen=True)
class Folder:
    """A folder below which files are written, and the name of the destination that it is."""

    name: str
    location: Location

    @contextmanager
    def replacing(self, path: str) -> Iterator[tuple[Any, Any]]:
        """Open a file that takes the place of another once it is whole; yield its stream and what to call then.

        Whoever reads sees the former file until that is called, and the new one after it. What is left over of an
        attempt that was killed is replaced by the next.
        """
        target = self.location.path(path)
        part = f"{target}{PART}"
        with self.errors():
            if self.location.is_local:
                self._require_base()
                self.location.system.create_dir(target.rpartition("/")[0], recursive=True)
            stream = self.location.system.open_output_stream(part)
        try:
            yield stream, lambda: self._replace(part, target, stream)
        except BaseException:
            self._remove(part, stream)
            raise

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Raise DestinationError for what the file system refuses, without secrets."""
        try:
            yield
        except OSError as error:
            told = self.location.said(error)
            raise DestinationError(f"the destination {self.name} did not take the file: {told}") from None

    def _require_base(self) -> None:
        base = self.location.base
        if self.location.system.get_file_info(base).type != fs.FileType.Directory:
            raise DestinationError(
                f"the destination {self.name}: {base} is no folder; make or mount it, nothing was sent"
            )

    def _replace(self, part: str, target: str, stream: Any) -> None:
        with self.errors():
            stream.close()
            if self.location.is_local:
                self.location.system.move(part, target)
                return
            # A store shows an object when it is whole; not each of them can move one.
            self.location.system.copy_file(part, target)
        try:
            self.location.system.delete_file(part)
        except OSError as error:  # the file is there, and the next export replaces this one
            log.warning("%s stays beside the file: %s", part, self.location.said(error))

    def _remove(self, part: str, stream: Any) -> None:
        try:
            stream.close()
            self.location.system.delete_file(part)
        except OSError:
            return  # the error that led here is the one to tell


@dataclass(frozen=True)
class File:
    """A file below a folder, which is there as a whole or not at all."""

    folder: Folder
    path: str

    @property
    def place(self) -> str:
        """What the file is called where people are told of it."""
        return f"{self.folder.location.uri.rstrip('/')}/{self.path}"

    @property
    def dataset(self) -> tuple[str, str]:
        """The namespace and name of the file in catalogues, by OpenLineage's rules."""
        parts = urlsplit(self.place)
        if parts.scheme == "file":
            return "file", unquote(parts.path)
        return f"{parts.scheme}://{parts.netloc}", unquote(parts.path).lstrip("/")

    @contextmanager
    def replacing(self) -> Iterator[tuple[Writing, Callable[[], None]]]:
        """Open the file that takes its place; yield what writes rows, and what to call when it is whole."""
        with self.folder.replacing(self.path) as (stream, replace):
            yield lambda rows: self._write(stream, rows), replace

    def _write(self, stream: Any, rows: AudienceRows) -> int:
        with self.folder.errors():
            return file_formats.write_rows(rows, stream)


def open_folder(name: str, connection: AirflowConnection) -> Folder:
    """Return the folder that a connection names in its extra `uri`, or in `path` where it is one of files.

    Raises ConfigurationError where it names none, or one of an unknown kind.
    """
    extra = connection.extra_dejson
    path = extra.get("path")
    uri = extra.get("uri") or (f"file://{path}" if path else None)
    if not uri:
        raise ConfigurationError(
            f"the connection {name!r} says of no place where files go; give its extra a uri such as s3://bucket/folder "
            "(file, s3, gs and abfss are known), without a password in it"
        )
    return Folder(name, open_location(str(uri), connection, what=f"the destination {name!r}"))
