"""Many small fits at once: in parallel, with progress in the log, and the same numbers whatever the number of jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

log = logging.getLogger(__name__)

Result = TypeVar("Result")
PROGRESS_SECONDS = 10
FEWEST_TASKS = 8  # fewer are done sooner than workers are started


def end_workers() -> None:
    """End the worker processes of `run`.

    They wait for more to do, for minutes; a process that ends without Python's exit handlers would leave them behind.
    """
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor(reuse=True).shutdown(wait=True)


def run(
    task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], *, jobs: int, what: str, progress: bool = True
) -> list[Result]:
    """Return `task(*one)` for each of the arguments, in their order.

    Each worker has one thread for linear algebra. A task's randomness comes from its arguments alone.
    """
    from joblib import Parallel, delayed, parallel_config

    started = shown = time.monotonic()
    results: list[Result] = []
    with parallel_config("loky", n_jobs=jobs if len(arguments) >= FEWEST_TASKS else 1, inner_max_num_threads=1):
        for result in Parallel(return_as="generator")(delayed(task)(*one) for one in arguments):
            results.append(result)
            if progress and time.monotonic() - shown > PROGRESS_SECONDS:
                shown = time.monotonic()
                log.info("%s: %s of %s", what, len(results), len(arguments))
    log.info("%s: %s in %.1f s", what, len(results), time.monotonic() - started)
    return results
