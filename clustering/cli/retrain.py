"""The command that retrains models: what the DAG retrain_models does, without Airflow."""

from __future__ import annotations

from typing import Any

from clustering.cli.options import Json, Models, Session, open_session, user_name
from clustering.cli.output import progress, table, tell, warn
from clustering.errors import PermanentError, StoreError, TrainingError

COLUMNS = ("model", "version", "decision", "structure", "silhouette", "reason")


def retrain(model: Models = None, as_json: Json = False) -> None:
    """Train new versions, and promote those that pass the gate.

    A model that fails leaves its champion as it is and does not stop the others; the exit code is 1 then.
    """
    from clustering.training.pruning import prune

    with open_session() as session:
        results = _retrain(session, model)
        prune(session.configuration, session.registry)
    tell({"models": results}, table("Retrained", results, COLUMNS), as_json=as_json)
    failed = [one for one in results if one["decision"] == "failed"]
    if failed:
        raise TrainingError("; ".join(f"{one['model']}: {one['reason']}" for one in failed))


def _retrain(session: Session, models: list[str] | None) -> list[dict[str, Any]]:
    from clustering.training.retraining import draw_sample, drop_sample

    chosen = list(session.configuration.select(models))
    with progress("Drawing a sample", total=len(chosen)) as bar:
        drawn = draw_sample(session.warehouse, session.configuration, models=chosen, requested_by=_requested_by())
        if drawn["warning"]:
            warn(f"warning: {drawn['warning']}")
        try:
            results = []
            for model in chosen:
                bar.say(f"Training {model}")
                results.append(_train(session, model, drawn["sample"]))
                bar.advance()
            return results
        finally:
            drop_sample(session.warehouse, sample=drawn["sample"])


def _train(session: Session, model: str, sample: str) -> dict[str, Any]:
    from clustering.training.promotion import gate
    from clustering.training.retraining import train
    from clustering.versions.metrics import Metrics

    told: dict[str, Any] = dict.fromkeys(COLUMNS) | {"model": model}
    try:
        version = train(session.warehouse, session.configuration, session.registry, model=model, sample=sample)
        told |= {"version": version["version"], "structure": version["structure"]}
        told |= {"silhouette": Metrics.from_document(version["metrics"]).silhouette}
        decided = gate(
            session.configuration,
            session.registry,
            model_version_id=version["model_version_id"],
            decided_by=_requested_by(),
        )
    except (PermanentError, StoreError) as error:
        return told | {"decision": "failed", "reason": str(error)}
    reason = decided["reason"]
    if decided["decision"] == "held":
        reason += f"; if it is right all the same: clustering promote {model} {version['version']}"
    return told | {"decision": decided["decision"], "reason": reason}


def _requested_by() -> str:
    return f"{user_name()} (clustering retrain)"
