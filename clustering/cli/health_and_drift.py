"""The commands on how far the present segments can be relied on: health, and drift check by check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json, Models, open_session
from clustering.cli.output import table, tables, tell, warn
from clustering.errors import StoreError

if TYPE_CHECKING:
    from rich.table import Table

    from clustering.monitoring.health import ModelHealth

DRIFT = ("model", "as_of", "layer", "check_name", "subject", "statistic", "threshold", "alarm", "description")
NEAREST = 10  # checks without an alarm that are shown, those nearest to their limit


def health(model: Models = None, as_json: Json = False) -> None:
    """Say how far the present segments can be relied on.

    Fresh, complete, drifted and trusted, each since when and why, with what was found in the night; then each segment.
    """
    from clustering.monitoring.health import read_health

    with open_session() as session:
        chosen = list(session.configuration.select(model))
        with session.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
            found = [read_health(transaction, name) for name in chosen]
        try:
            session.registry.files.require_reachable()
        except StoreError as error:
            warn(f"warning: the next night cannot read the versions of models: {error}")
    tell(
        {"models": [one.to_document() for one in found]},
        tables([part for one in found for part in _health_tables(one)]),
        as_json=as_json,
    )


def drift(
    model: Models = None,
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="A published date", show_default="each model's latest"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Every check, also those far from their limit")] = False,
    as_json: Json = False,
) -> None:
    """List how customers differ from those of the training.

    Checks that raised an alarm come first, then those nearest to their limit.
    """
    from clustering.monitoring.night_drift import read_drift

    with open_session() as session:
        chosen = list(session.configuration.select(model))
        with session.warehouse.transaction(read_only=True) as transaction:
            found = read_drift(transaction, chosen, as_of=as_of)
    alarms = sum(one["alarm"] for one in found)
    shown = found if every else found[: alarms + NEAREST]
    when = f"as of {as_of}" if as_of else "of the latest night"
    title = f"Drift: {alarms} of {len(found)} checks {when} raised an alarm"
    if len(shown) < len(found):
        title += f"; {len(found) - len(shown)} more are far from their limit (--all)"
    nothing = f"no check for drift {when} is there; clustering runs says which nights were published"
    tell({"checks": found}, table(title, shown, DRIFT) if found else nothing, as_json=as_json)


def _health_tables(found: ModelHealth) -> Sequence[Table]:
    document = found.to_document()
    when = f"as of {found.as_of}" if found.as_of else "without a published night"
    shown = [table(f"{found.model} {when}", document["aspects"], ("name", "verdict", "since", "reason"))]
    if found.segments:
        columns = ("segment_id", "segment_name", "trust", "own_reasons")
        shown.append(table(f"Segments of {found.model}", [_segment(one) for one in document["segments"]], columns))
    return shown


def _segment(segment: Mapping[str, Any]) -> dict[str, Any]:
    """Return a segment with the night's reasons named where it has none of its own."""
    of_night = "as the whole night, see above" if segment["night_reasons"] else None
    return {**segment, "own_reasons": segment["own_reasons"] or of_night}
