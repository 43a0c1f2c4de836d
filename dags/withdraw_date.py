"""Take a published date back: the date before becomes current, and the history is as if the date had never been.

Trigger it with the date, and with why, which is recorded with your name. What was published for the date leaves every
table that people read, in one transaction; its labels are dropped by the retention of a later night. The date can be
run anew with `segment_customers`. Champions that were trained since stay: the result names them, and `retrain_models`
goes back.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, result

import clustering
from segmentation_assets import CUSTOMER_LABELS, SEGMENT_HISTORY, SEGMENTS
from segmentation_days import business_date, zone
from segmentation_definitions import check_conf, chosen_models, documentation, open_session, person
from segmentation_lineage import lineage_task
from segmentation_schedules import default_args, tags


@dag(
    schedule=None,
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    description="Take a published date back",
    doc_md=documentation(__doc__, "operate.md"),
    tags=tags(),
    params={
        "as_of": Param(type="string", format="date", title="As of", description="The published date to take back."),
        "reason": Param(type="string", minLength=1, title="Reason", description="Why. Recorded with your name."),
        "models": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Models",
            description="One a line. None: all models that are published for the date.",
        ),
    },
)
def withdraw_date() -> None:
    @result
    @lineage_task(
        inlets=[CUSTOMER_LABELS], outlets=[CUSTOMER_LABELS, SEGMENTS, SEGMENT_HISTORY], multiple_outputs=False
    )
    def withdraw(params: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Withdraw the date and return what holds since."""
        check_conf(PARAMS, params, dag_run)
        with open_session() as session:
            return clustering.withdraw_date(
                session.warehouse,
                session.configuration,
                as_of=business_date(params["as_of"], None, dag_run, zone()),
                models=chosen_models(params),
                withdrawn_by=person(dag_run),
                reason=params["reason"],
            )

    withdraw()


PARAMS = tuple(withdraw_date().params)
