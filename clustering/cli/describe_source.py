"""The command that says where customers come from, and prints the query of it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json
from clustering.cli.output import tell
from clustering.errors import ConfigurationError


def source(
    sql: Annotated[bool, typer.Option("--sql", help="Print the query, as it can be pasted into psql")] = False,
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="With this date in place of :as_of", show_default=":as_of"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Say where customers come from; asks no warehouse.

    For declared orders the query is the one that has been made from them.
    """
    from clustering.config import load_configuration
    from clustering.config.orders.quoting import quoted_table
    from clustering.config.source_files import on_date
    from clustering.config.source_query import with_dates

    origin = load_configuration().contract.origin
    query = origin.query or origin.dated
    if query is None and origin.table:
        query = "\n".join(("select *", f"from {quoted_table(origin.table)}"))
    files = origin.files and (on_date(origin.files, as_of) if as_of else origin.files)
    if query is not None and as_of is not None:
        query = with_dates(query, f"date '{as_of}'")
    if origin.files and sql:
        raise ConfigurationError("customers.yaml names files, which no query of the warehouse reads; leave --sql out")
    document = {
        "source": origin.name,
        "has_past_dates": origin.is_dated,
        "materialise": origin.materialise,
        "sql": query,
        "files": files,
    }
    same = "by files of their dates" if files else "by the same query"
    past = f"past dates {same if origin.dates_itself else 'by source.dated'}"
    place = f" {files}" if files else ""
    said = f"{origin.name}{place}, {past if origin.is_dated else 'without past dates'}"
    tell(document, f"{query};" if sql else said, as_json=as_json)
