"""The command that gives customers other keys."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from clustering.cli.options import By, Json, open_session
from clustering.cli.output import tell


def rekey(
    path: Annotated[Path, typer.Argument(metavar="MAP.csv", help="Keys, with the header old,new or old,new,keeps")],
    by: By,
    as_json: Json = False,
) -> None:
    """Give customers other keys, with all that is known of them.

    Before the first night whose source has the new keys. Refused as a whole where a pair is ambiguous.
    """
    from clustering.privacy.rekeying import rekey as rekey_customers

    with open_session() as session:
        report = rekey_customers(session.warehouse, session.configuration, path=path, requested_by=by)
    lines = [f"request {report['request']}: {report['known']} of {report['customers']} customers have another key"]
    lines += [f"  {report['merged']} were merged into others, and end with the next night"] if report["merged"] else []
    lines += [f"  {rows} rows of {table}" for table, rows in report["rows"].items()]
    tell(report, "\n".join(lines), as_json=as_json)
