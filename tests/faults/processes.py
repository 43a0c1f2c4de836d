"""Scoring and publishing in processes of their own, which can be killed as a machine can."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from clustering import (
    ClusteringError,
    Registry,
    Release,
    Warehouse,
    check_run,
    load_configuration,
    publish_run,
    score_shard,
    withdraw_date,
)
from clustering.config import Checks
from clustering.scoring.endings import abandon_by_hand
from clustering.warehouse import bulk
from tests.paths import CONFIGURATION
from tests.projects import Project

BATCH_BYTES = 1 << 16

# Processes are forked from one that has imported everything, so that little time passes before they are at work.
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.faults.processes"])


def preload(module: str) -> None:
    """Let processes begin with what a module imports; before the first of them is started."""
    _CONTEXT.set_forkserver_preload(["tests.faults.processes", module])


class Worker:
    """A process that does one piece of work; it stays after that, so that it can be killed at any moment."""

    def __init__(self, work: Callable[..., Any], project: Project, **arguments: Any) -> None:
        self._pipe, end = _CONTEXT.Pipe()
        self.process = _CONTEXT.Process(
            target=_work, args=(end, work, project.warehouse.uri, project.registry.store, arguments), daemon=True
        )
        self.process.start()
        end.close()
        self._pipe.recv()

    def result(self) -> str:
        """Wait until the work is done, and return the error that it raised, or nothing."""
        return str(self._pipe.recv())

    def freeze(self) -> None:
        """Stop the process where it is, as a machine without power to compute does."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def _signal(self, number: signal.Signals) -> None:
        assert self.process.pid
        os.kill(self.process.pid, number)

    def kill(self) -> None:
        """End the process by SIGKILL and see that it died of it."""
        self.process.kill()
        self.process.join()
        assert self.process.exitcode == -signal.SIGKILL


def seconds_of(project: Project, work: Callable[..., Any], **arguments: Any) -> float:
    """Return how long a piece of work takes when nothing disturbs it."""
    worker = Worker(work, project, **arguments)
    started = time.monotonic()
    assert worker.result() == ""
    seconds = time.monotonic() - started
    worker.kill()
    return seconds


def kill_after(seconds: float, work: Callable[..., Any], project: Project, **arguments: Any) -> None:
    """Begin a piece of work, and kill its process some seconds later."""
    worker = Worker(work, project, **arguments)
    time.sleep(seconds)
    worker.kill()


def score(warehouse: Warehouse, store: Path, *, run_id: int, shard: int) -> None:
    """Score a shard."""
    configuration = load_configuration(CONFIGURATION)
    score_shard(warehouse, configuration, Registry(warehouse, store), run_id=run_id, shard=shard)


def publish(warehouse: Warehouse, store: Path, *, run_id: int) -> None:
    """Check and publish a run."""
    configuration = load_configuration(CONFIGURATION)
    check_run(warehouse, configuration, Registry(warehouse, store), run_id=run_id)
    publish_run(warehouse, configuration, run_id=run_id)


def check(warehouse: Warehouse, store: Path, *, run_id: int) -> None:
    """Check a run by the limits that are the default."""
    configuration = load_configuration(CONFIGURATION)
    contract = configuration.contract.model_copy(update={"checks": Checks()})
    careful = configuration.model_copy(update={"contract": contract})
    check_run(warehouse, careful, Registry(warehouse, store), run_id=run_id)


def release(warehouse: Warehouse, store: Path, *, run_id: int) -> None:
    """Publish a held run all the same."""
    configuration = load_configuration(CONFIGURATION)
    publish_run(warehouse, configuration, run_id=run_id, release=Release("Ada", "the shop was closed"))


def abandon(warehouse: Warehouse, store: Path, *, run_id: int) -> None:
    """Abandon a held run."""
    abandon_by_hand(warehouse, run_id=run_id, abandoned_by="Ada", reason="the load failed")


def withdraw(warehouse: Warehouse, store: Path, *, as_of: str) -> None:
    """Withdraw a date."""
    configuration = load_configuration(CONFIGURATION)
    day = date.fromisoformat(as_of)
    withdraw_date(warehouse, configuration, as_of=day, withdrawn_by="test", reason="wrong")


def _work(pipe: Connection, work: Callable[..., Any], uri: str, store: Path, arguments: dict[str, Any]) -> None:
    bulk.BATCH_BYTES = BATCH_BYTES
    pipe.send("begun")
    try:
        work(Warehouse(uri), store, **arguments)
        pipe.send("")
    except ClusteringError as error:
        pipe.send(f"{type(error).__name__}: {error}")
    with suppress(EOFError):
        pipe.recv()
