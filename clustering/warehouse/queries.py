"""The statements of `sql/`, by name."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from clustering.config import PROJECT
from clustering.errors import ConfigurationError
from clustering.warehouse.statements import Statement, named_statements

DIRECTORY = PROJECT / "sql"


def load(name: str) -> Statement:
    """Return the statement `<concern>/<name>` of `sql/<concern>.sql`, or the script `sql/<folder>/<name>.sql`.

    For example `scoring/insert_run`, or `migrations/0001_tables`. Raises ConfigurationError where there is none or two.
    """
    return _load(DIRECTORY, name)


@cache
def _load(directory: Path, name: str) -> Statement:
    concern, _, statement = name.rpartition("/")
    folder = directory / concern
    if concern and folder.is_dir():
        return Statement(_read(name, folder / f"{statement}.sql"))
    path = directory / f"{concern}.sql"
    found = [one for known, one in named_statements(_read(name, path)) if known == statement]
    if len(found) != 1:
        said = "it stands there twice" if found else f"there is no line `-- name: {statement}`"
        raise ConfigurationError(f"query {name!r}: {said} in {path}; correct the file, or install the package anew")
    return found[0]


def _read(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        raise ConfigurationError(f"query {name!r}: {path} is not readable; install the package anew") from None
