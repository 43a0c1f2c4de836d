"""What the documents tell to type is typed here, in their order."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from pathlib import Path

import pandas as pd
import psycopg2
import pytest
import typer
import yaml

from clustering.cli import app
from clustering.cli.commands import FAILED, INTERRUPTED, MISUSED, TERMINATED
from clustering.config import PROJECT
from tests.command_line import Run
from tests.docs.pages import PAGES, Command, blocks, commands, rows, text
from tests.workbooks import workbook

CONSOLE = [command for page in PAGES for command in commands(page)]
COMMAND_LINE = ("docs/terminal.md", "docs/privacy.md")  # these show every command, in this order
VERBS = {name: command.params for name, command in typer.main.get_command(app).commands.items()}  # type: ignore[attr-defined]
SHOPS = "area,sales\n" + "".join(f"{100 * (1 + row % 3) + row},{10 * (1 + row % 3) + row / 10}\n" for row in range(60))


def arguments(command: Command) -> list[str] | None:
    """Return what follows the name of the command line, None for another program."""
    words = command.words
    for name in (["clustering"], [".venv/bin/clustering"], [".venv/bin/python", "-m", "clustering"]):
        if words[: len(name)] == name:
            return words[len(name) :]
    return None


TYPED = [typed for command in CONSOLE if (typed := arguments(command)) is not None]
TERMINAL = [typed for page in COMMAND_LINE for command in commands(page) if (typed := arguments(command)) is not None]


def decide_long_ago() -> None:
    """Move every decision on a version to before the dates that the documents name."""
    with closing(psycopg2.connect(os.environ["WAREHOUSE_URL"])) as connection, connection:
        connection.cursor().execute("update segmentation.promotions set decided_at = '2025-12-31'")


@pytest.fixture
def destination(folder: Path, quick_configuration: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder that audiences are sent to."""
    audience = {
        "columns": ["customer_id"],
        "destination": "drop",
        "path": "{as_of}.csv",
        "consent": {"waived": "a test"},
    }
    exports = {"destinations": ["drop"], "audiences": {"loyalists": audience}}
    (quick_configuration / "exports.yaml").write_text(yaml.safe_dump(exports), encoding="utf-8")
    (folder / "sent").mkdir()
    connection = {"conn_type": "fs", "extra": {"path": str(folder / "sent")}}
    monkeypatch.setenv("AIRFLOW_CONN_DROP", json.dumps(connection))
    return folder / "sent"


@pytest.mark.slow
def test_pages_are_run_in_their_order(clustering: Run, folder: Path, destination: Path) -> None:
    """Every command of these pages works on an empty warehouse, one after the other; with --json it says JSON."""
    (folder / "shops.csv").write_text(SHOPS, encoding="utf-8")
    customers = pd.read_csv("customers.csv", dtype=str, keep_default_na=False)
    customers.to_csv(folder / "export.csv", sep=";", encoding="cp1252", index=False)
    workbook(folder / "customers.xlsx", {"Customers": [list(customers), *customers.to_numpy().tolist()]})
    (folder / "keys.csv").write_text("old,new\n41,900041\n43,900043\n", encoding="utf-8")
    (folder / "more-keys.csv").write_text("old,new\n44,900044\n", encoding="utf-8")
    for words in TERMINAL:
        done = clustering(*words)
        assert done.code == 0, (words, done.err)
        decide_long_ago()
        if "--json" in words:
            assert isinstance(done.document, dict), words
    for page in ("segments.html", "january.html"):
        assert "<html" in (folder / page).read_text(encoding="utf-8")
    assert len(list(destination.iterdir())) == 2


def test_other_pages_are_run(clustering: Run, folder: Path) -> None:
    """The commands of every other document work too."""
    for command in CONSOLE:
        words = arguments(command)
        if words is not None and command.page not in COMMAND_LINE:
            done = clustering(*words)
            assert done.code == 0, (command, done.err)


def test_every_command_and_option_is_shown() -> None:
    """The pages on the command line show each command with each of its options."""
    shown: dict[str, set[str]] = {}
    for words in TERMINAL:
        verb = next(word for word in words if not word.startswith("-"))
        shown.setdefault(verb, set()).update(word for word in words if word.startswith("-"))
    assert shown.keys() == VERBS.keys()
    for verb, params in VERBS.items():
        options = [param.opts for param in params if param.param_type_name == "option" and param.name != "help"]
        assert [names for names in options if not shown[verb] & set(names)] == [], verb


def test_every_command_is_listed() -> None:
    """docs/terminal.md says of each command what it does."""
    listed = [
        name.strip("`").removeprefix("clustering ") for name, _ in rows("docs/terminal.md", "command", "what it does")
    ]
    assert sorted(listed) == sorted(VERBS)


def test_exit_codes_are_listed() -> None:
    """docs/terminal.md lists the exit codes that there are."""
    listed = {int(code) for code, _ in rows("docs/terminal.md", "exit code", "meaning")}
    assert listed == {0, FAILED, MISUSED, INTERRUPTED, TERMINATED}


def test_commands_in_the_text_exist() -> None:
    """A command that is named in a sentence is one."""
    for page in PAGES:
        for verb in re.findall(r"`(?:clustering|python -m clustering) ([a-z][a-z-]*)", text(page)):
            assert verb in VERBS, (page, verb)


def test_make_targets_exist() -> None:
    """Every `make` in a console block has its target."""
    targets = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = {command.words[1] for command in CONSOLE if command.words[0] == "make"}
    assert named
    assert named <= targets


def test_no_other_program_is_told_to_type() -> None:
    """What is not run here is known: another test runs it, or it only sets a variable."""
    others = {command.words[0] for command in CONSOLE if arguments(command) is None}
    in_containers = {"docker", "cp", "chmod"}  # tests/compose
    around = {"pg_dump", "pg_restore", "psql", "tar", "mkdir", "pip"}  # tests/operations
    old_copies = {"rm"}  # tests/plugins
    assert others <= {"make", "export", "airflow"} | in_containers | around | old_copies


@pytest.mark.parametrize(
    "command", [one for one in CONSOLE if one.words[0] == "airflow"], ids=lambda one: one.line[:60]
)
def test_dags_take_what_is_triggered(command: Command) -> None:
    """`airflow dags trigger` and `airflow backfill create` name a DAG, and parameters that docs/operate.md explains."""
    words = command.words
    if words[1:3] == ["dags", "trigger"]:
        dag, conf = words[3], words[words.index("--conf") + 1]
    else:
        assert words[1:3] == ["backfill", "create"]
        dag = words[words.index("--dag-id") + 1]
        conf = words[words.index("--dag-run-conf") + 1] if "--dag-run-conf" in words else "{}"
    explained = {
        (dag.strip("`"), name.strip("`")) for dag, name, _ in rows("docs/operate.md", "DAG", "parameter", "meaning")
    }
    assert (PROJECT / "dags" / f"{dag}.py").exists()
    assert {(dag, name) for name in json.loads(conf)} <= explained


def test_no_document_hides_a_command_in_another_block() -> None:
    """Commands of the terminal stand in console blocks, where these tests find them."""
    for page in PAGES:
        for language in ("bash", "sh", "shell", "text"):
            assert not [
                block for block in blocks(page, language) if re.search(r"^\S*clustering [a-z]", block, re.MULTILINE)
            ]
