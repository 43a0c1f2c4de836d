"""Send the audiences of `exports.yaml` to other systems, after each night that is published.

It is started by the asset `segmentation.customer_labels`. `choose` lists the audiences whose model holds for a night
that their destination does not have: a new night, one that was repeated, or, where a date was withdrawn, the one
before. `send` sends one audience, as one file or table that is there as a whole or not at all. Destinations are
connections of Airflow; only those under `destinations` of `exports.yaml` are ever opened. An audience that fails keeps
none of the others back; what its destination had stays.

A night that is held is published by nobody, so it is not sent. A night of a past date changes nothing of what holds
now: send it by hand, with **audiences** and **as_of**. A run by hand sends all that it names, again too.

Without `exports.yaml` nothing starts the DAG, and a run by hand sends nothing.
"""

from __future__ import annotations

import logging
from datetime import date
from typing import Any

from airflow.sdk import Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

import clustering
from segmentation_alerts import alert_of_run
from segmentation_assets import CUSTOMER_LABELS
from segmentation_days import business_date, zone
from segmentation_definitions import check_conf, destination, documentation, open_session, person
from segmentation_lineage import AudienceOperator, lineage_task
from segmentation_schedules import LONG, default_args, tags

log = logging.getLogger(__name__)
EXPORTS = clustering.load_configuration().exports
AUDIENCES = sorted(EXPORTS.audiences) if EXPORTS else []


@dag(
    schedule=[CUSTOMER_LABELS] if AUDIENCES else None,
    on_failure_callback=alert_of_run,
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    description="Send audiences to other systems",
    doc_md=documentation(__doc__, "exports.md"),
    tags=tags(),
    params={
        "audiences": Param(
            None,
            type=["null", "array"],
            items={"type": "string", **({"enum": AUDIENCES} if AUDIENCES else {})},
            examples=AUDIENCES,
            uniqueItems=True,
            title="Audiences",
            description="Which audiences of exports.yaml to send. None chosen: all of them.",
        ),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As of",
            description="A published date whose labels are kept. Empty: the current date of each audience's model.",
        ),
    },
)
def export_segments() -> None:
    @task(inlets=[CUSTOMER_LABELS], multiple_outputs=False)
    def choose(params: dict[str, Any], dag_run: Any) -> list[dict[str, Any]]:
        """Return the audiences to send, each with its date."""
        check_conf(PARAMS, params, dag_run)
        as_of = business_date(params["as_of"], None, dag_run, zone()) if params["as_of"] else None
        with open_session() as session:
            if dag_run.run_type == "asset_triggered":
                chosen = clustering.due_audiences(session.warehouse, session.configuration)
            else:
                named = {"audiences": params["audiences"], "as_of": as_of}
                chosen = clustering.named_audiences(session.configuration, **named)
            if not chosen.due:
                folder = session.configuration.directory
                none = f"{folder} has no exports.yaml, or no audience in it" if not AUDIENCES else "no audience is due"
                raise AirflowSkipException(f"nothing is sent: {none}")
        return chosen.due

    @lineage_task(
        operator=AudienceOperator,
        inlets=[CUSTOMER_LABELS],
        execution_timeout=LONG,  # a large audience is read, written and copied whole
        map_index_template="{{ audience }}",
        multiple_outputs=False,
    )
    def send(part: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Send one audience and return what was sent."""
        get_current_context()["audience"] = part["audience"]  # type: ignore[typeddict-unknown-key]
        with open_session() as session:
            return clustering.export_audience(
                session.warehouse,
                session.configuration,
                audience=part["audience"],
                as_of=date.fromisoformat(part["as_of"]) if part["as_of"] else None,
                connections=destination,
                requested_by=person(dag_run),
            )

    send.expand(part=choose())


PARAMS = tuple(export_segments().params)
