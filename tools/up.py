"""Run all of Airflow on a local workspace until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.markup import escape

from clustering.config import load_configuration
from components import is_free
from customers import has_customers, prepare_warehouse, read_customers, require_kind
from launch import airflow_on, argument_parser, enter_workspace, run_tool
from week import run_both
from workspace import WorkspaceError


def main() -> int:
    """Run Airflow and return the exit code."""
    parser = argument_parser(__doc__)
    parser.add_argument("--port", type=int, default=8080, help="the api-server's port on 127.0.0.1")
    arguments = parser.parse_args()
    return run_tool(lambda console: _up(console, arguments), interrupted=0)


def _up(console: Console, arguments: argparse.Namespace) -> None:
    port = arguments.port
    if not is_free(port):
        raise WorkspaceError(f"port {port} is taken or not allowed; choose another, such as: make up PORT=8081")
    with enter_workspace(console, arguments) as workspace:
        configuration = load_configuration()
        contract = configuration.contract
        require_kind(contract, customers=arguments.customers, orders=arguments.orders)
        workspace.ensure()
        is_new = workspace.is_embedded and not has_customers(workspace, contract)
        with airflow_on(
            workspace,
            console,
            port=port,
            names=("scheduler", "dag-processor", "triggerer"),
            prepare=lambda: prepare_warehouse(workspace, configuration, arguments.customers or arguments.orders),
        ) as (components, client):
            lines = [
                f"Airflow: http://127.0.0.1:{port}   user admin, password {client.password()}",
                f"Segments page: http://127.0.0.1:{port}/plugin/segments",
                *([f"Tables: {workspace.psql}"] if workspace.psql else []),
                f"Logs: {workspace.logs}: a file for each part of Airflow, and those of tasks by DAG, run and task",
                "Ctrl-C stops everything.",
            ]
            console.print(escape("\n".join(lines)), highlight=False, soft_wrap=True)
            if is_new and not arguments.customers:
                made = read_customers(contract, None) if contract.orders is None else None
                run_both(console, client, workspace, configuration, made)
            while True:
                components.check()
                time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
