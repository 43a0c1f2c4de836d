"""Ask a person what becomes of a held night: publish it all the same, or abandon it.

`segment_customers` starts it with a night that is held, by the asset `segmentation.held_nights`; with **run** it is
started by hand. `read` lists what was found, `decide` asks (see Required Actions), and `act` does as the person said
and records who and why; what has drifted in a night that is published so is told, and starts no retraining. Where
nobody answers, the night is abandoned after the hours that `decide_within_hours` of customers.yaml says, and so it is
before that when a later night is published. Readers keep the former night all the time.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

import clustering
from segmentation_alerts import alert_of_drift, alert_of_models, alert_of_run
from segmentation_assets import CUSTOMER_LABELS, CUSTOMERS, HELD_NIGHTS, SEGMENT_HISTORY, SEGMENTS
from segmentation_definitions import check_conf, documentation, open_session
from segmentation_lineage import lineage_task
from segmentation_schedules import default_args, tags

PUBLISH, ABANDON = "Publish all the same", "Abandon"


@dag(
    schedule=[HELD_NIGHTS],
    on_failure_callback=alert_of_run,
    catchup=False,
    default_args=default_args(),
    description="Ask a person whether a held night is published",
    doc_md=documentation(__doc__, "held.md"),
    tags=tags(),
    params={
        "run": Param(
            None,
            type=["null", "integer"],
            title="Run",
            description="Number of a held run, as `clustering runs` lists it. Empty: the one that started this.",
        )
    },
)
def decide_held_night() -> None:
    @task(multiple_outputs=False)
    def read(params: dict[str, Any], dag_run: Any, triggering_asset_events: Any) -> dict[str, Any]:
        """Return the held run and what was found in it."""
        check_conf(PARAMS, params, dag_run)
        told = [event.extra or {} for events in triggering_asset_events.values() for event in events]
        numbers = [params["run"]] if params["run"] else [one["run_id"] for one in told if "run_id" in one]
        with open_session() as session:
            for run_id in reversed(numbers):  # the latest of several that came together
                if held := clustering.describe_held(session.warehouse, session.configuration, run_id=run_id):
                    return held
        raise AirflowSkipException("no run is held any more")

    @task(multiple_outputs=False)
    def act(held: dict[str, Any], answer: dict[str, Any]) -> dict[str, Any]:
        """Publish or abandon the run as the person said."""
        user = answer["responded_by_user"]
        reason = answer["params_input"].get("reason") or ("no reason given" if user else "nobody answered")
        name = user["name"] if user else "silence"
        run_id = held["run_id"]
        with open_session() as session:
            if not clustering.describe_held(session.warehouse, session.configuration, run_id=run_id):
                raise AirflowSkipException(f"run {run_id} is held no longer: somebody, or a later night, has decided")
            if answer["chosen_options"] == [PUBLISH]:
                release = clustering.Release(name, reason)
                told = clustering.publish_run(session.warehouse, session.configuration, run_id=run_id, release=release)
                found = clustering.watch(session.warehouse, session.configuration, run_id=run_id, may_ask=False)
                if told["failed"]:
                    alert_of_models(told, get_current_context())
                if found["alarms"] and found["is_latest"]:
                    alert_of_drift(found, get_current_context())
                return told
            return clustering.abandon_by_hand(session.warehouse, run_id=run_id, abandoned_by=name, reason=reason)

    @lineage_task(inlets=[CUSTOMERS], outlets=[CUSTOMER_LABELS, SEGMENTS, SEGMENT_HISTORY])
    def announce(decided: dict[str, Any]) -> None:
        """Tell who waits for new segments, where the night was published."""
        if decided["status"] != "published":
            raise AirflowSkipException(f"run {decided['run_id']} is {decided['status']}")

    held = read()
    decide = HITLOperator(
        task_id="decide",
        subject="Publish a night that is held?",
        body="{{ ti.xcom_pull(task_ids='read')['body'] }}",
        options=[PUBLISH, ABANDON],
        defaults=[],  # silence chooses neither, which abandons, and neither button is proposed
        params={"reason": Param(None, type=["null", "string"], title="Reason", description="Kept with the decision.")},
        response_timeout=timedelta(hours=clustering.load_configuration().contract.checks.decide_within_hours),
    )
    held >> decide
    announce(act(held, decide.output))


PARAMS = tuple(decide_held_night().params)
