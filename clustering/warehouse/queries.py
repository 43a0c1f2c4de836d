"""The statements of `sql/`, by name."""

from __future__ import annotations

from functools import cache

from clustering.config import PROJECT
from clustering.errors import ConfigurationError

DIRECTORY = PROJECT / "sql"


@cache
def load(name: str) -> str:
    """Return the text of `sql/<name>.sql`, for example of `schema/lock`.

    `{placeholders}` stand for identifiers, `%(name)s` for values; literal braces and percent signs are doubled.
    Raises ConfigurationError where there is no such file.
    """
    path = DIRECTORY / f"{name}.sql"
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise ConfigurationError(f"query {name!r}: {path} is not readable; install the package anew") from None
