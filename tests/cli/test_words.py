"""What the command line says of itself: its help, its version, its days and the words of its messages."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.metadata import version

import pytest
import typer

from clustering.cli import app
from clustering.cli.output import COMMANDS_OF_DAGS, for_terminal
from clustering.config import PROJECT
from tests.command_line import Done, Run, nothing_is_logged_yet

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_help_lines_fit_80_columns(clustering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """No line of any help is longer, and none that lists a command ends in three dots."""
    monkeypatch.setenv("COLUMNS", "80")
    listed = clustering("--help").out
    for verb in COMMANDS:
        assert re.search(rf"^  {verb} +\S.*\.$", listed, re.MULTILINE), verb
        assert max(map(len, clustering(verb, "--help").out.splitlines())) <= 80, verb
    assert max(map(len, listed.splitlines())) <= 80
    assert "..." not in listed.partition("Options:")[2]


def test_version_is_that_of_the_package(clustering: Run) -> None:
    """`clustering --version` needs no command, warehouse or configuration."""
    done = clustering("--version")
    assert (done.code, done.out) == (0, f"clustering {version('clustering')}\n")


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2026-11-31", "2026-11-31 is a day that does not exist: November 2026 has 30 days"),
        ("2026-02-29", "2026-02-29 is a day that does not exist: February 2026 has 28 days"),
        ("2026-13-01", "2026-13-01 is a day that does not exist: a year has 12 months"),
        ("31.1.2026", "'31.1.2026' is no date; write it as 2026-01-31, the year first"),
        ("0000-01-01", "0000-01-01 is a day that does not exist: there is no year 0"),
    ],
)
def test_day_that_does_not_exist_is_called_so(clustering: Run, day: str, said: str) -> None:
    """Every command that takes a day says the same, in one line."""
    for words in (("score", "--as-of", day), ("withdraw", day, "--reason", "x"), ("report", "--as-of", day)):
        done = clustering(*words)
        assert (done.code, done.err.count("\n")) == (2, 1), words
        assert said in done.err


def test_shell_completes_commands_and_models(clustering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell's question is answered with the commands, and with the models of the configuration."""
    for words, found in (("clustering heal", "health"), ("clustering promote km", "kmeans")):
        assert _completed(clustering, words, monkeypatch).out.split() == [found]
    monkeypatch.delenv("_CLUSTERING_COMPLETE")
    monkeypatch.setenv("_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION", "1")
    assert "_CLUSTERING_COMPLETE=complete_zsh" in clustering("--show-completion", "zsh").out


def _completed(clustering: Run, words: str, monkeypatch: pytest.MonkeyPatch) -> Done:
    """Return the answer to a shell that asks how words go on."""
    asked = {"_CLUSTERING_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    return clustering()


def test_completion_without_a_configuration_says_nothing(clustering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell that asks where there is no configuration shows neither a model nor a traceback."""
    monkeypatch.setenv("CLUSTERING_CONFIG", "/nowhere")
    done = _completed(clustering, "clustering promote k", monkeypatch)
    assert (done.code, done.out.strip(), done.err) == (0, "", "")


def test_every_dag_that_a_message_names_has_a_command() -> None:
    """A terminal is told to run a command: each DAG that our messages name is one of those that have one."""
    named = {
        dag
        for file in (PROJECT / "clustering").rglob("*.py")
        if "cli" not in file.parts
        for dag in re.findall(r'the DAG (?:"\s+")?([a-z_]+)', file.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= set(COMMANDS_OF_DAGS)
    assert set(COMMANDS_OF_DAGS.values()) <= set(COMMANDS)


def test_terminal_is_told_to_run_a_command(clustering: Run) -> None:
    """Where there is no champion, the command that makes one is named, and no DAG."""
    clustering("migrate")
    clustering("load", "customers.csv")
    for words in (("score",), ("rollback", "kmeans"), ("name-segment", "kmeans", "1", "--name", "A"), ("report",)):
        done = clustering(*words)
        assert done.code == 1, words
        assert "run `clustering " in done.err, words
        assert "DAG" not in done.err, words
    assert for_terminal("skipped: gmm; run the DAG retrain_models for them") == (
        "skipped: gmm; run `clustering retrain` for them"
    )
    past = clustering("score", "--as-of", "2026-01-31")
    assert "by --from-present-rows" in past.err


def test_verbose_is_about_us(clustering: Run) -> None:
    """`--verbose` tells what we do, and nothing of what Alembic does for us."""
    with nothing_is_logged_yet():
        done = clustering("--verbose", "migrate")
    assert "migrated" in done.err
    assert "Context impl" not in done.err
    assert "transactional DDL" not in done.err


def test_models_shows_decisions_with_their_limits(trained_by: Callable[[str], Run]) -> None:
    """The versions of a model, who decided what on each and why, and every figure with its limit."""
    clustering = trained_by("kmeans")
    assert clustering("retrain", "--model", "kmeans").code == 0
    shown = clustering("models", "kmeans").out
    assert "Decisions" in shown
    assert "the first version of the model" in shown
    assert re.search(r"│ +2 │ movement +│ +[0-9.]+ │ +0\.100 │ yes", shown)
    checks = clustering("models", "kmeans", "--json").document["decisions"][0]["checks"]
    assert {"smallest_share", "min_jaccard", "silhouette", "movement"} == {check["name"] for check in checks}
    done = clustering("promote", "kmeans", "1", "--by", "Ada")
    assert done.out.startswith(
        "kmeans version 1 is champion now (promoted, a former champion: recorded as a roll-back)"
    )
    assert "(rolled back)" in clustering("rollback", "kmeans", "--to", "2").out
