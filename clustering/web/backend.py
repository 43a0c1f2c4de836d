"""What the answers come from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from clustering.config import Configuration, load_configuration, store_directory
from clustering.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.web.champions import Champions


@dataclass(frozen=True)
class Backend:
    """The warehouse, the configuration and the champions in use."""

    warehouse: Warehouse
    configuration: Configuration
    champions: Champions

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Open a transaction that sees one state of the warehouse and changes nothing."""
        with self.warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
            yield transaction


Open: TypeAlias = Callable[[], Backend]


def open_backend(url: str) -> Backend:
    """Return the backend on a warehouse; the configuration is read, the warehouse not yet asked.

    Raises ConfigurationError.
    """
    warehouse = Warehouse(url)
    configuration = load_configuration()
    champions = Champions(configuration, Registry(warehouse, store_directory()))
    return Backend(warehouse, configuration, champions)
