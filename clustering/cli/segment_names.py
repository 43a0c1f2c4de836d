"""Commands about segments."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from clustering.cli.days import read_day
from clustering.cli.options import By, Json, Model, Models, open_session
from clustering.cli.output import progress, table, tell
from clustering.errors import DataError

if TYPE_CHECKING:
    from clustering.config import Column


def segments(model: Models = None, as_json: Json = False) -> None:
    """List the segments of each model as of its latest date."""
    from clustering.web import reads

    with open_session() as session:
        chosen = list(session.configuration.select(model))
        with session.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
            listed = reads.segments(transaction, chosen)
        contract = session.configuration.contract
    # A column that was declared after the latest night has no average yet.
    averages = {name: column for name, column in reads.averages(contract).items() if listed and name in listed[0]}
    told = ["averages_empty_because"] if any(segment["averages_empty_because"] for segment in listed) else []
    columns = ("as_of", "model", "segment_id", "segment_name", "customers", "share", *averages, "stability_band", *told)
    worded = [{**row, **{name: _amount(column, row[name]) for name, column in averages.items()}} for row in listed]
    nothing = "nothing is published yet; run `clustering score`"
    shown = table("Segments", worded, columns, right=averages) if listed else nothing
    tell({"segments": listed, "units": reads.units(contract)}, shown, as_json=as_json)


def _amount(column: Column, average: float | None) -> str | None:
    return None if average is None else column.in_words(average)


def report(
    model: Models = None,
    as_of: Annotated[
        date | None,
        typer.Option(metavar="DATE", parser=read_day, help="A published date", show_default="each model's latest"),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the page")] = Path("segments.html"),
    as_json: Json = False,
) -> None:
    """Write the Segments page as one HTML file.

    It needs nothing else when it is opened.
    """
    from clustering.web.report import render_report

    with open_session() as session, progress("Drawing the charts"):
        chosen = list(session.configuration.select(model)) if model else None
        page = render_report(session.warehouse, session.configuration, models=chosen, as_of=as_of)
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise DataError(f"{output}: cannot be written: {error.strerror or error}") from None
    tell({"output": str(output), "bytes": output.stat().st_size}, f"written to {output}", as_json=as_json)


def name_segment(
    model: Model,
    segment: Annotated[int, typer.Argument(help="Number of the segment")],
    by: By,
    name: Annotated[str | None, typer.Option(help="Its name in place of the model's")] = None,
    description: Annotated[str | None, typer.Option(help="Its description")] = None,
    action: Annotated[str | None, typer.Option(help="What to do for its customers")] = None,
    reset: Annotated[bool, typer.Option("--reset", help="Back to the model's own words")] = False,
    as_json: Json = False,
) -> None:
    """Give a segment words of your own, or take them back.

    They survive retraining.
    """
    from clustering.versions.own_names import name_segment as give_name
    from clustering.versions.own_names import reset_segment_name

    words = {"name": name, "description": description, "recommended_action": action}
    if reset == any(words.values()):
        raise typer.BadParameter("give --name, --description or --action, or --reset alone")
    with open_session() as session:
        model = session.model(model)
        if reset:
            shown = reset_segment_name(session.warehouse, model=model, segment_id=segment, reset_by=by)
        else:
            shown = give_name(session.warehouse, model=model, segment_id=segment, set_by=by, **words)
    if shown:
        when = f"holds now, everywhere, for the night of {shown} and those to come; former dates keep their words"
    else:
        when = "holds from the next night on; the latest one has no such segment"
    document = {"model": model, "segment_id": segment, **words, "holds_for": shown.isoformat() if shown else None}
    tell(document, f"{model} segment {segment}: {when}", as_json=as_json)
