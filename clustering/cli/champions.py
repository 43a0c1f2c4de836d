"""Commands about versions and champions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from clustering.cli.options import By, Json, Model, open_session
from clustering.cli.output import table, tell

VERSIONS = ("version", "status", "structure", "silhouette", "sample_rows", "trained_at")


def models(
    model: Annotated[str | None, typer.Argument(help="A model, to list its versions", show_default="all")] = None,
    as_json: Json = False,
) -> None:
    """List the configured models with their champions, or the versions of one and the decisions on them."""
    from clustering.web import reads

    with open_session() as session, session.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        if model is not None:
            detail = reads.model_detail(transaction, session.configuration, session.model(model))
            versions = [{**version, "silhouette": _silhouette(version)} for version in detail["versions"]]
            tell(detail, table(f"Versions of {detail['model']}", versions, VERSIONS), as_json=as_json)
            return
        listed = reads.models(transaction, session.configuration, list(session.configuration.models))
    tell({"models": listed}, table("Models", [_line(one) for one in listed]), as_json=as_json)


def promote(
    model: Model,
    version: Annotated[int, typer.Argument(help="Number of the version")],
    by: By,
    as_json: Json = False,
) -> None:
    """Make a version the champion by hand, whatever the gate said."""
    from clustering.training.promotion import promote as promote_version

    with open_session() as session:
        _tell(promote_version(session.registry, model=session.model(model), version=version, decided_by=by), as_json)


def rollback(
    model: Model,
    by: By,
    to: Annotated[int | None, typer.Option(help="A former champion", show_default="the one before the present")] = None,
    as_json: Json = False,
) -> None:
    """Make a former champion the champion again; the next run scores exactly as it did."""
    from clustering.training.promotion import roll_back

    with open_session() as session:
        _tell(roll_back(session.registry, model=session.model(model), to_version=to, decided_by=by), as_json)


def retire(model: Model, by: By, as_json: Json = False) -> None:
    """Take a model out of what holds now: its labels leave the views, its history ends and is kept.

    A night does the same with a model whose file is gone; this needs no night, and no configuration.
    """
    from clustering.config.files import model_names
    from clustering.scoring.pointer import retire_model
    from clustering.warehouse import connect

    told = retire_model(connect(), model=model.casefold(), retired_by=by, configured=model_names())
    said = f"{told['model']} is retired; its history ends on {told['retired_on']}"
    if told["comes_back"]:
        said += ". It is still configured, so the next night brings it back: remove its file"
    tell(told, said, as_json=as_json)


def _tell(decided: Mapping[str, Any], as_json: bool) -> None:
    said = f"{decided['model']} version {decided['version']} is champion ({decided['decision']})"
    tell(decided, said, as_json=as_json)


def _silhouette(version: Mapping[str, Any]) -> float | None:
    from clustering.versions.metrics import Metrics

    return Metrics.from_document(version["metrics"]).silhouette


def _line(model: Mapping[str, Any]) -> dict[str, Any]:
    champion = model["champion"]
    return {
        "model": model["model"],
        "algorithm": model["algorithm"],
        "features": ", ".join(model["features"]),
        "champion": f"version {champion['version']}" if champion else "none, run clustering retrain",
        "structure": champion["structure"] if champion else None,
        "silhouette": _silhouette(champion) if champion else None,
        "trained_at": champion["trained_at"] if champion else None,
    }
