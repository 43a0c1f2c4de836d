"""Segment customers from nothing: a PostgreSQL, a warehouse, customers, and both DAGs run by a real Airflow."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.markup import escape

from clustering.config import load_configuration
from clustering.warehouse import Warehouse
from components import free_port
from customers import prepare_warehouse, read_rows, require_kind
from launch import airflow_on, argument_parser, enter_workspace, run_tool
from report import show_results
from week import run_both
from workspace import Workspace


def main() -> int:
    """Run the demo and return its exit code."""
    arguments = argument_parser(__doc__).parse_args()
    return run_tool(lambda console: _demo(console, arguments), interrupted=130)


def _demo(console: Console, arguments: argparse.Namespace) -> None:
    started = time.monotonic()
    with enter_workspace(console, arguments) as workspace:
        _run(console, workspace, arguments)
        if load_configuration().contract.orders is not None:
            _show_months(console, workspace)
        features = load_configuration().contract.with_role("cluster")
        show_results(console, Warehouse(workspace.warehouse_url).uri, workspace.store, features)
        _show_next_steps(console, workspace, arguments, time.monotonic() - started)


def _run(console: Console, workspace: Workspace, arguments: argparse.Namespace) -> None:
    configuration = load_configuration()
    customers = arguments.customers or arguments.orders
    require_kind(configuration.contract, customers=arguments.customers, orders=arguments.orders)
    # Read before anything is dropped: a file that cannot be read changes nothing.
    rows = read_rows(configuration.contract, customers) if customers or workspace.is_embedded else None
    _announce(console, workspace)
    workspace.recreate()
    with airflow_on(
        workspace,
        console,
        port=free_port(),
        names=("scheduler", "dag-processor"),
        prepare=lambda: prepare_warehouse(workspace, configuration, customers, rows=rows),
        # Else a DAG whose hour has just passed would start a run of its own beside the one that is triggered here.
        scheduled=False,
    ) as (_, client):
        run_both(console, client, workspace, configuration, None if customers or not workspace.is_embedded else rows)


def _announce(console: Console, workspace: Workspace) -> None:
    if workspace.is_embedded:
        databases = f"the databases {workspace.name} and {workspace.metadata_database}"
        text = f"Everything is made anew: {databases}, and {workspace.folder}"
    else:
        text = (
            f"In the warehouse {Warehouse(workspace.warehouse_url).name} nothing is dropped or overwritten: the schema "
            "segmentation is migrated, and new versions and runs are added. "
            f"Airflow's own records in {workspace.folder} are made anew"
        )
    console.print(escape(text), highlight=False, soft_wrap=True)


def _show_months(console: Console, workspace: Workspace) -> None:
    from months import show_months

    configuration = load_configuration()
    model = configuration.contract.default_model or next(iter(configuration.models))
    show_months(console, Warehouse(workspace.warehouse_url).uri, model)


def _show_next_steps(console: Console, workspace: Workspace, arguments: argparse.Namespace, seconds: float) -> None:
    files = {"CUSTOMERS": arguments.customers, "ORDERS": arguments.orders} if workspace.is_embedded else {}
    given = {**files, "CONFIG": arguments.config}
    settings = "".join(f" {name}={value}" for name, value in given.items() if value)
    lines = [f"Done in {seconds:.0f} s. Logs: {workspace.logs}", "", "Next:"]
    lines.append(f"  make up{settings}    all of Airflow in a browser, on this result")
    if workspace.psql:
        lines.append(f"  {workspace.psql}    the tables, while make up runs")
    lines.append("  make test    the tests")
    console.print(escape("\n".join(lines)), highlight=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
