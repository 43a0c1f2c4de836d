"""Arrays of Arrow in processes that make no frames."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from types import ModuleType


class _Hidden(MetaPathFinder):
    """Lets an import of pandas fail, and no other."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(f"{fullname} is not asked for yet", name=fullname)


def make_arrays_without_pandas() -> None:
    """Let pyarrow leave pandas alone in this process until a frame is asked for, unless pandas is loaded already.

    pyarrow looks for pandas once, at the first array that it makes or when its datasets are loaded, and loading pandas
    takes longer than labelling a hundred thousand customers. So it is made to look while there is none to be found.
    """
    if "pandas" in sys.modules:
        return
    import pyarrow as pa

    hidden = _Hidden()
    sys.meta_path.insert(0, hidden)
    try:
        pa.array([0])
    finally:
        sys.meta_path.remove(hidden)
