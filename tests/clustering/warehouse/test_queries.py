"""The statements of `sql/`."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustering.errors import ConfigurationError
from clustering.warehouse import queries

FILES = sorted(queries.DIRECTORY.rglob("*.sql"))


def test_load() -> None:
    """A query is the text of its file."""
    assert queries.load("schema/key_type").endswith("select key_type from segmentation.contract;\n")


def test_unknown_query() -> None:
    """A query without a file is an error that names the file."""
    with pytest.raises(ConfigurationError, match=r"'schema/nonsense'.*nonsense\.sql"):
        queries.load("schema/nonsense")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(queries.DIRECTORY)))
def test_first_line_says_what_it_does(path: Path) -> None:
    """The first line of every query is a comment."""
    assert path.read_text(encoding="utf-8").startswith("-- ")
