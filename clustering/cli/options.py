"""Arguments and options that several commands have, and what they open."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from clustering.errors import ClusteringError

if TYPE_CHECKING:
    from clustering import Configuration, Registry, Warehouse


def user_name() -> str:
    """Return the name of who runs this, for the records."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "somebody"


def model_names_for_completion(incomplete: str) -> list[str]:
    """Return the configured models that begin so; none where the configuration cannot be found."""
    from clustering.config.files import model_names

    try:
        return [name for name in model_names() if name.startswith(incomplete.casefold())]
    except ClusteringError:
        return []


Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else")]
Model: TypeAlias = Annotated[
    str,
    typer.Argument(help="Name of the model's file, such as kmeans", autocompletion=model_names_for_completion),
]
Models: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Only this model; may be given again",
        show_default="all",
        autocompletion=model_names_for_completion,
    ),
]
By: TypeAlias = Annotated[str, typer.Option(default_factory=user_name, help="Who decides; recorded")]


@dataclass(frozen=True)
class Session:
    """What a command works on."""

    warehouse: Warehouse
    configuration: Configuration
    registry: Registry

    def model(self, name: str) -> str:
        """Return the name of a configured model; ConfigurationError for another."""
        return next(iter(self.configuration.select([name])))


@contextmanager
def open_session() -> Iterator[Session]:
    """Open the warehouse, the configuration and the model store that the environment names."""
    from clustering.config import load_configuration, model_store
    from clustering.versions.registry import Registry
    from clustering.warehouse import Warehouse, warehouse_url
    from clustering.warehouse.arrays import make_arrays_without_pandas

    make_arrays_without_pandas()
    configuration = load_configuration()
    warehouse = Warehouse(warehouse_url())
    try:
        yield Session(warehouse, configuration, Registry(warehouse, model_store()))
    finally:
        warehouse.dispose()
