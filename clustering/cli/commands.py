"""The commands together, and what becomes of their errors.

Exit codes: 0 done, 1 an error that the message explains, 2 a wrong command line, 130 ended by Ctrl-C, 143 by SIGTERM.
"""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from typer.exceptions import TyperException

import clustering
from clustering.cli.champions import models, promote, retire, rollback
from clustering.cli.dbt_files import dbt
from clustering.cli.describe_source import source
from clustering.cli.explain import explain
from clustering.cli.export import export
from clustering.cli.forget import forget
from clustering.cli.health_and_drift import drift, health
from clustering.cli.input_files import cluster
from clustering.cli.night import score
from clustering.cli.output import logs_to_stderr, warn_of_error
from clustering.cli.prepare import load, migrate
from clustering.cli.rekey import rekey
from clustering.cli.retrain import retrain
from clustering.cli.runs import abandon, publish, runs
from clustering.cli.segment_names import name_segment, report, segments
from clustering.cli.validate import validate
from clustering.cli.withdraw import withdraw
from clustering.errors import ClusteringError

FAILED, MISUSED, INTERRUPTED, TERMINATED = 1, 2, 130, 143
NOT_MIGRATED = ("42P01", "42703", "3F000")  # PostgreSQL: undefined table, column, schema

app = typer.Typer(pretty_exceptions_enable=False, rich_markup_mode=None)


def _say_version(asked: bool) -> None:
    if asked:
        typer.echo(f"clustering {clustering.__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def describe(
    context: typer.Context,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Tell on stderr what is being done")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and exit")
    ] = False,
) -> None:
    """Segment the customers of the warehouse that WAREHOUSE_URL names."""
    logs_to_stderr(logging.INFO if verbose else logging.ERROR)
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


COMMANDS = (
    *(migrate, load, source, validate, retrain, score, runs, publish, abandon, withdraw, segments, health, drift),
    *(models, promote, rollback, retire),
    *(cluster, report, name_segment, explain, export, forget, rekey, dbt),
)
for command in COMMANDS:
    app.command(command.__name__.replace("_", "-"))(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line, by default that of the process, and return its exit code.

    Whatever goes wrong on purpose is one line on stderr.
    """
    try:
        with _ended_by_sigterm():
            given = list(sys.argv[1:] if arguments is None else arguments)
            code = app(given, "clustering", standalone_mode=False) or 0
        return warn_of_error("interrupted", code) if code == INTERRUPTED else code
    except ClusteringError as error:
        return warn_of_error(str(error), FAILED)
    except TyperException as error:
        return warn_of_error(f"{error.format_message().rstrip('.')}; see clustering --help", MISUSED)
    except _database_error() as error:
        return warn_of_error(_refusal(error), FAILED)


def _database_error() -> type[Exception]:
    from sqlalchemy.exc import DBAPIError  # a command that fails otherwise or not at all may do without

    return DBAPIError


def _refusal(error: Any) -> str:
    from clustering.warehouse.roles import WRITER
    from clustering.warehouse.states import NOT_ALLOWED

    said = str(error.orig).splitlines()[0] if str(error.orig) else type(error).__name__
    if getattr(error.orig, "pgcode", None) in NOT_MIGRATED:
        return f"the warehouse is not migrated ({said}); run clustering migrate"
    if getattr(error.orig, "pgcode", None) == NOT_ALLOWED:
        return f"the warehouse refused: {said}; this needs a login with the role {WRITER}, or the schema's owner"
    return f"the warehouse refused: {said}"


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM end a command as an exception does, so that it leaves nothing half done."""
    former = signal.signal(signal.SIGTERM, _terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


def _terminate(*_: object) -> NoReturn:
    raise SystemExit(TERMINATED)
