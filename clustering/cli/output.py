"""What a command says: results on stdout, as tables for people or as one JSON document; everything else on stderr."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import Progress
    from rich.table import Table

WIDTH = 200  # of tables where there is no terminal


def tell(document: Mapping[str, Any], said: str | Table, *, as_json: bool) -> None:
    """Print a result: the document as JSON, or what is said of it to people."""
    if as_json:
        sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")
    elif isinstance(said, str):
        sys.stdout.write(f"{said}\n")
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else WIDTH).print(said)
    sys.stdout.flush()


def logs_to_stderr(level: int) -> None:
    """Print what is logged at a level and above on stderr."""
    logging.basicConfig(level=level, format="%(message)s", stream=sys.stderr)


def warn(text: str) -> None:
    """Print one line on stderr."""
    sys.stderr.write(" ".join(text.split()) + "\n")


def warn_of_error(text: str, code: int) -> int:
    """Print an error as one line on stderr and return the exit code."""
    warn(f"error: {text}")
    return code


def table(title: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> Table:
    """Return a table of these columns, by default those of the first row; numbers stand on the right."""
    from rich.table import Table
    from rich.text import Text

    shown = Table(title=Text(title), title_justify="left", title_style="bold", header_style="")
    columns = columns or list(rows[0] if rows else ())
    for name in columns:
        numeric = any(isinstance(row[name], int | float) for row in rows)
        shown.add_column(Text(name), justify="right" if numeric else "left")
    for row in rows:
        shown.add_row(*(Text(_text(row[name])) for name in columns))
    return shown


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
