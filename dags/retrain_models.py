"""Train the configured models anew, every week, and promote each new version that is good enough.

`sample` draws the training customers, always the same ones for the same table. Then for each model by itself: `train`
makes a new version, `gate` promotes or refuses it and tells of a refusal, and `announce` tells who waits for new
champions (it is skipped for a refused version). A model that fails leaves its champion as it is and does not stop the
others, but the run ends as failed. `prune` removes the artifacts of versions that nothing needs any more.

A run that drift has started trains the models that drifted; an event of the asset `segmentation.drift` that somebody
makes by hand without `models` trains all of them.

With **approval** on, versions that pass the gate wait, and without it those that should have been compared with a
champion whose files could not be read: `review` lists what would change, `approve` asks a person (see
Required Actions; silence for three days is a no), and `decide` does as the person said.

With **champions** filled in, nothing is trained: `set_champion` makes each of these versions the champion by hand. A
line `kmeans` goes back to the former champion of K-Means, `kmeans 3` makes version 3 the champion.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import (
    Param,
    TriggerRule,
    dag,
    get_current_context,
    task,
    task_group,
)
from airflow.sdk.exceptions import AirflowSkipException

import clustering
from clustering.config import model_names
from clustering.errors import ConfigurationError
from segmentation_alerts import alert_of_refusal, alert_of_run, log_refusal
from segmentation_assets import CHAMPIONS, CUSTOMERS
from segmentation_definitions import (
    ADVANCED,
    alarmed_models,
    check_conf,
    chosen_models,
    documentation,
    may_retry,
    models_param,
    open_session,
    person,
    warn_of_logical_date,
)
from segmentation_lineage import lineage_task
from segmentation_links import compare_address
from segmentation_schedules import LONG, default_args, tags, training_schedule

APPROVE, REJECT = "Approve", "Reject"
PATIENCE = timedelta(days=3)


@dag(
    schedule=training_schedule(),
    on_failure_callback=alert_of_run,
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    description="Train new versions of the models and promote the good ones",
    doc_md=documentation(__doc__, "operate.md"),
    tags=tags(),
    params={
        "models": models_param(),
        "approval": Param(
            False, type="boolean", title="Approval", description="Ask a person before a new version is promoted."
        ),
        "champions": Param(
            None,
            type=["null", "array"],
            items={"type": "string", "pattern": r"^\s*\w+(\s+\d+)?\s*$"},
            title="Set champions by hand",
            description="Instead of training. One line a model: 'kmeans' goes back to the former champion, 'kmeans 3' "
            "makes version 3 the champion.",
            section=ADVANCED,
        ),
    },
)
def retrain_models() -> None:
    @task
    def by_hand(params: dict[str, Any], dag_run: Any) -> list[str]:
        """Return the champions to set by hand."""
        check_conf(PARAMS, params, dag_run)
        lines = [line for line in params["champions"] or () if line.strip()]
        if lines and (params["approval"] or chosen_models(params) not in (None, model_names())):
            raise ConfigurationError("champions are set by hand, nothing is trained: leave models and approval alone")
        warn_of_logical_date(dag_run)
        return lines

    @lineage_task(outlets=[CHAMPIONS], map_index_template="{{ model_name }}", multiple_outputs=False)
    def set_champion(order: str, dag_run: Any) -> dict[str, Any]:
        """Make another version the champion and return the decision."""
        show_model(order)
        with open_session() as session:
            return clustering.change_champion(session.registry, order=order, decided_by=person(dag_run))

    @lineage_task(inlets=[CUSTOMERS], execution_timeout=LONG)  # a query is read whole
    def sample(params: dict[str, Any], dag_run: Any, triggering_asset_events: Any) -> list[dict[str, str]]:
        """Draw the training customers and return the models to train on them."""
        check_conf(PARAMS, params, dag_run)
        if params["champions"]:
            raise AirflowSkipException("champions are set by hand: nothing is trained")
        with open_session() as session:
            drawn = clustering.draw_sample(
                session.warehouse,
                session.configuration,
                models=alarmed_models(triggering_asset_events) or chosen_models(params),
                requested_by=f"retrain_models {dag_run.run_id}",
            )
        return [{"model": model, "sample": drawn["sample"]} for model in drawn["models"]]

    @task(execution_timeout=LONG, map_index_template="{{ model_name }}", multiple_outputs=False)
    def train(part: dict[str, str], ti: Any) -> dict[str, Any]:
        """Train one model and return its new version."""
        show_model(part["model"])
        with open_session() as session:
            trained = clustering.train(
                session.warehouse, session.configuration, session.registry, **part, may_retry=may_retry(ti)
            )
        log_refusal(trained, compare_address(trained["model"], trained["version"]))
        return trained

    @task(map_index_template="{{ model_name }}", multiple_outputs=False)
    def gate(version: dict[str, Any], params: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Promote or refuse the new version, or hold it for a person to approve, and return the decision."""
        show_model(version["model"])
        with open_session() as session:
            decided = clustering.gate(
                session.configuration,
                session.registry,
                model_version_id=version["model_version_id"],
                decided_by=f"retrain_models {dag_run.run_id}",
                hold=params["approval"],
            )
            is_told = clustering.repeats_refusal(session.warehouse, model_version_id=version["model_version_id"])
        if decided["decision"] == "refused" and not is_told:
            link = compare_address(decided["model"], decided["version"])
            alert_of_refusal(decided, version, link, get_current_context())
        return decided

    @lineage_task(outlets=[CHAMPIONS], map_index_template="{{ model_name }}")
    def announce(decided: dict[str, Any], outlet_events: Any) -> None:
        """Tell of a new champion."""
        show_model(decided["model"])
        if decided["decision"] != "promoted":
            raise AirflowSkipException(f"{decided['model']}: {decided['decision']}, {decided['reason']}")
        outlet_events[CHAMPIONS].extra = {"model": decided["model"]}

    @task(trigger_rule=TriggerRule.ALL_DONE)
    def waiting(decided: Any) -> list[int]:
        """Return the versions that wait for approval, of the models that did not fail."""
        # What the instances of a group return is a list, but for that of a single one.
        results = decided if isinstance(decided, list) else [decided]
        held = [one["model_version_id"] for one in results if one and one["decision"] == "held"]
        if not held:
            raise AirflowSkipException("no version waits for approval")
        return held

    @task
    def review(held: list[int]) -> str:
        """Return in Markdown what the versions that wait would change."""
        with open_session() as session:
            return clustering.preview(session.registry, held=held, address=compare_address)

    @task(map_index_template="{{ model_name }}", multiple_outputs=False)
    def decide(held: int, answer: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Promote or refuse a version as the person said and return the decision."""
        user = answer["responded_by_user"]
        with open_session() as session:
            decided = clustering.approve(
                session.configuration,
                session.registry,
                model_version_id=held,
                approved=answer["chosen_options"] == [APPROVE],
                remark=answer["params_input"].get("remark"),
                decided_by=f"{user['name']} (retrain_models {dag_run.run_id})"
                if user
                else f"silence (retrain_models {dag_run.run_id})",
            )
        show_model(decided["model"])
        return decided

    @task
    def prune() -> dict[str, list[int]]:
        """Remove the artifacts that nothing needs any more."""
        with open_session() as session:
            return clustering.prune(session.configuration, session.registry)

    @task
    def clean_up(parts: list[dict[str, str]]) -> None:
        """Drop the sample."""
        with open_session() as session:
            clustering.drop_sample(session.warehouse, sample=parts[0]["sample"])

    @task_group
    def each_model(part: dict[str, str]) -> Any:
        decided = gate(train(part))
        announce(decided)
        return decided

    set_champion.expand(order=by_hand())
    parts = sample()
    decided = each_model.expand(part=parts)
    held = waiting(decided)
    approve = HITLOperator(
        task_id="approve",
        subject="Promote the new versions?",
        body=review(held),
        options=[APPROVE, REJECT],
        defaults=[],  # silence chooses neither, which is a no, and neither button is proposed
        params={"remark": Param(None, type=["null", "string"], title="Remark", description="Kept with the decision.")},
        response_timeout=PATIENCE,
    )
    announce.expand(decided=decide.partial(answer=approve.output).expand(held=held))
    # Teardowns do not decide the state of the DAG run, and run even when a person marks it as failed.
    decided >> [clean_up(parts).as_teardown(setups=parts), prune().as_teardown()]


def show_model(name: str) -> None:
    """Show the model's name in the grid in place of a number."""
    get_current_context()["model_name"] = name  # type: ignore[typeddict-unknown-key]


PARAMS = tuple(retrain_models().params)
