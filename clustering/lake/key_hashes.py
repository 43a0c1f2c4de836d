"""Hashes of keys that are looked through for equal ones: laid apart by their size, then sorted part by part.

Parts are files without a name where there are several, so that memory does not grow with the keys, and nothing is left
of them when the process ends.
"""

from __future__ import annotations

import io
import math
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import IO, Self

import numpy as np
from numpy.typing import NDArray

from clustering.errors import SourceError
from clustering.segments.quartiles import Hashes

HASHES_A_PART = 8_000_000  # 64 MB
MOST_PARTS = 256  # files that are open at once
NEAR_BITS = 22  # of a hash, by which most of those that are not looked for are told

Mask = NDArray[np.bool_]


class HashParts:
    """As many hashes as are expected, or others; several threads may add to them.

    Equal ones lie in one part. Raises SourceError where the folder for temporary files does not take them.
    """

    def __init__(self, expected: int, *, hashes_a_part: int = HASHES_A_PART) -> None:
        self._expected = expected
        self.count = max(1, min(MOST_PARTS, math.ceil(expected / hashes_a_part)))
        self._bounds = np.array([number * 2**64 // self.count for number in range(1, self.count)], dtype=np.uint64)
        self._stack, self._lock = ExitStack(), threading.Lock()
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        with self._room():
            for _ in range(self.count):
                file: IO[bytes] = io.BytesIO() if self.count == 1 else tempfile.TemporaryFile(prefix="clustering-keys-")
                self._files.append(self._stack.enter_context(file))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def add(self, hashes: Hashes) -> None:
        """Add hashes (n,), which are sorted in their place; of one that stands in more than two rows of them, two."""
        hashes.sort()
        superfluous = hashes[2:] == hashes[:-2]
        if superfluous.any():
            hashes = hashes[np.concatenate([[True, True], ~superfluous])]
        pieces = np.split(hashes, np.searchsorted(hashes, self._bounds))
        with self._lock, self._room():
            for file, piece in zip(self._files, pieces, strict=True):
                file.write(piece.data)

    def repeated(self, part: int) -> Hashes:
        """Return the hashes of a part that were added twice, each once, in their order."""
        file = self._files[part]
        with self._room():
            hashes = np.empty(file.seek(0, io.SEEK_END) // 8, np.uint64)
            file.seek(0)
            read = file.readinto(hashes.view(np.uint8).data)  # type: ignore[attr-defined]
        if read != hashes.nbytes:
            raise SourceError(f"{read} of {hashes.nbytes} bytes of the hashes of keys came back from a temporary file")
        hashes.sort()
        return np.unique(hashes[1:][hashes[1:] == hashes[:-1]])

    @contextmanager
    def _room(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"the folder for temporary files does not take {self._expected * 8 / 1e6:,.0f} MB, the hashes of "
                f"{self._expected:,} keys: {error.strerror or error}; make room there, or name another one by TMPDIR"
            ) from None


class KnownHashes:
    """Hashes (k,), k > 0, ascending, that others are looked up among."""

    def __init__(self, hashes: Hashes) -> None:
        self._hashes = hashes
        self._near = np.zeros(1 << NEAR_BITS, dtype=np.bool_)
        self._near[hashes >> np.uint64(64 - NEAR_BITS)] = True

    def mask(self, hashes: Hashes) -> Mask:
        """Return which of the hashes (n,) are among them.

        >>> KnownHashes(np.array([5, 2**63], np.uint64)).mask(np.array([2**63, 6, 5, 2**64 - 1], np.uint64)).tolist()
        [True, False, True, False]
        """
        found: Mask = self._near[hashes >> np.uint64(64 - NEAR_BITS)]
        place = np.flatnonzero(found)
        at = np.searchsorted(self._hashes, hashes[place])
        found[place] = self._hashes[np.minimum(at, len(self._hashes) - 1)] == hashes[place]
        return found
