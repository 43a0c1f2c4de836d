"""The statements of `sql/`."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from clustering.config import PROJECT
from clustering.errors import ConfigurationError
from clustering.warehouse import Warehouse, queries
from clustering.warehouse.statements import named_statements

SCRIPTS = sorted(queries.DIRECTORY.glob("*/*.sql"))
CONCERNS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(queries.DIRECTORY.glob("*.sql"))}
NAMES = [f"{concern}/{name}" for concern, text in CONCERNS.items() for name, _ in named_statements(text)]
PACKAGE = "\n".join(path.read_text(encoding="utf-8") for path in sorted((PROJECT / "clustering").rglob("*.py")))
LISTED = r"^-- {}: ([^.]+)\.$"
PLANNED = re.compile(r"^(select|with|insert|update|delete)\b", re.MULTILINE)
EXPLANATION = re.compile(r"\s*\([^()]*\)")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that queries are read from, which is empty."""
    monkeypatch.setattr(queries, "DIRECTORY", tmp_path)
    return tmp_path


def head_of(name: str) -> str:
    """Return the comment that a statement begins with, without its name."""
    found = re.match(r"-- name: \w+\n((?:--.*\n)*)", queries.load(name).text)
    assert found is not None
    return found[1]


def listed(head: str, label: str) -> list[str]:
    """Return the names that a comment lists after a label, without what is said of them in parentheses."""
    found = re.search(LISTED.format(label), head, re.MULTILINE)
    return EXPLANATION.sub("", found[1].replace("\n--", "")).split(", ") if found else []


def test_load() -> None:
    """A query is a statement of its concern's file, with its name and comment and without its semicolon."""
    assert queries.load("schema/key_type").text == (
        "-- name: key_type\n-- Returns the type of the key that the schema was made for.\n"
        "select key_type from segmentation.contract"
    )


def test_load_script() -> None:
    """A query of a folder is the text of its file."""
    assert queries.load("migrations/0001_tables").text == (queries.DIRECTORY / "migrations/0001_tables.sql").read_text()


def test_unknown_query(folder: Path) -> None:
    """A query without a file, a script or a statement is an error that names where it should be."""
    (folder / "scripts").mkdir()
    (folder / "shop.sql").write_text("-- name: one\nselect 1;\n")
    for name, said in (
        ("schema/one", r"'schema/one': .*/schema\.sql is not readable; install"),
        ("scripts/one", r"'scripts/one': .*/scripts/one\.sql is not readable; install"),
        ("shop/two", r"'shop/two': there is no line `-- name: two` in .*/shop\.sql; correct"),
        ("shop", r"'shop': .*\.sql is not readable"),
    ):
        with pytest.raises(ConfigurationError, match=said):
            queries.load(name)


def test_twice_the_same_name(folder: Path) -> None:
    """A name that stands in a file twice is an error, since nobody could say which one is meant."""
    (folder / "shop.sql").write_text("-- name: one\nselect 1;\n\n-- name: one\nselect 2;\n")
    with pytest.raises(ConfigurationError, match=r"'shop/one': it stands there twice in .*/shop\.sql"):
        queries.load("shop/one")


def test_names_are_unique() -> None:
    """No concern names two statements the same, and none is both a file and a folder."""
    assert [name for name, times in Counter(NAMES).items() if times > 1] == []
    assert CONCERNS.keys() & {path.parent.name for path in SCRIPTS} == set()


@pytest.mark.parametrize("concern", CONCERNS)
def test_file_holds_named_statements_alone(concern: str) -> None:
    """A concern's file begins with a name, each statement ends with a semicolon, and a blank line follows."""
    first, *statements = re.split(r"^-- name: \w+$", CONCERNS[concern], flags=re.MULTILINE)
    assert first == ""
    assert [text for text in statements[:-1] if not text.endswith(";\n\n")] == []
    assert statements[-1].endswith(";\n")


@pytest.mark.parametrize("name", NAMES)
def test_comment_says_what_it_does_and_what_it_takes(name: str) -> None:
    """A statement's comment is a sentence, then its names and its parameters: those that it has."""
    head, statement = head_of(name), queries.load(name)
    assert re.match(r"-- [A-Z][a-z]+ (?s:.+)\.$", head, re.MULTILINE)
    for label, used in (("Names", statement.parts), ("Parameters", statement.values)):
        assert Counter(listed(head, label)) == Counter(used), label


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_script_says_what_it_does_and_binds_no_values(path: Path) -> None:
    """A script begins with a comment, and needs no values."""
    script = queries.load(f"{path.parent.name}/{path.stem}")
    assert script.text.startswith("-- ")
    assert script.values == set()


def test_statements_can_be_pasted(warehouse: Warehouse) -> None:
    """The server takes a statement as it is written, once its values are replaced."""
    plain = {name: queries.load(name) for name in NAMES if not queries.load(name).parts}
    asked = {name: statement for name, statement in plain.items() if PLANNED.search(statement.text)}
    assert len(asked) > 80
    with closing(psycopg2.connect(warehouse.uri)) as connection, connection.cursor() as cursor:
        for name, statement in asked.items():
            text = "".join(piece if isinstance(piece, str) else "null" for piece in statement.pieces)
            # Without values the driver takes every sign as it is, as psql does.
            cursor.execute(f"explain\n{text}")
            assert cursor.fetchone(), name


def test_every_query_is_used() -> None:
    """Every statement and every script is named in the package, and every one that is named is there."""
    assert [name for name in NAMES if f'"{name}"' not in PACKAGE] == []
    assert [path.stem for path in SCRIPTS if f'"{path.stem}"' not in PACKAGE] == []
    asked = re.findall(rf'"((?:{"|".join(CONCERNS)})/\w+)"', PACKAGE)
    assert set(asked) - set(NAMES) == set()
