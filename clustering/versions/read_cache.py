"""What was read from an object store, kept on this machine by its SHA-256, so that not each task fetches it again.

Any number of processes use the folder at once: a file appears by one rename, is checked when it is read, and may be
removed at any time. Whatever is wrong with the folder costs time and nothing else.
"""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clustering.settings import FolderSettings

MOST_BYTES = 256 * 1024**2
_PART = ".part-"
_PART_SECONDS = 3600.0  # after which what another process began is no longer being written

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ReadCache:
    """A folder of files that are called by the SHA-256 of what is in them; beyond `most` bytes the oldest go."""

    folder: Path
    most: int = MOST_BYTES

    def get(self, sha256: str) -> bytes | None:
        """Return what has this SHA-256, None where it is not here or was damaged."""
        path = self.folder / sha256
        try:
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sha256:
                os.utime(path)
                return content
            path.unlink(missing_ok=True)
        except OSError:
            return None
        return None

    def put(self, content: bytes) -> None:
        """Keep what was read, and let the oldest go where there is too much."""
        if len(content) > self.most:
            return
        try:
            self._write(content)
            self._shrink()
        except OSError as error:
            log.debug("%s: nothing is kept of what was read (%s)", self.folder, error.strerror)

    def _write(self, content: bytes) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.folder.stat().st_uid != os.getuid():
            return  # somebody else's, who would see and change what lies there
        handle, part = tempfile.mkstemp(prefix=_PART, dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(part).replace(self.folder / hashlib.sha256(content).hexdigest())
        except BaseException:
            Path(part).unlink(missing_ok=True)
            raise

    def _shrink(self) -> None:
        found, now = [], time.time()
        for path in self.folder.iterdir():
            with suppress(OSError):  # removed by another process since
                stat = path.stat()
                if path.name.startswith(_PART):
                    if now - stat.st_mtime > _PART_SECONDS:
                        path.unlink()
                else:
                    found.append((stat.st_mtime, stat.st_size, path))
        excess = sum(size for _, size, _ in found) - self.most
        for _, size, path in sorted(found):
            if excess <= 0:
                return
            path.unlink(missing_ok=True)
            excess -= size


def cache_of_this_machine() -> ReadCache:
    """Return the cache that the environment names, or one in the folder for temporary files."""
    named = FolderSettings.read().cache
    return ReadCache(named or Path(tempfile.gettempdir()) / f"clustering-store-{os.getuid()}")
