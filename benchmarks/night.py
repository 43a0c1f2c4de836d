"""The night, as the tasks run it: plan, shards in processes side by side, publish; without Airflow."""

from __future__ import annotations

import multiprocessing
import resource
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from clustering import (
    Configuration,
    Registry,
    Release,
    Warehouse,
    check_run,
    load_configuration,
    plan_run,
    publish_run,
)
from clustering.errors import HeldError
from setting import SAMPLE_ROWS, Bench, made_customers

AS_OF = date(2026, 1, 1)
_ready: tuple[Warehouse, Configuration, Registry]


@dataclass
class Night:
    """What one night took."""

    run_id: int
    plan_s: float = 0.0
    score_s: float = 0.0
    check_s: float = 0.0
    publish_s: float = 0.0
    shards_s: list[float] = field(default_factory=list)
    processor_s: float = 0.0  # of the scoring processes
    server_s: float = 0.0  # processor time of the server's connections
    peak_rss_mb: float = 0.0  # of the largest of them

    @property
    def seconds(self) -> float:
        """From the first read to the committed publication."""
        return self.plan_s + self.score_s + self.check_s + self.publish_s

    @property
    def functions_s(self) -> float:
        """Of all functions, those that run side by side one after the other."""
        return self.plan_s + sum(self.shards_s) + self.check_s + self.publish_s


@contextmanager
def scoring_processes(bench: Bench) -> Iterator[tuple[ProcessPoolExecutor, float]]:
    """Start the processes, warm, and say how long that took."""
    started = time.monotonic()
    pool = ProcessPoolExecutor(
        bench.workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare,
        initargs=(bench.warehouse.uri, bench.registry.store, bench.models),
    )
    with pool:
        list(pool.map(_wait, [0.2] * bench.workers))
        yield pool, time.monotonic() - started


def run_night(bench: Bench, pool: ProcessPoolExecutor, models: list[str], *, as_of: date = AS_OF) -> Night:
    """Plan, score, check and publish a run of these models; one that is held is released."""
    before = bench.server_seconds()
    started = time.monotonic()
    planned = plan_run(
        bench.warehouse,
        bench.configuration,
        bench.registry,
        models=models,
        as_of=as_of,
        dry_run=False,
        requested_by="benchmark",
        workers=bench.workers,
    )
    night = Night(planned["run_id"], plan_s=time.monotonic() - started)
    started = time.monotonic()
    results = list(pool.map(_score, [planned["run_id"]] * len(planned["shards"]), planned["shards"]))
    night.score_s = time.monotonic() - started
    started = time.monotonic()
    release = None
    try:
        check_run(bench.warehouse, bench.configuration, bench.registry, run_id=planned["run_id"])
    except HeldError:
        release = Release("benchmark", "made up")
    night.check_s = time.monotonic() - started
    started = time.monotonic()
    publish_run(bench.warehouse, bench.configuration, run_id=planned["run_id"], release=release)
    night.publish_s = time.monotonic() - started
    night.server_s = bench.server_seconds() - before
    night.shards_s = [result["seconds"] for result in results]
    night.processor_s = sum(result["processor"] for result in results)
    night.peak_rss_mb = max(result["peak_rss_mb"] for result in results)
    return night


def _prepare(uri: str, store: Path, models: Path) -> None:
    from clustering.scoring import shards  # noqa: F401 - to be warm

    global _ready
    warehouse = Warehouse(uri)
    _ready = warehouse, load_configuration(models), Registry(warehouse, store)


def _wait(seconds: float) -> None:
    time.sleep(seconds)


def _score(run_id: int, shard: int) -> dict[str, Any]:
    from clustering import score_shard

    wall, processor = time.monotonic(), time.process_time()
    score_shard(*_ready, run_id=run_id, shard=shard)
    return {
        "seconds": time.monotonic() - wall,
        "processor": time.process_time() - processor,
        "peak_rss_mb": peak_rss_mb(),
    }


def peak_rss_mb() -> float:
    """Return the most memory that this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage would count what the process that started this one once had
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def assignment_seconds(bench: Bench, model: str) -> float:
    """Return the processor time that assigning all customers with a model takes, features included."""
    from clustering.algorithms import algorithm
    from clustering.customers import split

    artifact = bench.registry.load(bench.registry.champions([model])[model])
    assign = algorithm(artifact.algorithm).assigner(artifact.parameters)
    valid = split(made_customers(SAMPLE_ROWS, 0).to_batches()[0], bench.configuration.contract).valid
    started = time.process_time()
    assign(artifact.scaling.apply(valid))
    return (time.process_time() - started) * bench.rows / int(valid.num_rows)
