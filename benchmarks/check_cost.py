"""What the check of a night costs of the seconds of all functions of the night, and the start of its task beside it.

    python benchmarks/check_cost.py --rows 10000000

A month of small nights comes first, so that there is a past to judge by; then every night reads all customers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path

from psycopg2 import sql

from clustering.quality.steps import CHANGED, FAR, PARTS
from clustering.scoring.label_sets import read_label_sets
from clustering.scoring.preceding_runs import sampled_portion
from night import AS_OF, Night, run_night, scoring_processes
from setting import Bench, open_bench

LOCAL = Path(__file__).parents[1] / ".local"
MODELS = ["kmeans"]
FEW = 2_000  # customers of a night of the past
PAST = 30
CHANGED_EVERY = 20  # one customer in so many changes from night to night


def nights(bench: Bench, pool: ProcessPoolExecutor, repeats: int) -> Iterator[tuple[Night, float]]:
    """Yield nights of all customers after the past, with the seconds that sampling who has changed took in them."""
    bench.run("alter table customers rename to all_customers")
    some = sql.SQL("create table customers as select * from all_customers where customer_id < {}")
    bench.run(some.format(sql.Literal(FEW)))
    bench.run("alter table customers add primary key (customer_id)")
    before = None
    for number in range(PAST + 1 + repeats):
        if number == PAST:
            bench.run("drop table customers")
            bench.run("alter table all_customers rename to customers")
        keys = sql.SQL("customer_id % {} = {}").format(sql.Literal(CHANGED_EVERY), sql.Literal(number % CHANGED_EVERY))
        bench.run(sql.SQL("update customers set spending_score = 101 - spending_score where {}").format(keys))
        bench.run("vacuum (analyze) customers")
        bench.settle()
        night = run_night(bench, pool, MODELS, as_of=AS_OF + timedelta(days=number))
        if number > PAST and before is not None:
            yield night, sampling_seconds(bench, night, before)
        if before is not None:
            bench.drop_labels(before)
        before = night.run_id


def sampling_seconds(bench: Bench, night: Night, base_run_id: int) -> float:
    """Return how long it takes to sample who has changed since another run, all shards one after the other."""
    with bench.warehouse.transaction(read_only=True) as transaction:
        found = [read_label_sets(transaction, run_id) for run_id in (night.run_id, base_run_id)]
        labels, base = (one.table for sets in found for one in sets.values())
        transaction.execute("history/settings")
        started = time.monotonic()
        names = {"table": labels, "base": base, "portion": sampled_portion(bench.rows, 1)}
        transaction.rows("history/steps", names, parts=PARTS, unchanged=CHANGED, far=FAR)
        return time.monotonic() - started


def start_seconds(bench: Bench) -> float:
    """Return how long a process takes to start, to import what a check needs, and to connect, without Airflow."""
    code = "import sys; from clustering import Warehouse, check_run; Warehouse(sys.argv[1]).transaction().__enter__()"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", code, bench.warehouse.uri], check=True)
    return time.monotonic() - started


def main() -> None:
    """Measure, and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-", dir=LOCAL))
    try:
        with (
            open_bench(folder, rows=arguments.rows, workers=arguments.workers, models=MODELS, show=print) as bench,
            scoring_processes(bench) as (pool, _),
        ):
            found = list(nights(bench, pool, arguments.repeats))
            starts = [start_seconds(bench) for _ in range(arguments.repeats)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    checked = statistics.median(one.check_s / one.functions_s for one, _ in found)
    sampled = statistics.median(seconds / one.functions_s for one, seconds in found)
    both = statistics.median((one.check_s + seconds) / one.functions_s for one, seconds in found)
    print(f"{arguments.rows:,} customers, {', '.join(MODELS)}, medians of {len(found)} nights after {PAST} small ones:")
    print(f"the check is {checked:.2%} of the night, {statistics.median(one.check_s for one, _ in found):.2f} s")
    print(f"sampling who has changed, within the shards, is {sampled:.2%} of it, {len(found[0][0].shards_s)} shards")
    print(f"both are {both:.2%}")
    print(f"the functions of a night take {statistics.median(one.functions_s for one, _ in found):.2f} s")
    print(f"a night takes {statistics.median(one.seconds for one, _ in found):.2f} s")
    print(f"the start of a process for the check takes {statistics.median(starts):.2f} s, without Airflow")


if __name__ == "__main__":
    main()
