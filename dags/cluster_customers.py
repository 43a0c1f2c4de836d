"""Label the customers that are given with the trigger, and return their labels as the result of the run.

The configuration of a run is the body of the API's `POST /cluster`: `model_of_choice` and `data`, and `detail` where
segment, confidence, version and reason are wanted as well. Nothing is written to the tables of labels. The result is in
the answer of `GET /api/v2/dags/cluster_customers/dagRuns/<run>/wait?interval=1`. Airflow keeps configuration and result
with its records of the run until they are cleaned (`airflow db clean`).
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Param, dag, result, task

import clustering
from clustering.customers.json_schema import body_schema, example_record
from clustering.errors import ConfigurationError
from clustering.settings import DagLimits
from segmentation_definitions import check_conf, documentation, named_models, open_session, warn_of_logical_date
from segmentation_schedules import default_args, tags

CONTRACT = clustering.load_configuration().contract
MODELS = named_models()
FIELDS = body_schema(CONTRACT, MODELS, most_rows=DagLimits.read().rows)


@dag(
    schedule=None,
    catchup=False,
    default_args=default_args(),
    description="Label the customers that are given with the trigger",
    doc_md=documentation(__doc__, "api.md"),
    tags=tags(),
    params={
        # The defaults are the form's example: a run that is not given both is refused by its task.
        "model_of_choice": Param(MODELS[0], **FIELDS["model_of_choice"], title="Model", examples=MODELS),
        "data": Param([example_record(CONTRACT)], **FIELDS["data"], title="Customers"),
        "detail": Param(False, type="boolean", title="Detail", description="Also segment, confidence and reason."),
    },
)
def cluster_customers() -> None:
    @result
    @task(multiple_outputs=False)
    def label(params: dict[str, Any], dag_run: Any) -> dict[str, Any]:
        """Return the cluster of every customer."""
        check_conf(PARAMS, params, dag_run)
        if missing := [name for name in ("model_of_choice", "data") if name not in (dag_run.conf or {})]:
            raise ConfigurationError(f"{' and '.join(missing)} missing; only the form has an example in their place")
        warn_of_logical_date(dag_run)
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
