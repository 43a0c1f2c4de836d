"""The command that scores: a whole night without Airflow."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json, Models, Session, open_session, user_name
from clustering.cli.output import progress, tell, warn
from clustering.errors import ArtifactError, ClusteringError


def score(
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="Date that the labels stand for", show_default="today, UTC"),
    ] = None,
    model: Models = None,
    from_present_rows: Annotated[
        bool, typer.Option("--from-present-rows", help="Label the customers as they are now for a past date")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count everything, publish nothing")] = False,
    shards: Annotated[
        int | None,
        typer.Option(min=1, max=1000, help="Parts to cut the customers into", show_default="by their number"),
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes side by side", show_default="the cores")] = None,
    as_json: Json = False,
) -> None:
    """Label every customer, and publish the result as a whole.

    Every champion labels; what is too old is dropped at the end. A past date is labelled by its own champions, from
    the contract's dated source. A run that fails or is stopped is abandoned: readers keep the former result. A model
    whose champion cannot be used is left out; the exit code is 1 then.
    """
    night = Night(as_of or datetime.now(UTC).date(), dry_run, from_present_rows)
    with open_session() as session:
        told = _score(session, model, night, shards=shards, jobs=jobs or os.cpu_count() or 1)
    tell(told, _in_words(told), as_json=as_json)
    if told["failed"]:
        raise ArtifactError("; ".join(f"{model}: {reason}" for model, reason in told["failed"].items()))


@dataclass(frozen=True)
class Night:
    """What is asked of a night."""

    as_of: date
    dry_run: bool
    from_present_rows: bool


def _score(
    session: Session, models: list[str] | None, night: Night, *, shards: int | None, jobs: int
) -> dict[str, Any]:
    from clustering.cli.workers import score_shards
    from clustering.monitoring.checking import check_run
    from clustering.scoring.dates import end_of_past
    from clustering.scoring.plan import plan_run
    from clustering.scoring.publication import publish_run

    with progress("Planning"):
        run = plan_run(
            session.warehouse,
            session.configuration,
            session.registry,
            models=models,
            as_of=night.as_of,
            dry_run=night.dry_run,
            ended_at=end_of_past(night.as_of, UTC, now=datetime.now(UTC), here=datetime.now().astimezone().tzinfo),
            from_present_rows=night.from_present_rows,
            requested_by=f"{user_name()} (clustering score)",
            workers=jobs,
            shards=shards,
        )
    if run["warning"]:
        warn(f"warning: {run['warning']}")
    try:
        with progress(f"Scoring run {run['run_id']}", total=len(run["shards"])) as bar:
            for _ in score_shards(session, run_id=run["run_id"], shards=run["shards"], jobs=jobs):
                bar.advance()
        with progress("Checking"):
            check_run(session.warehouse, session.configuration, session.registry, run_id=run["run_id"])
        with progress("Publishing"):
            published = publish_run(session.warehouse, session.configuration, run_id=run["run_id"])
    except BaseException as error:
        _abandon(session, run["run_id"], error)
        raise
    told = {**run, **published, "shards": len(run["shards"]), "models": run["models"]}
    return {
        **told,
        "drift": [] if night.dry_run else warn_of_drift(session, run["run_id"]),
        "retention": _retain(session),
    }


def _abandon(session: Session, run_id: int, error: BaseException) -> None:
    from sqlalchemy.exc import DBAPIError

    from clustering.scoring.endings import abandon_run

    note = str(error).splitlines()[0] if str(error) else type(error).__name__
    with suppress(ClusteringError, DBAPIError):  # the error that led here is the one to tell
        abandon_run(session.warehouse, run_id=run_id, note=f"clustering score ended without publishing: {note}")


def warn_of_drift(session: Session, run_id: int) -> list[dict[str, Any]]:
    """Warn of the drift in a published night, and return it; a failure never fails the night."""
    from sqlalchemy.exc import DBAPIError

    from clustering.monitoring.alarms import watch

    try:
        with progress("Watching for drift"):
            found = watch(session.warehouse, session.configuration, run_id=run_id, may_ask=False)
    except (ClusteringError, DBAPIError) as error:
        warn(f"warning: published, but not checked for drift: {error}")
        return []
    for model, reason in found["unwatched"].items():
        warn(f"warning: published, but {model} was not checked for drift: {reason}")
    for alarm in found["alarms"]:
        warn(f"drift: {alarm['sentence']}")
    return list(found["alarms"])


def _retain(session: Session) -> dict[str, Any]:
    """Drop what is too old; a failure never fails the night."""
    from sqlalchemy.exc import DBAPIError

    from clustering.scoring.retention import drop_expired

    try:
        with progress("Dropping old labels"):
            return drop_expired(session.warehouse, session.configuration)
    except (ClusteringError, DBAPIError) as error:
        warn(f"warning: published, but old labels were not dropped: {error}")
        return {"dropped": [], "left": None}


def _in_words(told: dict[str, Any]) -> str:
    from clustering.customers import filled_in

    versions = ", ".join(f"{name} version {version}" for name, version in told["models"].items())
    did = "counted, nothing was published" if told["dry_run"] else "published"
    lines = [
        f"run {told['run_id']} as of {told['as_of']}: {did}",
        f"{told['rows_read']:,} rows read, {told['rows_labelled']:,} labelled, {told['rows_rejected']:,} rejected"
        f"{filled_in(told['filled'])}",
        f"scored by {versions}, in {told['shards']} shard{'s' * (told['shards'] != 1)}",
    ]
    if told["source_time"] != "present":
        read = "the dated source" if told["source_time"] == "dated" else "the present rows, marked as substituted"
        lines.append(f"a past date: scored by its own champions, from {read}")
    if told["skipped"]:
        lines.append(f"skipped, without a champion: {', '.join(told['skipped'])}; run clustering retrain")
    for model, day in told["retired"].items():
        lines.append(f"retired, since it is no longer configured: {model}; its history ends on {day}")
    if told["failed"]:
        lines.append(f"left out, readers keep the former result: {', '.join(told['failed'])}")
    return "\n".join(lines)
