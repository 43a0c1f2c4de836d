"""A model store in a bucket: no rename there, so a version's record is written last, and removed first.

What lies below a name without a record is no version: half an upload, or half removed. Two that write at once write
below different names, since a name ends with the hash of the record.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from clustering.errors import StoreError
from clustering.storage.locations import Location, open_location
from clustering.storage.named_connections import AirflowConnection
from clustering.storage.store_faults import store_fault
from clustering.versions.read_cache import ReadCache
from clustering.versions.stored_files import DRAFT, META, Entry

CONNECTION = "model_store"


@dataclass(frozen=True)
class ObjectStore:
    """A folder of a bucket, by its URI; what opens it is asked when the store is first used."""

    place: str
    connect: Callable[[], AirflowConnection | None] = field(repr=False)
    cache: ReadCache | None = None

    def called(self, name: str, file: str) -> str:
        """Return the URI of a file."""
        return f"{self.place}/{name}/{file}"

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write a version's files, its record last; what was written is removed where that fails."""
        in_order = sorted(files, key=lambda file: file == META)
        try:
            with self._telling(f"{self.place}: no version of {name.partition('/')[0]} can be written there"):
                for file in in_order:
                    self._put(self._location.path(name, file), files[file])
        except StoreError:
            with suppress(StoreError):  # the error that led here is the one to tell
                self.remove(name)
            raise

    def read(self, name: str, file: str) -> bytes:
        """Read one object of a version."""
        with (
            self._telling(f"{self.called(name, file)}: cannot be read"),
            self._system.open_input_stream(self._location.path(name, file)) as stream,
        ):
            content: bytes = stream.read()
        return content

    def remove(self, name: str) -> None:
        """Remove the objects below a name, if there are any, its record first."""
        with self._telling(f"{self.place}/{name}: cannot be removed; remove it, nothing needs it any more"):
            with suppress(FileNotFoundError):
                self._system.delete_file(self._location.path(name, META))
            with suppress(FileNotFoundError):
                self._system.delete_dir(self._location.path(name))

    def entries(self, model: str) -> list[Entry]:
        """Return the names below a model's, with the objects below each."""
        with self._telling(f"{self.place}/{model}: cannot be listed"):
            listed = self._listed(model)
        start = len(self._location.path(model)) + 1
        found = defaultdict(list)
        for one in listed:
            first, _, file = one.path[start:].partition("/")
            found[first].append((file, one))
        return [
            Entry(f"{model}/{first}", frozenset(file for file, _ in parts), max(one.mtime for _, one in parts))
            for first, parts in found.items()
        ]

    def require_writable(self, model: str) -> None:
        """Raise StoreError where no version of a model could be written."""
        draft = f"{model}/{DRAFT}{uuid.uuid4().hex[:8]}"
        with self._telling(f"{self.place}: no version of {model} can be written there"):
            self._put(self._location.path(draft, "probe"), b"")
        self.remove(draft)

    def require_reachable(self) -> None:
        """Raise StoreError where the store cannot be listed, or there is no such bucket."""
        from pyarrow import fs

        with self._telling(f"{self.place}: cannot be listed"):
            if not self._system.get_file_info(fs.FileSelector(self._location.base, allow_not_found=True)):
                self._require_bucket()

    def _put(self, path: str, content: bytes) -> None:
        with self._system.open_output_stream(path) as stream:
            stream.write(content)

    def _listed(self, model: str) -> list[Any]:
        from pyarrow import fs

        selector = fs.FileSelector(self._location.path(model), recursive=True, allow_not_found=True)
        return [one for one in self._system.get_file_info(selector) if one.type == fs.FileType.File]

    def _require_bucket(self) -> None:
        """Raise OSError where there is no bucket, which listings answer as an empty one."""
        from pyarrow import fs

        try:
            info = self._system.get_file_info(self._location.base.partition("/")[0])
        except OSError:
            return  # who may list the folder may not always ask for the bucket
        if info.type == fs.FileType.NotFound:
            raise OSError("NO_SUCH_BUCKET")

    @cached_property
    def _location(self) -> Location:
        return open_location(self.place, self.connect(), what="the model store (CLUSTERING_STORE)")

    @property
    def _system(self) -> Any:
        return self._location.system

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Raise StoreError that says what could not be done, why, and what to do, without secrets."""
        try:
            try:
                yield
            except FileNotFoundError:
                self._require_bucket()
                raise
        except OSError as error:
            raise StoreError(f"{what}: {self._reason(error)}") from None

    def _reason(self, error: OSError) -> str:
        said = self._location.said(error)
        if isinstance(error, FileNotFoundError):
            return (
                "it is not there; every machine that runs tasks needs the same model store (CLUSTERING_STORE), "
                "otherwise restore it from a backup or retrain the model"
            )
        fault = store_fault(said)
        if fault == "no_bucket":
            return "there is no such bucket; make it, or correct CLUSTERING_STORE"
        if fault == "refused":
            return (
                f"the store refuses whoever asks; Airflow's connection {CONNECTION}, or this machine's own account "
                f"without it, has to be one that may list, read, write and delete there ({said})"
            )
        if fault == "away":
            return f"the store cannot be reached from this machine ({said})"
        return said
