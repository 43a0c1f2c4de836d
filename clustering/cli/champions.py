"""Commands about versions and champions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clustering.cli.options import By, Json, Model, Session, open_session
from clustering.cli.output import table, tables, tell

if TYPE_CHECKING:
    from rich.table import Table

    from clustering.warehouse import Transaction

VERSIONS = ("version", "status", "structure", "silhouette", "sample_rows", "trained_at")
DECISIONS = ("version", "decision", "decided_by", "decided_at", "reason")
LIMITS = ("version", "figure", "value", "limit", "kept")


def models(
    model: Annotated[str | None, typer.Argument(help="A model, to list its versions", show_default="all")] = None,
    as_json: Json = False,
) -> None:
    """List the models, or a model's versions and decisions.

    Each decision with the figures and limits that it rests on, and why the newest version was refused.
    """
    from clustering.web import reads

    with open_session() as session, session.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        if model is not None:
            detail = reads.model_detail(transaction, session.configuration, session.model(model))
            versions = [{**version, "silhouette": _silhouette(version)} for version in detail["versions"]]
            shown: list[Table | str] = [table(f"Versions of {detail['model']}", versions, VERSIONS)]
            if detail["decisions"]:
                shown.append(table("Decisions", detail["decisions"], DECISIONS))
            if refused := _refused(session, transaction, detail):
                shown += refused
            if limits := [_limit(one["version"], check) for one in detail["decisions"] for check in one["checks"]]:
                shown.append(table("Figures and limits of the gate", limits, LIMITS))
            tell(detail, tables(shown), as_json=as_json)
            return
        listed = reads.models(transaction, session.configuration, list(session.configuration.models))
    tell({"models": listed}, table("Models", [_line(one) for one in listed]), as_json=as_json)


def promote(
    model: Model,
    version: Annotated[int, typer.Argument(help="Number of the version")],
    by: By,
    as_json: Json = False,
) -> None:
    """Make a version the champion, whatever the gate said.

    A former champion is rolled back to.
    """
    from clustering.training.promotion import promote as promote_version

    with open_session() as session:
        decided = promote_version(session.registry, model=session.model(model), version=version, decided_by=by)
    again = ", a former champion: recorded as a roll-back" if decided["decision"] == "rolled_back" else ""
    _tell(decided, f"promoted{again}", as_json)


def rollback(
    model: Model,
    by: By,
    to: Annotated[int | None, typer.Option(help="A former champion", show_default="the one before the present")] = None,
    as_json: Json = False,
) -> None:
    """Make a former champion the champion again.

    The next run scores exactly as it did.
    """
    from clustering.training.promotion import roll_back

    with open_session() as session:
        decided = roll_back(session.registry, model=session.model(model), to_version=to, decided_by=by)
    _tell(decided, "rolled back", as_json)


def retire(model: Model, by: By, as_json: Json = False) -> None:
    """Take a model out of what holds now.

    Its labels leave the views, its history ends and is kept. A night does the same with a model whose file is gone;
    this needs no night, and no configuration.
    """
    from clustering.config.files import model_names
    from clustering.scoring.pointer import retire_model
    from clustering.warehouse import connect

    told = retire_model(connect(), model=model.casefold(), retired_by=by, configured=model_names())
    said = f"{told['model']} is retired; its history ends on {told['retired_on']}"
    if told["comes_back"]:
        said += ". It is still configured, so the next night brings it back: remove its file"
    tell(told, said, as_json=as_json)


def _tell(decided: Mapping[str, Any], done: str, as_json: bool) -> None:
    said = f"{decided['model']} version {decided['version']} is champion now ({done}); the next night scores with it"
    tell(decided, said, as_json=as_json)


def _limit(version: int, check: Mapping[str, Any]) -> dict[str, Any]:
    named = {"figure": check["name"], "value": check["value"], "limit": check["limit"], "kept": check["passed"]}
    return {"version": version} | named


def _refused(session: Session, transaction: Transaction, detail: Mapping[str, Any]) -> list[Table | str]:
    """Return why the newest version was refused, and what would use its clusters; nothing where it was not."""
    from clustering.cli.refused_clusters import CRITERIA, criteria_rows
    from clustering.versions.version import read_numbered
    from clustering.web.version_evidence import read_evidence

    newest = detail["versions"][0] if detail["versions"] else None
    if newest is None or newest["status"] != "refused":
        return []
    model, spec = detail["model"], session.configuration.models[detail["model"]]
    version = read_numbered(transaction, model, newest["version"])
    evidence = read_evidence(transaction, version, spec)
    shown: list[Table | str] = []
    if evidence.criteria and evidence.chosen:
        rows, fails = criteria_rows(spec, evidence.chosen.figures)
        shown += [table(f"Why version {version.version} was refused", rows, CRITERIA), *fails]
    if declared := version.metrics.declaration:
        shown.append(f"to use such clusters all the same, write in models/{model}.yaml: {declared}")
    return shown


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
