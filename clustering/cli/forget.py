"""The command that forgets a customer."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from clustering.cli.options import By, Json, open_session
from clustering.cli.output import tell, warn


def forget(
    customer_id: Annotated[str, typer.Argument(help="The customer's key")],
    by: By,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask")] = False,
    as_json: Json = False,
) -> None:
    """Remove a customer from every table, and prove it.

    What is left to do is said; there is no way back.
    """
    from clustering.privacy.forgetting import forget as forget_customer

    if not yes and not _agreed():
        raise typer.Exit(1)
    with open_session() as session:
        report = forget_customer(
            session.warehouse, session.configuration, session.registry, customer_id=customer_id, requested_by=by
        )
    if report["source_rows"]:
        warn("warning: the source still has the customer, who comes back with the next night")
    tell(report, "\n".join(_lines(report)), as_json=as_json)


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to ask; give --yes")
    return typer.confirm("Remove everything about this customer, for good?", err=True)


def _lines(report: Mapping[str, Any]) -> list[str]:
    removed, left = report["removed"], report["left"]
    lines = [f"request {report['request']}: {sum(removed.values())} rows removed"]
    lines += [f"  {rows} from {table}" for table, rows in removed.items()]
    searched = f"{report['tables_searched']} tables with {report['columns_searched']} columns"
    if left:
        lines.append(f"searched {searched}; the same characters stand in other rows, a number by chance")
        lines.append("or words about the customer: look at them, and remove such words by hand")
        lines += [f"  {rows} of {table}" for table, rows in left.items()]
    else:
        elsewhere = " else" if report["told_for_days"] else " any more"
        lines.append(f"searched {searched}: the key stands nowhere{elsewhere}")
    if days := report["told_for_days"]:
        lines.append(f"segment_changes keeps it for {days} days, for those who follow it to remove the customer too")
    for one in report["sent_to"]:
        place = f"{one['destination']}, in the audience {one['audience']}, first as of {one['since']}"
        lines.append(f"was sent to {place}: remove the customer there, and from files that were sent, by hand")
    if report["statistics"]:
        lines.append("the planner's statistics still show it; let the owner analyze " + ", ".join(report["statistics"]))
    lines += [
        f"{point['model']} version {point['version']}, {point['status']}: {point['meaning']}"
        for point in report["core_points"]
    ]
    if report["source_files"]:
        lines.append(
            f"the source's files are not ours: delete the rows of the key in {', '.join(report['source_files'])}"
        )
    if report["source_rows"] is None:
        lines.append("the source could not be read")
    lines.append("what was counted and published stays: it says how many customers there were on its date")
    return lines
