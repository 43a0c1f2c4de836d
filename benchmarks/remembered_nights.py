"""The latest nights of a company on disk: thirty of a million customers have no room in memory."""

from __future__ import annotations

import shutil
import tempfile
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Self, overload

import pandas as pd


class Remembered(Sequence[pd.DataFrame]):
    """The customers of at most so many nights, the latest last; removed in the end."""

    def __init__(self, most: int) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="nights-"))
        self._most, self._files = most, deque[Path]()
        self._next = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def append(self, customers: pd.DataFrame) -> None:
        """Keep a night, and forget the earliest where there are too many."""
        self._files.append(self._folder / str(self._next))
        self._next += 1
        customers.reset_index(drop=True).to_feather(self._files[-1], compression="uncompressed")
        if len(self._files) > self._most:
            self._files.popleft().unlink()

    def __len__(self) -> int:
        return len(self._files)

    @overload
    def __getitem__(self, place: int) -> pd.DataFrame: ...

    @overload
    def __getitem__(self, place: slice) -> list[pd.DataFrame]: ...

    def __getitem__(self, place: int | slice) -> pd.DataFrame | list[pd.DataFrame]:
        """Read a night, or some of them."""
        if isinstance(place, slice):
            return [pd.read_feather(file) for file in list(self._files)[place]]
        return pd.read_feather(self._files[place])
