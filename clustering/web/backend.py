"""What the answers come from."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from clustering.config import Configuration, configuration_directory, load_configuration, model_store
from clustering.errors import ConfigurationError
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.web.champion_changes import Champions
from clustering.web.limits import HurriedWarehouse

log = logging.getLogger(__name__)

Seen: TypeAlias = tuple[tuple[str, int, int, int], ...]  # of each file: name, time in nanoseconds, bytes, inode


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
    return _on(HurriedWarehouse(url))


def _on(warehouse: Warehouse) -> Backend:
    configuration = load_configuration()
    champions = Champions(configuration, Registry(warehouse, model_store()))
    return Backend(warehouse, configuration, champions)


class Following:
    """Opens a backend, and opens it anew when a file of the configuration was added, changed or removed.

    A call looks at names, sizes and times of the files alone. While they are wrong, the configuration that was right
    before is kept, and the log says what is wrong with them; without one, ConfigurationError is raised each time.
    """

    def __init__(self, url: Callable[[], str]) -> None:
        self._url = url
        self._lock = threading.Lock()
        self._seen: Seen = ()
        self._backend: Backend | None = None

    def __call__(self) -> Backend:
        seen = _files()
        with self._lock:
            if self._backend is None:
                self._backend = open_backend(self._url())
            elif seen != self._seen:
                self._backend = self._again(self._backend)
            self._seen = seen
            return self._backend

    def _again(self, former: Backend) -> Backend:
        try:
            backend = _on(former.warehouse)
        except ConfigurationError as error:
            log.error("the configuration was changed and is wrong, so the former one is kept: %s", error)
            return former
        log.info("the configuration was read again: models %s", ", ".join(backend.configuration.models))
        return backend


def _files() -> Seen:
    try:
        entries = [entry for entry in os.scandir(configuration_directory()) if entry.name.endswith(".yaml")]
        stats = [(entry.name, entry.stat()) for entry in entries]
    except OSError:  # replaced at this moment, or gone for good, which reading it will tell
        return ()
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats))
