"""Label every customer with each configured model, every night, and publish the result whole or not at all.

`plan` notes the champions and cuts the customers into shards, `score` labels one shard with every champion, and
`publish` makes the run current in one transaction. `clean_up` drops what a failed or stopped run has staged;
`retention` drops the labels of runs that are too old, and its failure never fails the night.

Before the first night, run `retrain_models`. A model without a champion is skipped with a warning in the log of `plan`.
To repeat a day, trigger the DAG with its date as `as_of`: the new result takes the place of the old one.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Param, dag, get_current_context, task
from airflow.sdk.exceptions import AirflowSkipException

import clustering
from segmentation_definitions import (
    CHAMPIONS,
    CUSTOMER_LABELS,
    CUSTOMERS,
    DEFAULT_ARGS,
    LONG,
    SEGMENTS,
    business_date,
    chosen_models,
    models_param,
    open_session,
    workers,
)


@dag(
    schedule="0 2 * * *",
    catchup=False,
    max_active_runs=1,
    default_args=DEFAULT_ARGS,
    description="Label every customer and publish the segments",
    doc_md=__doc__,
    tags=["segmentation"],
    params={
        "models": models_param(),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As of",
            description="The date that the labels stand for. Empty: the date of the run.",
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Count everything, publish nothing."),
        "shards": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=1000,
            title="Shards",
            description="How many parts to score side by side. Empty: chosen by the number of customers and workers.",
            section="Advanced",
        ),
    },
)
def segment_customers() -> None:
    @task(inlets=[CUSTOMERS, CHAMPIONS])
    def plan(params: dict[str, Any], dag: DAG, dag_run: Any, partition_key: str | None = None) -> list[dict[str, int]]:
        """Record the run and return its shards."""
        with open_session() as session:
            planned = clustering.plan_run(
                session.warehouse,
                session.configuration,
                session.registry,
                models=chosen_models(params),
                as_of=business_date(params["as_of"], partition_key, dag_run.run_after, dag.timezone),
                dry_run=params["dry_run"],
                requested_by=f"{dag.dag_id} {dag_run.run_id}",
                workers=workers(),
                shards=params["shards"],
            )
        return [{"run": planned["run_id"], "shard": shard} for shard in planned["shards"]]

    @task(inlets=[CUSTOMERS], execution_timeout=LONG, map_index_template="{{ shard_name }}", multiple_outputs=False)
    def score(part: dict[str, int]) -> dict[str, int]:
        """Label one shard into staging tables and return its counts."""
        get_current_context()["shard_name"] = f"shard {part['shard']}"  # type: ignore[typeddict-unknown-key]
        with open_session() as session:
            return clustering.score_shard(
                session.warehouse, session.configuration, session.registry, run_id=part["run"], shard=part["shard"]
            )

    @task(outlets=[CUSTOMER_LABELS, SEGMENTS], multiple_outputs=False)
    def publish(parts: list[dict[str, int]], params: dict[str, Any]) -> dict[str, Any]:
        """Make the run current and return its counts."""
        with open_session() as session:
            counts = clustering.publish_run(session.warehouse, session.configuration, run_id=parts[0]["run"])
        if params["dry_run"]:  # skipped, so that nobody who waits for the assets is told of something new
            raise AirflowSkipException(f"dry run, nothing was published: {counts}")
        return counts

    @task
    def clean_up(parts: list[dict[str, int]], dag_run: Any) -> bool:
        """Abandon the run unless it has ended well, and return whether there was something to abandon."""
        with open_session() as session:
            note = f"the DAG run {dag_run.run_id} ended without publishing"
            return clustering.abandon_run(session.warehouse, run_id=parts[0]["run"], note=note)

    @task(multiple_outputs=False)
    def retention() -> dict[str, Any]:
        """Drop the labels of runs that are too old and return which."""
        with open_session() as session:
            return clustering.drop_expired(session.warehouse, session.configuration)

    parts = plan()
    scored = score.expand(part=parts)
    published = publish(parts)
    scored >> published
    # Teardowns do not decide the state of the DAG run, and run even when a person marks it as failed.
    [scored, published] >> clean_up(parts).as_teardown(setups=parts)
    published >> retention().as_teardown()


segment_customers()
