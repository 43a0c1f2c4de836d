"""Run all of Airflow on a local workspace until Ctrl-C."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.markup import escape

from clustering.config import load_configuration
from components import is_free
from customers import prepare_warehouse
from launch import airflow_on, argument_parser, enter_workspace, run_tool
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
        workspace.ensure()
        with airflow_on(
            workspace,
            console,
            port=port,
            names=("scheduler", "dag-processor", "triggerer"),
            prepare=lambda: prepare_warehouse(workspace, configuration, arguments.customers),
        ) as (components, client):
            lines = [
                f"Airflow: http://127.0.0.1:{port}   user admin, password {client.password()}",
                f"Logs: {workspace.logs}",
                "Ctrl-C stops everything.",
            ]
            console.print(escape("\n".join(lines)), highlight=False, soft_wrap=True)
            while True:
                components.check()
                time.sleep(1)


if __name__ == "__main__":
    sys.exit(main())
