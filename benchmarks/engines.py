"""See that customers are labelled alike to the last bit, whoever labels them, in however many shards.

    python benchmarks/engines.py --rows 1000000 --cuts 1 7 64

The same customers, of whom 2 % are dirty, lie in a table and as Parquet. `table` and `files` are scored by two threads,
as mapped tasks score them; `sail` and `cluster` by one job through Spark Connect, of Sail and of Spark's own cluster (a
master and two workers, with a core each). Every night is hashed: its labels as customer, model, cluster, segment and
confidence, and its published segments. It ends with 1 where two hashes differ.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet
from rich.console import Console

from clustering import check_run, plan_run, publish_run, score_shard
from clustering.config import CustomerSource
from clustering.demo.generator import generate_customers
from clustering.warehouse.bulk import ArrowConnection
from history import without_history
from night import AS_OF
from nightly import LOCAL, Progress
from setting import BATCH_ROWS, Bench, open_bench

WAYS = ("table", "files", "sail", "cluster")
SIDE_BY_SIDE = 2
LABELS = """
copy (
    select customer_id, model, cluster_label, segment_id, confidence from segmentation.customer_labels
    where run_id = {run_id} order by customer_id, model
) to stdout
"""
SEGMENTS = """
copy (select to_jsonb(segment) - 'run_id' from segmentation.current_segments as segment order by model, segment_id)
to stdout
"""


@dataclass(frozen=True)
class Told:
    """What a night said, as hashes, its counts, and the seconds of scoring and of the whole."""

    labels: str
    segments: str
    read: int
    labelled: int
    rejected: int
    score_s: float
    night_s: float


class Digest:
    """A file that keeps the hash of what is written to it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def write(self, content: bytes) -> None:
        """Take what follows."""
        self._hash.update(content)

    def __str__(self) -> str:
        """Return the hash of all of it."""
        return self._hash.hexdigest()


def main() -> int:
    """Run the nights that the command line asks for, and return whether any differ."""
    arguments, console = _arguments(), Console(width=None if os.isatty(1) else 150)
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="engines-", dir=LOCAL))
    found: list[Told] = []
    try:
        with (
            Progress(console) as show,
            open_bench(
                folder,
                rows=arguments.rows,
                workers=SIDE_BY_SIDE,
                models=arguments.models,
                show=show,
                make=_make_customers,
            ) as bench,
        ):
            for way in arguments.ways:
                with _way(way, bench) as project:
                    for shards in arguments.cuts:
                        show(f"{way}, {shards} shards")
                        found.append(_night(project, arguments.models, shards))
                        console.print(_line(way, shards, found[-1]), highlight=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    labels, segments = ({getattr(one, name) for one in found} for name in ("labels", "segments"))
    console.print(f"{len(found)} nights: {len(labels)} kinds of labels, {len(segments)} of segments")
    return int(len(labels) > 1 or len(segments) > 1)


def _make_customers(bench: Bench, show: Callable[[str], None]) -> None:
    """Write the same customers into a table and into Parquet, batch by batch, with 256 row groups or more."""
    (bench.folder / "lake").mkdir()
    bench.run(
        "create table customers (customer_id bigint, age text, gender text, annual_income double precision,"
        " spending_score double precision)"
    )
    group = max(1, bench.rows // 256)
    with ArrowConnection(bench.warehouse.uri) as writer:
        for start in range(0, bench.rows, BATCH_ROWS):
            show(f"making customers: {start:,} of {bench.rows:,}")
            made = generate_customers(min(BATCH_ROWS, bench.rows - start), seed=start)
            keys = pc.add(made.column("customer_id"), pa.scalar(start, pa.int64()))
            rows = made.set_column(made.column_names.index("customer_id"), "customer_id", keys).combine_chunks()
            parquet.write_table(rows, bench.folder / "lake" / f"{start:010}.parquet", row_group_size=group)
            for batch in rows.select(["customer_id", "age", "gender", "annual_income", "spending_score"]).to_batches():
                writer.append("public", "customers", batch)
        writer.commit()
    show("indexing customers")
    bench.run("create index on customers (customer_id)")
    bench.run("vacuum (analyze) customers")


@contextmanager
def _way(way: str, bench: Bench) -> Iterator[Bench]:
    """Give a bench whose customers are labelled in this way, while what it needs runs."""
    files = {"files": str(bench.folder / "lake")}
    spark = files | {"engine": "spark", "label_files": str(bench.folder / "labels")}
    source: dict[str, Any] = {"table": {}, "files": files}.get(way, spark)
    contract = bench.configuration.contract.model_copy(
        update={"source": CustomerSource(**source)} | ({"table": None} if source else {})
    )
    configuration = bench.configuration.model_copy(update={"contract": contract})
    with ExitStack() as stack:
        if way in ("sail", "cluster"):
            server = stack.enter_context(_sail() if way == "sail" else _cluster(bench.folder))
            os.environ["CLUSTERING_SPARK"] = server
        yield replace(bench, configuration=configuration)


@contextmanager
def _sail() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of a newer pandas
        from pysail.spark import SparkConnectServer
    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    yield f"sc://127.0.0.1:{server.listening_address[1]}"
    server.stop()


@contextmanager
def _cluster(folder: Path) -> Iterator[str]:
    from spark_cluster import running

    (folder / "spark").mkdir()
    with running(folder / "spark") as cluster:
        yield cluster.remote


def _night(bench: Bench, models: list[str], shards: int) -> Told:
    """Run a night as if it were the first, hash it, and drop its labels."""
    project = bench.warehouse, bench.configuration
    bench.run("delete from segmentation.published_runs")
    bench.settle()
    started = time.monotonic()
    planned = plan_run(
        *project,
        bench.registry,
        models=models,
        as_of=AS_OF,
        dry_run=False,
        requested_by="benchmark",
        workers=bench.workers,
        shards=shards,
    )
    run_id, before = planned["run_id"], time.monotonic()
    with ThreadPoolExecutor(bench.workers) as pool:
        scores = [
            pool.submit(score_shard, *project, bench.registry, run_id=run_id, shard=shard)
            for shard in planned["shards"]
        ]
        for one in scores:
            one.result()
    score_s = time.monotonic() - before
    check_run(*project, bench.registry, run_id=run_id)
    with without_history():
        night = publish_run(*project, run_id=run_id)
    night_s = time.monotonic() - started
    labels, segments = (_digest(bench, text) for text in (LABELS.format(run_id=run_id), SEGMENTS))
    bench.drop_labels(run_id)
    read, labelled, rejected = (night[f"rows_{name}"] for name in ("read", "labelled", "rejected"))
    return Told(labels, segments, read, labelled, rejected, score_s, night_s)


def _digest(bench: Bench, statement: str) -> str:
    digest = Digest()
    with closing(psycopg2.connect(bench.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.copy_expert(statement, digest)
    return str(digest)


def _line(way: str, shards: int, told: Told) -> str:
    counts = f"{told.read:,} read = {told.labelled:,} labelled + {told.rejected:,} rejected"
    times = f"score {told.score_s:.1f} s, night {told.night_s:.1f} s"
    return f"{way:8}{shards:4}  labels {told.labels[:16]}  segments {told.segments[:16]}  {counts}  {times}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="customers (default %(default)s)")
    parser.add_argument("--models", nargs="+", default=["kmeans"], choices=["kmeans", "gmm", "dbscan"])
    parser.add_argument("--cuts", nargs="+", type=int, default=[1, 7, 64], help="shards (default %(default)s)")
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=WAYS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
