"""The command that clusters a file: no warehouse is asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from clustering.cli.file_options import (
    FILE,
    Dates,
    Decimal,
    Delimiter,
    Encoding,
    Sheet,
    Thousands,
    file_options,
    say_recognised,
)
from clustering.cli.options import Json
from clustering.cli.output import progress, table, tell, warn
from clustering.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from clustering.cli.label import Labelled


Trained: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="The configured model to train on the file, such as kmeans",
        show_default="the contract's default_model, or the first",
    ),
]
Features: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--feature",
        metavar="COLUMN",
        help="A numeric column of the file, whatever the contract says; again for more",
        show_default="the model's",
    ),
]
Declared: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--declare",
        metavar="SETTINGS",
        help="Settings in place of the model's, such as 'clusters: 5'",
        show_default="its file's",
    ),
]
Output: TypeAlias = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="Where to write the labels (.csv or .parquet)", show_default="stdout"),
]


def cluster(
    file: Annotated[Path, typer.Argument(help=FILE)],
    model: Trained = None,
    feature: Features = None,
    declared: Declared = None,
    output: Output = None,
    encoding: Encoding = None,
    delimiter: Delimiter = None,
    decimal: Decimal = None,
    thousands: Thousands = None,
    dates: Dates = None,
    sheet: Sheet = None,
    as_json: Json = False,
) -> None:
    """Train on a file and label its rows, without a warehouse.

    The labels are CSV: the key, the cluster, the segment that the catalogue calls it, and the confidence.
    With --feature, columns are taken as they are, and the key is the number of the row.
    Where the model finds no clusters that may be used, the exit code is 1, and stderr says what came nearest,
    why it is not used, and what to declare to have it all the same.
    """
    from clustering.cli.label import label_columns, label_customers
    from clustering.cli.refused_clusters import refuse
    from clustering.config import declare, load_configuration

    options = file_options(
        encoding=encoding, delimiter=delimiter, decimal=decimal, thousands=thousands, dates=dates, sheet=sheet
    )
    found = load_configuration()
    name, spec = next(iter(found.select([model or found.default_model]).items()))
    if declared is not None:
        spec = declare(spec, declared)
        found = found.model_copy(update={"models": {**found.models, name: spec}})
    with progress(f"Training {name} on {file}"):
        if feature:
            labelled = label_columns(file, found, name, feature, options)
        else:
            labelled = label_customers(file, found, name, options)
    say_recognised(file, labelled.recognised)
    if labelled.result.refusal:
        refuse(labelled, name, spec, as_json=as_json)
    _tell(labelled, name, output, as_json=as_json)


def _tell(labelled: Labelled, model: str, output: Path | None, *, as_json: bool) -> None:
    from clustering.customers import filled_in

    if output:
        _write(labelled.labels, output)
    document = _document(labelled, model, output)
    if output or as_json:
        tell(document, table(document["verdict"], labelled.clusters), as_json=as_json)
    else:
        labelled.labels.to_csv(sys.stdout, index=False)
        if labelled.result.structure == "none":
            warn(f"{model}: {document['verdict']}")
    if document["filled"]:
        warn(f"{document['labelled']} rows labelled{filled_in(document['filled'])}")
    if labelled.rejected:
        rejected = document["rows"] - document["labelled"]
        warn(f"warning: {rejected} of {document['rows']} rows were rejected: {labelled.told}")


def _document(labelled: Labelled, model: str, output: Path | None) -> dict[str, Any]:
    from clustering.cli.label import described

    document = described(labelled, model)
    if output:
        return {**document, "output": str(output)}
    return {**document, "labels": labelled.labels.to_dict("records")}


def _write(labels: pd.DataFrame, path: Path) -> None:
    try:
        if path.suffix.lower() == ".parquet":
            labels.to_parquet(path, index=False)
        else:
            labels.to_csv(path, index=False)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error.strerror or error}") from None
