"""The commands for runs: what became of them, and the decision on one that is held."""

from __future__ import annotations

from typing import Annotated

import typer

from clustering.cli.night import warn_of_drift
from clustering.cli.options import By, Json, open_session
from clustering.cli.output import table, tell
from clustering.errors import ConfigurationError

Run = Annotated[int, typer.Argument(help="Number of the run, as `clustering runs` lists it")]
Reason = Annotated[str | None, typer.Option(help="Why, in a few words; recorded")]


def runs(
    at_most: Annotated[int, typer.Option("--last", min=1, help="How many, the newest first")] = 10,
    as_json: Json = False,
) -> None:
    """List the latest runs, and why one is held."""
    from clustering.monitoring.held_runs import list_runs

    with open_session() as session:
        found = list_runs(session.warehouse, at_most=at_most)
    columns = ("run_id", "as_of", "status", "rows_read", "findings", "note")
    tell({"runs": found}, table("runs", found, columns) if found else "there is no run yet", as_json=as_json)


def publish(
    run: Run,
    by: By,
    despite_findings: Annotated[
        bool, typer.Option("--despite-findings", help="Say that the customers are right all the same")
    ] = False,
    reason: Reason = None,
    as_json: Json = False,
) -> None:
    """Publish a held run in spite of its findings.

    Who and why is recorded.
    """
    from clustering.scoring.publication import Release, publish_run

    if not despite_findings or not (reason or "").strip():
        raise ConfigurationError(
            f"a held run is published by a person's word alone: look at its findings with clustering runs, then say "
            f'clustering publish {run} --despite-findings --reason "why"'
        )
    with open_session() as session:
        release = Release(by, str(reason).strip())
        told = publish_run(session.warehouse, session.configuration, run_id=run, release=release)
        warn_of_drift(session, run)
    left_out = f"; left out, readers keep the former result: {', '.join(told['failed'])}" if told["failed"] else ""
    tell(told, f"run {run} as of {told['as_of']}: {told['status']}{left_out}", as_json=as_json)


def abandon(run: Run, by: By, reason: Reason = None, as_json: Json = False) -> None:
    """End a run that is held or whose processes died.

    What it has staged is dropped; readers notice nothing.
    """
    from clustering.scoring.endings import abandon_by_hand

    with open_session() as session:
        told = abandon_by_hand(session.warehouse, run_id=run, abandoned_by=by, reason=reason)
    ended = f"run {run} is abandoned" if told["abandoned"] else f"run {run} is {told['status']}: nothing was changed"
    way = "; clustering withdraw takes its date back" if told["status"] == "published" else ""
    tell(told, ended + way, as_json=as_json)
