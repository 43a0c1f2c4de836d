"""The command that sends audiences to other systems."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json, open_session, user_name
from clustering.cli.output import progress, tell


def export(
    audience: Annotated[str, typer.Argument(help="Name of the audience in exports.yaml")],
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="A published date", show_default="the current one"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Send an audience to where exports.yaml says, and record it.

    It is one file, there as a whole or not at all. The connection of its destination is read from AIRFLOW_CONN_ and
    its id.
    """
    from clustering.exports.exporting import export_audience
    from clustering.storage.connection_variables import connection_of_environment

    with open_session() as session, progress(f"Sending {audience}"):
        told = export_audience(
            session.warehouse,
            session.configuration,
            audience=audience,
            as_of=as_of,
            connections=connection_of_environment,
            requested_by=f"{user_name()} (clustering export)",
        )
    line = f"{told['audience']} as of {told['as_of']}: {told['rows']:,} rows to {told['location']}"
    tell(told, line, as_json=as_json)
