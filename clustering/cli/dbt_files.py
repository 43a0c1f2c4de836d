"""The command that writes what a dbt project needs to read the segments, and to know what reads its customers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clustering.cli.options import Json, open_session
from clustering.cli.output import tell
from clustering.errors import ConfigurationError

if TYPE_CHECKING:
    from clustering.warehouse.connection import Row

HEAD = "# Written by `clustering dbt`; write it anew after `clustering migrate`. For dbt 1.10 and later.\n"
# The oldest of what is current: a model that has been left out for days is not fresh.
LOADED_AT = "select min(published_at) from segmentation.current_models"
LATE = 2  # hours that a night may be late before dbt warns
_DEPENDENCY = re.compile(r"(ref|source)\(\s*'[^']+'(\s*,\s*'[^']+')?\s*\)")


def dbt(
    to: Annotated[
        Path | None, typer.Option(metavar="FILE", help="File to write, such as sources.yml", show_default="stdout")
    ] = None,
    depends_on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="REF",
            help="What the customers come from in dbt, as \"ref('customers')\"; may be given again",
            show_default="ref of each table",
        ),
    ] = None,
    owner: Annotated[str, typer.Option(help="Whom dbt names as the owner")] = "customer segmentation",
    every: Annotated[int, typer.Option(metavar="HOURS", min=1, help="Hours from night to night")] = 24,
    as_json: Json = False,
) -> None:
    """Write the views as sources of dbt, and an exposure.

    The sources are what BI tools may read, with how fresh it has to be. The exposure tells dbt who reads the customers.
    """
    import yaml

    from clustering.config.table_name import split_name

    with open_session() as session:
        tables = session.configuration.contract.origin.tables
        with session.warehouse.transaction(read_only=True) as transaction:
            readable = transaction.scalar("catalogue/readable", others=[])
            rows = transaction.rows("catalogue/columns", relations=readable)
    if not rows:
        raise ConfigurationError("nothing is granted to the role segmentation_reader yet; run clustering migrate")
    named = [f"ref('{split_name(table)[1]}')" for table in tables] if depends_on is None else depends_on
    source = _source(rows, every)
    document = {"version": 2, "sources": [source], "exposures": [_exposure(_checked(named), owner)]}
    written = HEAD + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120)
    if to is None:
        tell(document, written.rstrip("\n"), as_json=as_json)
        return
    try:
        to.write_text(written, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{to} cannot be written: {error.strerror}; name another file by --to") from error
    tell(document, f"{to}: {len(source['tables'])} tables and views", as_json=as_json)


def _source(rows: Sequence[Row], every: int) -> dict[str, Any]:
    return {
        "name": "segmentation",
        "schema": "segmentation",
        "description": "Segments of the customers, as the nights publish them.",
        "config": {
            "loaded_at_query": LOADED_AT,
            "freshness": {
                "warn_after": {"count": every + LATE, "period": "hour"},
                "error_after": {"count": 2 * every + LATE, "period": "hour"},
            },
        },
        "tables": [_table(name, list(columns)) for name, columns in groupby(rows, key=lambda row: str(row.relation))],
    }


def _table(name: str, columns: Sequence[Row]) -> dict[str, Any]:
    return {
        "name": name,
        "description": _plain(columns[0].description),
        "columns": [
            {"name": one.name, "data_type": one.data_type, "description": _plain(one.column_description)}
            for one in columns
        ],
    }


def _exposure(depends_on: Sequence[str], owner: str) -> dict[str, Any]:
    return {
        "name": "customer_segmentation",
        "label": "Customer segmentation",
        "type": "ml",
        "description": "Reads the customers every night, and publishes their segments in the source segmentation.",
        "owner": {"name": _plain(owner)},
        "depends_on": list(depends_on),
    }


def _checked(depends_on: Sequence[str]) -> Sequence[str]:
    for one in depends_on:
        if not _DEPENDENCY.fullmatch(one):
            raise ConfigurationError(
                f"--depends-on {one!r} is not how dbt names a model or a source; write ref('customers') or "
                "source('shop', 'customers')"
            )
    return depends_on


def _plain(text: str | None) -> str:
    """Return a text that dbt, which reads templates in it, shows as it is."""
    text = text or ""
    return f"{{% raw %}}{text}{{% endraw %}}" if re.search(r"\{[{%#]", text) else text
