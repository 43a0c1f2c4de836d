"""The command that takes a published date back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Annotated, Any

import typer

from clustering.cli.days import read_day
from clustering.cli.options import By, Json, Models, open_session
from clustering.cli.output import tell, warn


def withdraw(
    day: Annotated[date, typer.Argument(metavar="DATE", parser=read_day, help="The published date")],
    reason: Annotated[str, typer.Option(help="Why; recorded")],
    by: By,
    model: Models = None,
    as_json: Json = False,
) -> None:
    """Take a published date back, as if it had never been.

    The date before becomes current. The labels stay until retention takes them; the change is recorded. The date can
    be run anew.
    """
    from clustering.scoring.withdrawal import withdraw_date

    with open_session() as session:
        told = withdraw_date(
            session.warehouse, session.configuration, as_of=day, models=model, withdrawn_by=by, reason=reason
        )
    for one in told["trained_since"]:
        warn(
            f"warning: {one['model']} version {one['version']} was trained since that night began, maybe on the same "
            f"customers: clustering rollback {one['model']} goes back"
        )
    tell(told, "\n".join(_lines(told)), as_json=as_json)


def _lines(told: Mapping[str, Any]) -> Iterator[str]:
    runs = sorted(set(told["withdrawn"].values()))
    yield f"{told['as_of']} is withdrawn of {', '.join(told['withdrawn'])} (run {', '.join(map(str, runs))})"
    for model, day in told["current"].items():
        if model in told["retired"]:
            yield f"{model} is retired again from {told['retired'][model]} on: the date had brought it back"
        else:
            yield f"{model} is as of {day} now" if day else f"{model} has no labels now"
    for model, day in told["returned"].items():
        yield f"{model} is as of {day} again: the night had retired it"
    for model in told["still_retired"]:
        yield f"{model}, which the night had retired, stays so: its labels are no longer kept"
    for one in told["sent_to"]:
        yield f"the audience {one['audience']} was sent with it to {one['destination']}: {one['location']}"
    yield f"to publish the date anew: clustering score --as-of {told['as_of']}"
