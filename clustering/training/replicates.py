"""Many small fits at once: in parallel, with progress in the log, and the same numbers whatever the number of jobs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import Fitted, FloatMatrix, Settings, algorithm
from clustering.config import ModelSpec

log = logging.getLogger(__name__)

Result = TypeVar("Result")
STARTS = {"kmeans": 5, "gmm": 5, "dbscan": 1}  # of a replicate; the candidates themselves have `n_init`
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


def refit(features: FloatMatrix, settings: Settings, spec: ModelSpec, *, seed: int) -> Fitted:
    """Fit a replicate: fewer starts, and a seed of its own. Raises TrainingError as any fit does."""
    update: dict[str, Any] = {"seed": seed % 2**32}
    if hasattr(spec, "n_init"):
        update["n_init"] = min(spec.n_init, STARTS[spec.algorithm])
    return algorithm(spec.algorithm).fit(features, settings, spec.model_copy(update=update))


def seeds(seed: int, count: int, *, stream: int) -> list[int]:
    """Return `count` seeds; each `stream` has others."""
    return [int(one) for one in np.random.SeedSequence([seed, stream]).generate_state(count)]


def draw(features: FloatMatrix, rows: int, *, seed: int) -> FloatMatrix:
    """Return at most `rows` rows, drawn without replacement, in their order."""
    return features if len(features) <= rows else features[draw_places(len(features), rows, seed=seed)]


def draw_places(count: int, rows: int, *, seed: int) -> NDArray[np.intp]:
    """Return at most `rows` of the places 0 to count - 1, drawn without replacement, in their order."""
    if count <= rows:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:rows])
