"""A model store in a folder that every machine mounts: a version's directory appears by one rename, complete."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from clustering.errors import StoreError
from clustering.versions.stored_files import DRAFT, Entry, outside


@dataclass(frozen=True)
class FolderStore:
    """A folder with a directory for each version."""

    place: Path
    cache: None = None

    def called(self, name: str, file: str) -> str:
        """Return the path of a file."""
        return str(self.place / name / file)

    def write(self, name: str, files: Mapping[str, bytes]) -> None:
        """Write a version's directory, in one rename."""
        directory = self._directory(name)
        with self._draft(name.partition("/")[0]) as draft:
            for file, content in files.items():
                (draft / file).write_bytes(content)
            draft.chmod(0o775)
            if directory.exists():  # same content: left by an attempt that could not be registered
                shutil.rmtree(directory)
            draft.replace(directory)

    def read(self, name: str, file: str) -> bytes:
        """Read a file of a version's directory."""
        path = self._directory(name) / file
        try:
            return path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{path}: cannot be read ({error.strerror}); every machine that runs tasks needs the same model store "
                "(CLUSTERING_STORE), otherwise restore the file from a backup or retrain the model"
            ) from None

    def remove(self, name: str) -> None:
        """Remove a directory, if it is still there."""
        directory = self._directory(name)
        try:
            if directory.exists():
                shutil.rmtree(directory)
        except OSError as error:
            raise StoreError(
                f"{directory}: cannot be removed ({error.strerror}); remove it, nothing needs it any more"
            ) from None

    def entries(self, model: str) -> list[Entry]:
        """Return the directories beside the versions of a model."""
        folder = self.place / model
        try:
            return [_entry(model, path) for path in folder.iterdir()] if folder.exists() else []
        except OSError as error:
            raise self._unlisted(folder, error) from None

    def require_writable(self, model: str) -> None:
        """Raise StoreError where no version of a model could be written."""
        with self._draft(model):
            pass

    def require_reachable(self) -> None:
        """Raise StoreError where the folder cannot be listed; one that is not there yet is made when it is needed."""
        try:
            if self.place.exists():
                next(self.place.iterdir(), None)
        except OSError as error:
            raise self._unlisted(self.place, error) from None

    def _unlisted(self, folder: Path, error: OSError) -> StoreError:
        return StoreError(f"{folder}: cannot be listed ({error.strerror}); the model store is CLUSTERING_STORE")

    def _directory(self, name: str) -> Path:
        if (self.place / name).resolve() == self.place.resolve() / name:
            return self.place / name
        raise outside(name)

    @contextmanager
    def _draft(self, model: str) -> Iterator[Path]:
        """Make a folder beside a model's versions, and remove it afterwards, unless it has become one of them."""
        draft = None
        try:
            (self.place / model).mkdir(parents=True, exist_ok=True)
            draft = Path(tempfile.mkdtemp(prefix=DRAFT, dir=self.place / model))
            yield draft
        except OSError as error:
            raise StoreError(
                f"{self.place}: no version of {model} can be written there ({error.strerror}); the model store "
                "(CLUSTERING_STORE) has to be a folder with room that this user may write to"
            ) from None
        finally:
            if draft is not None:
                shutil.rmtree(draft, ignore_errors=True)


def _entry(model: str, path: Path) -> Entry:
    """Return what a directory has; nothing is said of where a link leads, which removing refuses."""
    inside = list(path.iterdir()) if path.is_dir() and not path.is_symlink() else []
    changed = max(one.lstat().st_mtime for one in [path, *inside])
    return Entry(f"{model}/{path.name}", frozenset(one.name for one in inside), datetime.fromtimestamp(changed, UTC))
