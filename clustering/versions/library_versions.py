"""The libraries that a version was trained with, for its row."""

from __future__ import annotations

import platform
from importlib.metadata import version

LIBRARIES = ("scikit-learn", "numpy", "scipy", "pandas", "pyarrow", "joblib")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries, by their names."""
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}
