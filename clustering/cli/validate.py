"""The command that compares the contract with the warehouse and says what a night would do."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json, Models, open_session
from clustering.cli.output import for_terminal, progress, table, tables, tell, warn
from clustering.errors import DataError

if TYPE_CHECKING:
    from rich.table import Table

    from clustering.scoring.rehearsal import Rehearsal


def validate(
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="Date of the night", show_default="today, UTC"),
    ] = None,
    model: Models = None,
    from_present_rows: Annotated[
        bool, typer.Option("--from-present-rows", help="Of a past date: ask about the customers as they are now")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the contract with the warehouse; changes nothing.

    Tables, columns, types and rights, every row as a night would read it, and what a night would do. The exit code is
    1 where one would fail.
    """
    from clustering.scoring.dates import end_of_past
    from clustering.scoring.rehearsal import Asked, rehearse

    day, now = as_of or datetime.now(UTC).date(), datetime.now(UTC)
    ended_at = end_of_past(day, UTC, now=now, here=datetime.now().astimezone().tzinfo)
    asked = Asked(day, ended_at, from_present_rows, model, os.cpu_count() or 1)
    with open_session() as session, progress("Reading customers") as bar:
        found = rehearse(
            session.warehouse,
            session.configuration,
            session.registry,
            asked,
            progress=lambda rows: bar.say(f"Reading customers: {rows:,} rows"),
        )
    for warning in found.warnings:
        warn(f"warning: {warning}")
    tell(found.to_document(), tables([*_tables(found), *map(for_terminal, _lines(found))]), as_json=as_json)
    if found.problems:
        raise DataError(f"a night would fail: {'; '.join(found.problems)}")


def _tables(found: Rehearsal) -> Sequence[Table]:
    shown = [table(f"Columns of {found.table}", found.columns)] if found.columns else []
    if found.rejections:
        shown.append(table("Rows that a night would reject, by column", found.rejections))
    return shown


def _lines(found: Rehearsal) -> Iterator[str]:
    from clustering.customers import filled_in

    if found.rows:
        rows = found.rows
        counted = f"{rows['read']:,} rows read, {rows['valid']:,} valid, {rows['rejected']:,} to be rejected"
        yield f"{counted}{filled_in(found.filled)}"
    if night := found.night:
        versions = ", ".join(f"{name} version {version}" for name, version in night["models"].items())
        shards = f"{night['shards']} shard{'s' if night['shards'] > 1 else ''}"
        yield f"a night as of {night['as_of']} would label the valid ones with {versions}, in {shards}"
        if night["skipped"]:
            yield f"skipped, without a champion: {', '.join(night['skipped'])}; run the DAG retrain_models"
        for model, run in night["replaces"].items():
            yield f"it would replace run {run}, which holds for {model} on that date"
        for run in night["ends_runs"]:
            yield f"it would end run {run}, which is going on or held"
    for step in found.to_do:
        yield f"before a night: {step}"
