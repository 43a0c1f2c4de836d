"""What a command says: results on stdout, as tables for people or as one JSON document; everything else on stderr."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Group
    from rich.progress import Progress
    from rich.table import Table

WIDTH = 200  # of tables where there is no terminal
OURS = "clustering"  # what our loggers' names begin with
_PARAMETER = re.compile(r"\bby the parameter ([a-z_]+)")
# What is raised and logged below is read in Airflow too, and names what has to be run there.
COMMANDS_OF_DAGS = {
    "cluster_customers": "cluster",
    "retrain_models": "retrain",
    "segment_customers": "score",
    "withdraw_date": "withdraw",
}


def tell(document: Mapping[str, Any], said: str | Table | Group, *, as_json: bool) -> None:
    """Print a result: the document as JSON, or what is said of it to people."""
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    elif isinstance(said, str):
        sys.stdout.write(f"{said}\n")
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDTH).print(said)
    sys.stdout.flush()


def tell_beside(said: Table | Group) -> None:
    """Print on stderr what stands beside a result, or in its place."""
    from rich.console import Console

    Console(stderr=True, width=None if sys.stderr.isatty() else WIDTH).print(said)


def logs_to_stderr(level: int) -> None:
    """Print on stderr what we log at a level and above; of the libraries below errors alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_TerminalFormatter("%(message)s"))
    handler.addFilter(lambda record: record.name.partition(".")[0] == OURS or record.levelno >= logging.ERROR)
    logging.basicConfig(level=level, handlers=[handler])


class _TerminalFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return for_terminal(super().format(record))


def for_terminal(text: str) -> str:
    """Return a message with the commands that do what it asks of a DAG.

    >>> for_terminal("kmeans has no champion yet; run the DAG retrain_models first")
    'kmeans has no champion yet; run `clustering retrain` first'
    """
    for dag, verb in COMMANDS_OF_DAGS.items():
        text = text.replace(f"the DAG {dag}", f"`clustering {verb}`")
    return _PARAMETER.sub(lambda found: f"by --{found[1].replace('_', '-')}", text)


def warn(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(for_terminal(" ".join(text.split())) + "\n")


def warn_of_error(text: str, code: int) -> int:
    """Print an error as one line on stderr and return the exit code."""
    warn(f"error: {text}")
    return code


def table(
    title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = (), *, right: Collection[str] = ()
) -> Table:
    """Return a table of these columns, by default those of the first row; numbers and `right` stand on the right."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    columns = columns or list(rows[0] if rows else ())
    for name in columns:
        numeric = any(isinstance(row[name], int | float) and not isinstance(row[name], bool) for row in rows)
        shown.add_column(Text(name), justify="right" if numeric or name in right else "left")
    for row in rows:
        shown.add_row(*(Text(_text(row[name])) for name in columns))
    return shown


def tables(parts: Sequence[Table | str]) -> Group:
    """Return tables and lines one below the other, with an empty line after each table."""
    from rich.console import Group
    from rich.text import Text

    shown: list[Table | Text] = []
    for number, part in enumerate(parts, start=1):
        shown.append(Text(part) if isinstance(part, str) else part)
        if number < len(parts) and not isinstance(part, str):
            shown.append(Text())
    return Group(*shown)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


class Bar:
    """How far a long command is."""

    def __init__(self, progress: Progress, description: str, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task(description, total=total)

    def say(self, description: str) -> None:
        """Say what is being done now."""
        self._progress.update(self._task, description=description)

    def advance(self) -> None:
        """Count one more part as done."""
        self._progress.advance(self._task)


@contextmanager
def progress(description: str, *, total: int | None = None) -> Iterator[Bar]:
    """Show on stderr, where that is a terminal, what is being done and how many parts of the total are."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns: list[Any] = [SpinnerColumn(), TextColumn("{task.description}", markup=False)]
    if total is not None:
        columns += [BarColumn(), MofNCompleteColumn()]
    with Progress(
        *columns,
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    ) as shown:
        yield Bar(shown, description, total)
