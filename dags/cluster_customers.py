"""Label the customers that are given with the trigger, and return their labels as the result of the run.

The configuration of a run is the body of the API's `POST /cluster`: `model_of_choice` and `data`, and `detail` where
segment, confidence, version and reason are wanted as well. Nothing is written to the tables of labels. The result is in
the answer of `GET /api/v2/dags/cluster_customers/dagRuns/<run>/wait?interval=1`. Airflow keeps configuration and result
with its records of the run until they are cleaned (`airflow db clean`).
"""

from __future__ import annotations

import json
from typing import Any

from airflow.sdk import Param, dag, result, task

import clustering
from clustering.config import model_names
from clustering.customers.json_schema import body_schema, example_record
from clustering.settings import DagLimits
from segmentation_definitions import check_conf, open_session
from segmentation_schedules import default_args, tags

CONTRACT = clustering.load_configuration().contract
FIELDS = body_schema(CONTRACT, model_names(), most_rows=DagLimits.read().rows)
EXAMPLE = json.dumps([example_record(CONTRACT)])


@dag(
    schedule=None,
    catchup=False,
    default_args=default_args(),
    description="Label the customers that are given with the trigger",
    doc_md=__doc__,
    tags=tags(),
    params={
        "model_of_choice": Param(**FIELDS["model_of_choice"], title="Model", examples=model_names()),
        "data": Param(**FIELDS["data"], title="Customers", description_md=f"Such as `{EXAMPLE}`"),
        "detail": Param(False, type="boolean", title="Detail", description="Also segment, confidence and reason."),
    },
)
def cluster_customers() -> None:
    @result
    @task(multiple_outputs=False)
    def label(params: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Return the cluster of every customer."""
        check_conf(PARAMS, params, dag_run)
        with open_session() as session:
            return clustering.cluster_records(
                session.configuration,
                session.registry,
                model=params["model_of_choice"],
                records=params["data"],
                detail=params["detail"],
            )

    label()


PARAMS = tuple(cluster_customers().params)
