"""A first week for generated customers: both DAGs by Airflow's scheduler, and the days before today in this process."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from rich.console import Console

from client import Client
from clustering.config import Configuration
from clustering.warehouse import Warehouse
from customers import GENERATED_SEED
from launch import RETRAIN, SEGMENT
from stages import stage
from workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

    from clustering.versions.registry import Registry

PAST_DAYS = 7  # a question such as who was where a week ago has an answer
REQUESTED_BY = "make: a made-up past day, outside of Airflow"


def run_both(
    console: Console, client: Client, workspace: Workspace, configuration: Configuration, generated: pa.Table | None
) -> None:
    """Train and segment by the scheduler; orders get month-ends before today first, generated customers a week."""
    run_dag(console, client, RETRAIN, "Train and promote the models")
    if configuration.contract.orders is not None and workspace.is_embedded:
        from clustering.versions.registry import Registry
        from months import make_months

        with stage(console, "Publish the last month-ends, without Airflow") as show:
            warehouse = Warehouse(workspace.warehouse_url)
            days = make_months(warehouse, configuration, Registry(warehouse, workspace.store), show)
            show(f"{days[0]} to {days[-1]}, each from the orders up to it" if days else "none has enough customers")
    elif generated is not None:
        from clustering.versions.registry import Registry  # what it loads takes its time, and Airflow starts meanwhile

        with stage(console, f"Make up {PAST_DAYS} days before today, without Airflow") as show:
            warehouse = Warehouse(workspace.warehouse_url)
            days = make_past(warehouse, configuration, Registry(warehouse, workspace.store), generated)
            show(f"{days[0]} to {days[-1]}: a few customers a day join, leave and change")
    run_dag(console, client, SEGMENT, "Segment the customers")


def run_dag(console: Console, client: Client, dag: str, title: str) -> None:
    """Trigger a DAG and wait for its end; RunFailedError where it does not end well."""
    with stage(console, f"{title} ({dag})") as show:
        run = client.trigger(dag, {})
        client.wait_for_run(dag, run, lambda now: show(now.describe()))
        show(client.run_state(dag, run).describe())


def make_past(warehouse: Warehouse, configuration: Configuration, registry: Registry, today: pa.Table) -> list[date]:
    """Publish the days before today from the customers that each had, by the present champions; return the dates.

    The DAG asks for the champions of a past date, and there were none: nobody backdates a decision. In the end the
    table holds today's customers, whatever happens.
    """
    from clustering.demo.loading import load_customers
    from clustering.demo.past_days import customers_before

    dates = [datetime.now(UTC).date() - timedelta(days=days) for days in range(PAST_DAYS, 0, -1)]
    try:
        for place, as_of in enumerate(dates):
            customers = customers_before(today, PAST_DAYS - place, seed=GENERATED_SEED)
            load_customers(warehouse, configuration.contract, customers)
            publish_day(warehouse, configuration, registry, as_of, requested_by=REQUESTED_BY)
    finally:
        load_customers(warehouse, configuration.contract, today)
    return dates


def publish_day(
    warehouse: Warehouse, configuration: Configuration, registry: Registry, as_of: date, *, requested_by: str
) -> None:
    """Plan, score and publish a day by the present champions; HeldError where it has a grave finding."""
    from clustering.monitoring.checking import check_run
    from clustering.scoring.plan import plan_run
    from clustering.scoring.publication import publish_run
    from clustering.scoring.shards import score_shard

    run = plan_run(
        warehouse,
        configuration,
        registry,
        models=None,
        as_of=as_of,
        dry_run=False,
        requested_by=requested_by,
        workers=1,
    )
    for shard in run["shards"]:
        score_shard(warehouse, configuration, registry, run_id=run["run_id"], shard=shard)
    check_run(warehouse, configuration, registry, run_id=run["run_id"])
    publish_run(warehouse, configuration, run_id=run["run_id"])
