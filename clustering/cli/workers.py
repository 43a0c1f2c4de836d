"""Shards scored side by side in processes of this command."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from clustering.cli.options import Session
from clustering.cli.output import logs_to_stderr
from clustering.errors import RunError
from clustering.settings import compute_in_one_thread


def score_shards(session: Session, *, run_id: int, shards: Sequence[int], jobs: int) -> Iterator[dict[str, int]]:
    """Score shards in up to `jobs` processes and yield the counts of each as it ends.

    The first error ends the other processes and is raised, RunError for a process that was ended from outside.
    """
    place = session.warehouse.uri, session.configuration.directory, session.registry.files.place
    try:
        with _pool(min(jobs, len(shards))) as pool:
            with _sigint_for_the_parent_alone():
                parts = [pool.submit(_score, *place, run_id, shard) for shard in shards]
            for future in as_completed(parts):
                yield future.result()
    except BrokenProcessPool:
        raise RunError(
            f"run {run_id}: a scoring process was ended from outside, perhaps for want of memory; try fewer --jobs"
        ) from None


@contextmanager
def _pool(processes: int) -> Iterator[ProcessPoolExecutor]:
    # Spawned: a fork would copy connections and threads.
    pool = ProcessPoolExecutor(
        processes, multiprocessing.get_context("spawn"), _prepare, (logging.getLogger().getEffectiveLevel(),)
    )
    try:
        yield pool
    except BaseException:
        for child in multiprocessing.active_children():
            child.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _sigint_for_the_parent_alone() -> Iterator[None]:
    """Block SIGINT, which processes inherit: Ctrl-C reaches all of them, and only the parent is to act on it."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _prepare(level: int) -> None:
    logs_to_stderr(level)
    # Processes work side by side. Nothing in this one has loaded a library for numbers before.
    compute_in_one_thread()


def _score(uri: str, configuration: Path, store: Path | str, run_id: int, shard: int) -> dict[str, int]:
    from clustering.config import load_configuration
    from clustering.scoring.shards import score_shard
    from clustering.versions.registry import Registry
    from clustering.warehouse import Warehouse
    from clustering.warehouse.arrays import make_arrays_without_pandas

    make_arrays_without_pandas()
    warehouse = Warehouse(uri)
    return score_shard(
        warehouse, load_configuration(configuration), Registry(warehouse, store), run_id=run_id, shard=shard
    )
