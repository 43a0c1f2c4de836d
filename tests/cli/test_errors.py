"""Whatever goes wrong is one line on stderr with what to do, and an exit code that says what kind it was."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from clustering import Warehouse
from clustering.cli import main
from clustering.config import PROJECT
from tests.command_line import Done, Run

UNREACHABLE = "postgresql://ada:a-secret@127.0.0.1:1/database"


def refused(done: Done, code: int) -> str:
    """Return the one line that a command said before it gave up."""
    assert done.code == code, done
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1
    return done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("models", "nothing"), "model 'nothing' is not configured; there are dbscan, gmm, kmeans"),
        (("models",), "the warehouse is not migrated"),
        (("load", "nothing.csv"), "nothing.csv: cannot be read"),
        (("load", "nothing.parquet"), "nothing.parquet: cannot be read"),
        (("cluster", "customers.csv", "--model", "nothing"), "model 'nothing' is not configured"),
        (("cluster", "customers.csv", "--model", "kmeans", "--feature", "height"), "column height is missing"),
        (("cluster", "customers.csv", "--model", "kmeans", "--feature", "gender"), "values are not numbers, such as"),
        (("score", "--model", "nothing"), "model 'nothing' is not configured"),
    ],
)
def test_error_is_one_line(clustering: Run, words: tuple[str, ...], message: str) -> None:
    """An error that we raise on purpose ends with 1 and says what happened."""
    assert message in refused(clustering(*words), 1)
    assert message in refused(clustering(*words, "--json"), 1)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nothing",), "No such command 'nothing'"),
        (("score", "--as-of", "yesterday"), "'yesterday' is no date; write it as 2026-01-31"),
        (("score", "--jobs", "0"), "Invalid value for '--jobs'"),
        (("score", "--fast"), "No such option: --fast"),
        (("cluster",), "Missing argument 'file'"),
        (("promote", "kmeans"), "Missing argument 'version'"),
        (("name-segment", "kmeans", "1"), "give --name, --description or --action, or --reset alone"),
        (("name-segment", "kmeans", "1", "--reset", "--name", "A"), "or --reset alone"),
    ],
)
def test_wrong_command_line_is_one_line(clustering: Run, words: tuple[str, ...], message: str) -> None:
    """A command line that cannot be understood ends with 2."""
    assert message in refused(clustering(*words), 2)


def test_misspelt_option_is_told_with_the_nearest_name(clustering: Run) -> None:
    """A night that was meant to be a dry run is none at all."""
    assert "--dry-run" in refused(clustering("score", "--dryrun"), 2)


def test_warehouse_has_to_be_named(clustering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without WAREHOUSE_URL a command says what to set."""
    monkeypatch.delenv("WAREHOUSE_URL")
    assert "WAREHOUSE_URL is not set; set it to" in refused(clustering("segments"), 1)


@pytest.mark.parametrize("url", [UNREACHABLE, "mysql://ada:a-secret@host/database", "postgresql://ada:a-secret@h:x/d"])
def test_password_is_never_shown(clustering: Run, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """A warehouse that cannot be reached or understood is told of without its password."""
    monkeypatch.setenv("WAREHOUSE_URL", url)
    for words in (("models",), ("score",), ("migrate", "--json"), ("load", "customers.csv")):
        assert "a-secret" not in refused(clustering(*words), 1)
    assert "a-secret" not in clustering("--verbose", "migrate").err


def test_wrong_setting_is_named(clustering: Run, quick_configuration: Path) -> None:
    """A mistake in a model's file stops every command, with the file and the key."""
    (quick_configuration / "kmeans.yaml").write_text("algorithm: kmeans\nclusters: 5\n", encoding="utf-8")
    assert "kmeans.yaml: features: is missing, and has no default" in refused(clustering("segments"), 1)


def test_load_warns_of_rows_that_a_night_will_reject(clustering: Run, folder: Path) -> None:
    """Rows are loaded as they are, and what is wrong with them is said at once."""
    header = "customer_id,age,gender,annual_income,spending_score\n"
    (folder / "money.csv").write_text(header + '1,30,F,"1k",50\n', encoding="utf-8")
    clustering("migrate")
    loaded = clustering("load", "money.csv")
    assert loaded.code == 0
    assert "warning: a night will reject rows: annual_income '1k' has the wrong type" in loaded.err


def test_score_before_training_says_so(clustering: Run) -> None:
    """A night without any champion publishes nothing and says what to run."""
    clustering("migrate")
    clustering("load", "customers.csv")
    assert "no champion for dbscan, gmm, kmeans yet" in refused(clustering("score"), 1)
    assert "nothing is published yet" in clustering("segments").out
    assert clustering("segments", "--json").document == {"segments": [], "units": {}}
    assert "nothing was published" in refused(clustering("report"), 1)


def test_login_without_the_right_is_told_which_role_it_needs(
    clustering: Run, create_login: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever may only read decides on no run, and takes no date back."""
    clustering("migrate")
    url = create_login(Warehouse(os.environ["WAREHOUSE_URL"]), "in role segmentation_reader")
    monkeypatch.setenv("WAREHOUSE_URL", url)
    for words in (("abandon", "1"), ("withdraw", "2026-11-20", "--reason", "a test"), ("forget", "1", "--yes")):
        told = refused(clustering(*words), 1)
        assert "permission denied" in told
        assert "needs a login with the role segmentation_writer" in told


def test_no_command_shows_the_help(clustering: Run) -> None:
    """The name alone lists the commands."""
    done = clustering()
    assert done.code == 0
    assert "name-segment" in done.out


def test_console_script_is_the_command_line() -> None:
    """`clustering` is what `python -m clustering` runs."""
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["scripts"] == {"clustering": f"{main.__module__.rpartition('.')[0]}:{main.__name__}"}
