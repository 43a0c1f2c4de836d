"""The command that ends a run which died."""

from __future__ import annotations

from typing import Annotated

import typer

from clustering.cli.options import By, Json, open_session
from clustering.cli.output import tell


def abandon(
    run: Annotated[int, typer.Argument(help="Number of the run, as in segmentation.scoring_runs")],
    by: By,
    as_json: Json = False,
) -> None:
    """End a run that is going on, such as one whose processes died, and drop what it staged; readers notice nothing."""
    from clustering.scoring.plan import abandon_by_hand

    with open_session() as session:
        told = abandon_by_hand(session.warehouse, run_id=run, abandoned_by=by)
    ended = f"run {run} is abandoned" if told["abandoned"] else f"run {run} is {told['status']}: nothing was changed"
    tell(told, ended, as_json=as_json)
