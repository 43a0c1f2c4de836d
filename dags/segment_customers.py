"""Label every customer with each configured model, every night, and publish the result whole or not at all.

`plan` notes the champions and cuts the customers into shards, `score` labels one shard with every champion, `check`
compares the night with the nights before it and with the customers that the models were trained on, and `publish`
makes the run current in one transaction. `clean_up` drops what a failed or stopped run has staged; `retention` drops
the labels of runs that are too old, and its failure never fails the night.

A night with a grave finding, such as a half of the customers missing, is **held**: `check` fails, nothing is published,
readers keep the former night, and `decide_held_night` asks a person. What was found is in `night_checks`.

`watch` tells of drift, which is in `drift_checks`; an alarm starts `retrain_models` unless one did so only days before.
A failure of it is told of as well.

Before the first night, run `retrain_models`. A model without a champion is skipped with a warning in the log of `plan`.
One whose champion's files cannot be used is left out, and people are told; the others go on.
To repeat a day, trigger the DAG with its date as `as_of`: the new result takes the place of the old one. A past date,
whether asked for so or by Airflow's backfill, is scored by the champions of that date on the contract's dated source,
or on the present rows with `from_present_rows`.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import DAG, Param, dag, get_current_context, result, task
from airflow.sdk.exceptions import AirflowSkipException

import clustering
from segmentation_alerts import (
    alert,
    alert_of_drift,
    alert_of_models,
    alert_of_run,
    alert_of_task,
    alert_of_unwatched,
    first_error,
)
from segmentation_assets import (
    ALARMS,
    CHAMPIONS,
    CUSTOMER_LABELS,
    CUSTOMERS,
    DRIFT,
    HELD_NIGHTS,
    HOLDS,
    SEGMENT_HISTORY,
    SEGMENTS,
)
from segmentation_days import business_date, day_of_run, end_of_past_date, named_day, zone
from segmentation_definitions import (
    ADVANCED,
    check_conf,
    chosen_models,
    documentation,
    may_retry,
    models_param,
    open_session,
)
from segmentation_lineage import lineage_task
from segmentation_links import SegmentsLink
from segmentation_schedules import LONG, default_args, late_night, night_schedule, tags, workers

log = logging.getLogger(__name__)


@dag(
    schedule=night_schedule(),
    deadline=late_night(),
    on_failure_callback=alert_of_run,
    catchup=False,
    max_active_runs=1,
    default_args=default_args(),
    description="Label every customer and publish the segments",
    doc_md=documentation(__doc__, "operate.md"),
    tags=tags(),
    params={
        "models": models_param(),
        "as_of": Param(
            None,
            type=["null", "string"],
            format="date",
            title="As of",
            description="The date that the labels stand for, today or before; it goes before the logical date. Empty: "
            f"the day of the logical date above, as it is in {zone()}.",
        ),
        "dry_run": Param(False, type="boolean", title="Dry run", description="Count everything, publish nothing."),
        "from_present_rows": Param(
            False,
            type="boolean",
            title="From present rows",
            description="Label the customers as they are now for a past date. The run is marked as substituted.",
            section=ADVANCED,
        ),
        "shards": Param(
            None,
            type=["null", "integer"],
            minimum=1,
            maximum=1000,
            title="Shards",
            description="How many parts to score side by side. Empty: chosen by the number of customers and workers.",
            section=ADVANCED,
        ),
    },
)
def segment_customers() -> None:
    # It may copy what a query gives.
    @lineage_task(inlets=[CUSTOMERS, CHAMPIONS], execution_timeout=LONG)
    def plan(
        params: dict[str, Any], dag: DAG, dag_run: Any, ti: Any, partition_key: str | None = None
    ) -> list[dict[str, Any]]:
        """Record the run and return its shards."""
        check_conf(PARAMS, params, dag_run)
        as_of = business_date(params["as_of"], partition_key, dag_run, zone())
        log.info("the labels stand for %s", named_day(as_of, params["as_of"], partition_key, dag_run, zone()))
        with open_session() as session:
            planned = clustering.plan_run(
                session.warehouse,
                session.configuration,
                session.registry,
                models=chosen_models(params),
                as_of=as_of,
                ended_at=end_of_past_date(as_of, dag_run, timezone=zone(), now=datetime.now(UTC)),
                from_present_rows=params["from_present_rows"],
                dry_run=params["dry_run"],
                requested_by=f"{dag.dag_id} {dag_run.run_id}",
                workers=workers(),
                shards=params["shards"],
                may_retry=may_retry(ti),
            )
        return [{"run": planned["run_id"], "shard": shard, "as_of": str(as_of)} for shard in planned["shards"]]

    @task(inlets=[CUSTOMERS], execution_timeout=LONG, map_index_template="{{ shard_name }}", multiple_outputs=False)
    def score(part: dict[str, Any], ti: Any) -> dict[str, int]:
        """Label one shard into staging tables and return its counts."""
        get_current_context()["shard_name"] = f"{part['as_of']}, shard {part['shard']}"  # type: ignore[typeddict-unknown-key]
        with open_session() as session:
            return clustering.score_shard(
                session.warehouse,
                session.configuration,
                session.registry,
                run_id=part["run"],
                shard=part["shard"],
                may_retry=may_retry(ti),
            )

    @task(inlets=[CUSTOMERS, CUSTOMER_LABELS], multiple_outputs=False)
    def check(parts: list[dict[str, Any]], ti: Any) -> dict[str, Any]:
        """Compare the night with the nights before it, and fail where it has to be held."""
        with open_session() as session:
            return clustering.check_run(
                session.warehouse,
                session.configuration,
                session.registry,
                run_id=parts[0]["run"],
                may_retry=may_retry(ti),
            )

    @lineage_task(
        inlets=[CUSTOMERS, CUSTOMER_LABELS],  # the labels of the date before, for what has changed since
        outlets=[CUSTOMER_LABELS, SEGMENTS, SEGMENT_HISTORY],
        multiple_outputs=False,
    )
    def publish(parts: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
        """Make the run current and return its counts."""
        with open_session() as session:
            counts = clustering.publish_run(session.warehouse, session.configuration, run_id=parts[0]["run"])
        if params["dry_run"]:  # skipped, so that nobody who waits for the assets is told of something new
            raise AirflowSkipException(f"dry run, nothing was published: {counts}")
        if counts["failed"]:
            alert_of_models(counts, get_current_context())
        return counts

    @task(
        inlets=[CUSTOMER_LABELS, SEGMENTS], outlets=[ALARMS], on_failure_callback=alert_of_task, multiple_outputs=False
    )
    def watch(published: dict[str, Any] | None, outlet_events: Any) -> dict[str, Any]:
        """Tell of the drift and the lesser findings of the published run, and start a retraining where one is due."""
        if not published:
            raise AirflowSkipException("nothing was published")
        with open_session() as session:
            found = clustering.watch(session.warehouse, session.configuration, run_id=published["run_id"])
        if found["unwatched"]:
            alert_of_unwatched(found, get_current_context())
        if found["alarms"] and found["is_latest"]:
            alert_of_drift(found, get_current_context())
        if found["retrain"]:
            event = {"models": found["retrain"], "as_of": found["as_of"], "alarms": len(found["alarms"])}
            outlet_events[ALARMS].add(DRIFT, extra=event)
        return found

    # A failure of it is told with that of the run, which is held.
    @task(outlets=[HOLDS], multiple_outputs=False)
    def ask(parts: list[dict[str, Any]], outlet_events: Any) -> dict[str, Any]:
        """Tell people of a night that is held, and ask one of them to decide."""
        with open_session() as session:
            held = clustering.describe_held(session.warehouse, session.configuration, run_id=parts[0]["run"])
        if held is None:
            raise AirflowSkipException("the night is not held")
        alert(f"the night as of {held['as_of']} is held", held["told"], get_current_context())
        outlet_events[HOLDS].add(HELD_NIGHTS, extra={"run_id": held["run_id"], "as_of": held["as_of"]})
        return held

    @task
    def clean_up(parts: list[dict[str, Any]], dag_run: Any) -> bool:
        """Abandon the run unless it has ended well, and return whether there was something to abandon."""
        with open_session() as session:
            note = f"the DAG run {dag_run.run_id} ended without publishing"
            return clustering.abandon_run(session.warehouse, run_id=parts[0]["run"], note=note)

    @task(on_failure_callback=alert_of_task, multiple_outputs=False)
    def retention() -> dict[str, Any]:
        """Drop the labels of runs that are too old and return which."""
        with open_session() as session:
            return clustering.drop_expired(session.warehouse, session.configuration)

    @result
    @task(inlets=[CUSTOMER_LABELS, SEGMENTS], multiple_outputs=False)
    def summary(ti: Any) -> dict[str, Any]:
        """Say in one line what happened: labelled, rejected, moved, held, or failed."""
        context = get_current_context()
        parts = ti.xcom_pull(task_ids="plan")  # no argument of the task, which would not run after a failed plan
        day = day_of_run(context)
        meant = str(day) if day else None
        told: dict[str, Any] = {"as_of": meant, "status": "failed", "models": [], "line": "nothing was planned"}
        if parts:
            with open_session() as session:
                told = clustering.summarise_run(session.warehouse, run_id=parts[0]["run"])
        if told["status"] not in ("published", "dry_run", "held"):
            told["line"] = f"nothing published: {first_error(context) or told['line']}"
        log.info("%s: %s", told["as_of"] or "a date that is none", told["line"])
        return told

    parts = plan()
    scored = score.expand(part=parts)
    checked, published = check(parts), publish(parts)
    scored >> checked >> published
    # Teardowns do not decide the state of the DAG run, and run even when a person marks it as failed.
    cleaned = clean_up(parts).as_teardown(setups=parts)
    [scored, checked, published] >> cleaned
    asked, watched, dropped = ask(parts).as_teardown(), watch(published).as_teardown(), retention().as_teardown()
    checked >> asked
    published >> dropped
    told = summary().as_teardown()
    told.operator.operator_extra_links = (SegmentsLink(),)
    [cleaned, asked, watched, dropped] >> told


PARAMS = tuple(segment_customers().params)
