"""What the demo and `make up` have in common: arguments, the workspace, Airflow on it, and how failures are told."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from client import Client, RunFailedError
from clustering.config import PROJECT
from clustering.errors import ClusteringError
from components import ComponentError, Components, end_on_signals, running, start_api_server, start_services
from stages import stage
from workspace import (
    Workspace,
    WorkspaceError,
    airflow_environment,
    choose_configuration,
    open_workspace,
    workspace_name,
)

EXAMPLE_OF_ORDERS = PROJECT / "examples" / "orders"
RETRAIN, SEGMENT = "retrain_models", "segment_customers"


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what says which customers are segmented and how."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--customers", type=Path, metavar="FILE", help="a CSV file in place of generated customers")
    parser.add_argument("--orders", type=Path, metavar="FILE", help="a CSV file of order lines, for declared orders")
    parser.add_argument("--config", type=Path, metavar="FOLDER", help="a configuration directory in place of models/")
    return parser


def run_tool(work: Callable[[Console], None], *, interrupted: int) -> int:
    """Do the work on the terminal and return the exit code; `interrupted` is that of Ctrl-C."""
    # Without a terminal there is no width to ask for; this one is enough for the tables.
    console = Console(width=None if sys.stdout.isatty() else 120)
    end_on_signals()
    try:
        work(console)
    except (ClusteringError, ComponentError, RunFailedError, WorkspaceError) as error:
        console.print(f"[bold red]Failed:[/] {escape(str(error))}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("Stopped; nothing is left running.")
        return interrupted
    return 0


@contextmanager
def enter_workspace(console: Console, arguments: argparse.Namespace) -> Iterator[Workspace]:
    """Hold the workspace that the arguments name, with PostgreSQL running."""
    if arguments.orders and arguments.customers:
        raise WorkspaceError("CUSTOMERS and ORDERS: name one of them")
    if arguments.orders and arguments.config is None:
        arguments.config = EXAMPLE_OF_ORDERS
    choose_configuration(arguments.config)
    with ExitStack() as stack:
        with stage(console, "Start PostgreSQL"):
            name = workspace_name(arguments.customers or arguments.orders, arguments.config)
            workspace = stack.enter_context(open_workspace(name))
        yield workspace


@contextmanager
def airflow_on(
    workspace: Workspace,
    console: Console,
    *,
    port: int,
    names: Sequence[str],
    prepare: Callable[[], str],
    scheduled: bool = True,
) -> Iterator[tuple[Components, Client]]:
    """Run Airflow on a workspace for a block, `prepare` its warehouse meanwhile, and show both."""
    environment = airflow_environment(workspace, port=port, scheduled=scheduled)
    with (
        running(environment, logs=workspace.logs, record=workspace.record) as components,
        Client(port, workspace.home, components.check) as client,
    ):
        components.start("db", "migrate")
        start_api_server(components, port=port)
        with stage(console, "Prepare the warehouse") as show:
            show(prepare())
        with stage(console, "Start Airflow") as show:
            show("migrating its own database")
            components.finish("db")
            start_services(components, names=names)
            client.wait_until_ready(names, (RETRAIN, SEGMENT), show=show)
        yield components, client
