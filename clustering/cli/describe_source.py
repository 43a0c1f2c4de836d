"""The command that says where customers come from, and prints the query of it."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from clustering.cli.days import read_day
from clustering.cli.options import Json
from clustering.cli.output import tell


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
    from clustering.config.source_query import with_dates

    origin = load_configuration().contract.origin
    query = origin.query or origin.dated
    if query is None and origin.table:
        query = "\n".join(("select *", f"from {quoted_table(origin.table)}"))
    if query is not None and as_of is not None:
        query = with_dates(query, f"date '{as_of}'")
    document = {
        "source": origin.name,
        "has_past_dates": origin.is_dated,
        "materialise": origin.materialise,
        "sql": query,
    }
    past = "past dates by the same query" if origin.is_dated and origin.query else "past dates by source.dated"
    said = f"{origin.name}, {past if origin.is_dated else 'without past dates'}"
    tell(document, f"{query};" if sql else said, as_json=as_json)
