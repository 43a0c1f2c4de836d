"""Measure a night from Parquet to Parquet against plain pyarrow that reads and writes the same columns, in one run.

    python benchmarks/lake_labels.py --rows 10000000 --json out.json

Customers and labels are files (`labels: files`), one model labels, and mapped tasks are processes side by side. The
ratio is what counts: seconds belong to a machine.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing.synchronize import Barrier

    from night import Night
    from setting import Bench

LOCAL = Path(__file__).parents[1] / ".local"
MODEL = "kmeans"
ROWS_A_FILE = 5_000_000
ROWS_A_GROUP = 500_000
DISTINCT_ROWS = 1_000_000  # customers that are made; the others are these under other keys
COLUMNS = ["customer_id", "age", "gender", "annual_income", "spending_score"]


@dataclass(frozen=True)
class Outcome:
    """The medians of some rounds, in seconds, and what the largest process held."""

    rows: int
    floor_s: float
    night_s: float
    score_s: float
    plan_s: float
    check_and_publish_s: float
    ratio: float  # of the whole night
    score_ratio: float  # of labelling alone
    processor_ratio: float  # of the whole night, in processor time
    score_processor_ratio: float  # of labelling alone
    peak_rss_mb: float  # of the labelling processes
    planner_peak_mb: float  # of the process that plans, checks and publishes, and has made the customers before
    shards: int
    nanoseconds_a_customer: float  # of processor time of the labelling processes
    label_bytes: int


def main() -> None:
    """Run what the command line asks for."""
    arguments = _arguments()
    from rich.console import Console

    from nightly import Progress

    console = Console(width=None if os.isatty(1) else 150)
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="lake-", dir=LOCAL))
    try:
        with Progress(console) as show, _opened(folder, arguments, show) as bench:
            outcome = _measure(bench, arguments.repeats, show)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(
        f"{outcome.rows:,} customers, {arguments.workers} processes, {outcome.shards} shards: the night takes "
        f"{outcome.ratio:.2f} times what plain reading and writing takes ({outcome.night_s:.1f} s, "
        f"{outcome.floor_s:.1f} s), in processor time {outcome.processor_ratio:.2f} times; labelling alone "
        f"{outcome.score_ratio:.2f} and {outcome.score_processor_ratio:.2f} times; plan takes {outcome.plan_s:.1f} s; "
        f"{outcome.peak_rss_mb:.0f} MB a process, {outcome.planner_peak_mb:.0f} MB the one that plans, "
        f"{outcome.nanoseconds_a_customer:.0f} ns of processor time a customer",
        highlight=False,
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(asdict(outcome), indent=2) + "\n")


@contextmanager
def _opened(folder: Path, arguments: argparse.Namespace, show: Callable[[str], None]) -> Iterator[Bench]:
    """Start a server, write the customers' files, make the champion, and stop the server in the end."""
    from clustering.config import PROJECT
    from setting import open_bench

    (models := folder / "models").mkdir()
    for name in ("segments.yaml", f"{MODEL}.yaml"):
        shutil.copy(PROJECT / "models" / name, models)
    source = f"source: {{files: {folder / 'lake'}, labels: files, label_files: {folder / 'labels'}}}"
    contract = (PROJECT / "models" / "customers.yaml").read_text(encoding="utf-8")
    (models / "customers.yaml").write_text(contract.replace("table: public.customers", source, 1), encoding="utf-8")
    size = {"rows": arguments.rows, "workers": arguments.workers}
    make = partial(_write_customers, repeated=arguments.repeated)
    with open_bench(folder, **size, models=[MODEL], show=show, config=models, make=make) as bench:
        yield bench


def _write_customers(bench: Bench, show: Callable[[str], None], *, repeated: int) -> None:
    """Write customers, of whom the last so many have the keys of the first."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    from setting import made_customers

    (lake := bench.folder / "lake").mkdir()
    made = made_customers(min(DISTINCT_ROWS, bench.rows), 0).select(COLUMNS)
    place = made.schema.get_field_index("customer_id")
    for number, start in enumerate(range(0, bench.rows, ROWS_A_FILE)):
        show(f"writing customers: {start:,} of {bench.rows:,}")
        with parquet.ParquetWriter(lake / f"{number:04}.parquet", made.schema) as writer:
            for first in range(start, min(start + ROWS_A_FILE, bench.rows), DISTINCT_ROWS):
                part = made.slice(0, min(DISTINCT_ROWS, bench.rows - first))
                keys = pa.array(np.arange(first, first + len(part)) % (bench.rows - repeated))
                writer.write_table(part.set_column(place, "customer_id", keys), ROWS_A_GROUP)


def _measure(bench: Bench, repeats: int, show: Callable[[str], None]) -> Outcome:
    from night import peak_rss_mb, scoring_processes

    floors = list[tuple[float, float]]()
    with scoring_processes(bench) as (pool, _):
        show("a night, which also warms up")
        nights = [_night(bench, pool)]
        sample, size = _a_file_of(bench, nights[0][0].run_id)
        for number in range(1, repeats + 1):
            show(f"plain reading and writing, {number} of {repeats}")
            floors.append(_floor(bench, sample))
            if number < repeats:
                show(f"a night, {number + 1} of {repeats}")
                nights.append(_night(bench, pool))
                _dropped(bench, nights[-1][0].run_id)
    if repeats > 1:
        del nights[0]
    floor, processor = (statistics.median(column) for column in zip(*floors, strict=True))
    night, own = sorted(nights, key=lambda one: one[0].seconds)[len(nights) // 2]
    return Outcome(
        rows=bench.rows,
        floor_s=floor,
        night_s=night.seconds,
        score_s=night.score_s,
        plan_s=night.plan_s,
        check_and_publish_s=night.check_s + night.publish_s,
        ratio=night.seconds / floor,
        score_ratio=night.score_s / floor,
        processor_ratio=(night.processor_s + own) / processor,
        score_processor_ratio=night.processor_s / processor,
        peak_rss_mb=max(one.peak_rss_mb for one, _ in nights),
        planner_peak_mb=peak_rss_mb(),
        shards=len(night.shards_s),
        nanoseconds_a_customer=night.processor_s / bench.rows * 1e9,
        label_bytes=size,
    )


def _night(bench: Bench, pool: ProcessPoolExecutor) -> tuple[Night, float]:
    """Run a night, and return it with the processor time of this process, which plans, checks and publishes."""
    from night import run_night

    before = time.process_time()
    return run_night(bench, pool, [MODEL]), time.process_time() - before


def _a_file_of(bench: Bench, run_id: int) -> tuple[Path, int]:
    """Return a copy of some labels, which the floor writes again and again, remove all, and return their bytes."""
    first = min((bench.folder / "labels").glob(f"labels_{run_id}_*/*/*.parquet"))
    copy = Path(shutil.copy(first, bench.folder / "sample.parquet"))
    return copy, _dropped(bench, run_id)


def _dropped(bench: Bench, run_id: int) -> int:
    """Remove the labels of a run from the disk, and return how many bytes they had."""
    (folder,) = (bench.folder / "labels").glob(f"labels_{run_id}_*")
    size = sum(file.stat().st_size for file in folder.rglob("*.parquet"))
    shutil.rmtree(folder)
    return size


def _floor(bench: Bench, sample: Path) -> tuple[float, float]:
    """Return what plain pyarrow takes to read the columns and to write as many labels, side by side.

    In seconds, and in seconds of processor time.
    """
    from pyarrow import parquet

    (out := bench.folder / "floor").mkdir()
    groups = [
        (file, group)
        for file in sorted((bench.folder / "lake").iterdir())
        for group in range(parquet.read_metadata(file).num_row_groups)
    ]
    size = -(-len(groups) // bench.workers)
    cuts = [groups[first : first + size] for first in range(0, len(groups), size)]
    context = multiprocessing.get_context("spawn")
    ready, results = context.Barrier(len(cuts)), context.Queue()
    processes = [
        context.Process(target=_read_and_write, args=(part, sample, out / f"{place}.parquet", ready, results))
        for place, part in enumerate(cuts)
    ]
    for process in processes:
        process.start()
    told = [results.get(timeout=3600) for _ in processes]
    for process in processes:
        process.join()
    seconds = max(ended for _, ended, _ in told) - min(started for started, _, _ in told)
    shutil.rmtree(out)
    return seconds, sum(taken for _, _, taken in told)


def _read_and_write(groups: Sequence[tuple[Path, int]], sample: Path, out: Path, ready: Barrier, told: Any) -> None:
    """Read row groups with all columns of the contract, and write a label for each row, as anybody would."""
    import pyarrow as pa
    from pyarrow import parquet

    one = parquet.read_table(sample, columns=["cluster_label", "segment_id", "confidence"])
    ready.wait(timeout=120)
    started, before = time.monotonic(), time.process_time()
    labels = pa.concat_tables([one, one])  # a shard of half a million has somewhat fewer, for the rejected ones
    opened: dict[Path, parquet.ParquetFile] = {}
    with parquet.ParquetWriter(out, parquet.read_schema(sample).remove_metadata()) as writer:
        for file, group in groups:
            opened.setdefault(file, parquet.ParquetFile(file))
            read = opened[file].read_row_group(group, columns=COLUMNS)
            part = labels.slice(0, len(read))
            writer.write_table(pa.table([read["customer_id"], *part.columns], names=writer.schema.names))
    told.put((started, time.monotonic(), time.process_time() - before))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeated", type=int, default=0, help="customers with the key of another one")
    parser.add_argument("--workers", type=int, default=2, help="processes side by side")
    parser.add_argument("--repeats", type=int, default=3, help="rounds; of several, the first night only warms up")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
