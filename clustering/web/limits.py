"""What a request may cost: threads of its own, and a warehouse that is not waited for.

Inside Airflow, the api-server's threads serve Airflow too. Whatever waits for the warehouse here waits in threads of
its own, of which there are few, and not for long.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio
from anyio import CapacityLimiter
from anyio.lowlevel import RunVar
from fastapi.routing import APIRoute

from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.customer_values import TimeLimit, limit_time
from clustering.web.error_answers import busy

THREADS = 16  # of this process at a time, each with one connection to the warehouse
QUEUE_SECONDS = 5.0  # for which a request waits for one of them
LOCK_SECONDS = 2  # for which a statement waits for a lock
STATEMENT_SECONDS = 15
LIMIT = TimeLimit(STATEMENT_SECONDS, LOCK_SECONDS)

Value = TypeVar("Value")

_threads: RunVar[CapacityLimiter] = RunVar("segmentation_threads")
_counted: RunVar[CapacityLimiter] = RunVar("segmentation_counted")


class OwnThreads(APIRoute):
    """A route whose function runs in a thread of ours, or answers 503 where none is free in time.

    One that is a coroutine asks no warehouse, and is left as it is.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        waits = not inspect.iscoroutinefunction(endpoint)
        super().__init__(path, _in_own_thread(endpoint) if waits else endpoint, **options)


class HurriedWarehouse(Warehouse):
    """A warehouse whose transactions end by an error where a lock or a statement takes too long."""

    @contextmanager
    def transaction(
        self,
        *,
        repeatable_read: bool = False,
        read_only: bool = False,
        snapshot: str | None = None,
        locked: str | None = None,
    ) -> Iterator[Transaction]:
        """Open a transaction as the base class does, with limits of time that hold for it alone."""
        with super().transaction(
            repeatable_read=repeatable_read, read_only=read_only, snapshot=snapshot, locked=locked
        ) as transaction:
            limit_time(transaction, LIMIT)
            yield transaction


async def run_in_own_thread(call: Callable[[], Value]) -> Value:
    """Run what waits for the warehouse in a thread of ours; Refusal 503 where none is free in time."""
    threads, holder = _limiter(_threads, THREADS), object()
    with anyio.move_on_after(QUEUE_SECONDS) as waiting:
        await threads.acquire_on_behalf_of(holder)
    if waiting.cancelled_caught:
        raise busy()
    try:
        return await anyio.to_thread.run_sync(call, limiter=_limiter(_counted, math.inf))
    finally:
        threads.release_on_behalf_of(holder)


def _in_own_thread(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(endpoint)
    async def run(**arguments: Any) -> Any:
        return await run_in_own_thread(functools.partial(endpoint, **arguments))

    return run


def _limiter(variable: RunVar[CapacityLimiter], total: float) -> CapacityLimiter:
    try:
        return variable.get()
    except LookupError:
        limiter = CapacityLimiter(total)
        variable.set(limiter)
        return limiter
