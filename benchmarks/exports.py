"""What sending an audience costs beside PostgreSQL's own COPY of the same rows to a file, and the memory that it takes.

    python benchmarks/exports.py [--members 100000 1000000 5000000] [--repeats 5] [--formats csv]

Of each size the server is made anew, with that many customers and a night. COPY by the server's own client and exports
take turns, of everybody, whom the labels tell, and of those who are not on a list; each is compared with the COPY of
the same rows: as CSV, or for JSON lines as these, which the server itself makes. Ratios are of the medians.
"""

from __future__ import annotations

import argparse
import multiprocessing
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from clustering import Warehouse, load_configuration
from clustering.config import PROJECT, Audience, Exports
from clustering.exports.exporting import export_audience
from clustering.storage.named_connections import NamedConnection
from night import peak_rss_mb, run_night, scoring_processes
from nightly import LOCAL
from setting import Bench, open_bench

MODEL = "kmeans"
COLUMNS = ("customer_id", "segment_name", "confidence", "as_of")
FORMATS = ("csv", "parquet", "jsonl")
SUPPRESSED = "public.suppressed"
LIST = f"create table {SUPPRESSED} as select customer_id from customers where customer_id % 100 = 0"  # noqa: S608
CONSENTS: dict[str, dict[str, Any]] = {
    "everybody": {"waived": "a benchmark"},
    "unlisted": {"suppressed": {"table": SUPPRESSED, "column": "customer_id"}},
}
UNLISTED = f" and not exists (select from {SUPPRESSED} as listed where listed.customer_id = label.customer_id)"
ROWS = """
    select label.customer_id, named.segment_name, label.confidence, label.as_of
    from segmentation.customer_labels as label
    join segmentation.label_names as named using (label_set, segment_id)
    where label.label_set = (
        select made.label_set
        from segmentation.run_models as made join segmentation.published_runs as published using (run_id, model)
        where published.model = 'kmeans'
    ) {unlisted}
"""
AS_CSV = "copy ({rows}) to stdout (format csv, header)"
AS_JSON = (
    "copy (select row_to_json(one) from ({rows}) as one) to stdout (format csv, delimiter e'\\x02', quote e'\\x01')"
)


def main() -> None:
    """Measure each size, and print a table of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, nargs="+", default=[100_000, 1_000_000, 5_000_000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--formats", choices=FORMATS, nargs="+", default=FORMATS)
    arguments = parser.parse_args()
    print("| members | format | COPY, s | everybody | unlisted | memory, MB |\n| --- | --- | --- | --- | --- | --- |")
    for members in arguments.members:
        for line in measure(members, arguments.repeats, arguments.formats):
            print(line, flush=True)


def measure(members: int, repeats: int, formats: Sequence[str]) -> Iterator[str]:
    """Yield the lines of one size."""
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="exports-", dir=LOCAL))
    try:
        with open_bench(folder, rows=members, workers=2, models=[MODEL], show=_say) as bench:
            with scoring_processes(bench) as (pool, _):
                run_night(bench, pool, [MODEL])
            bench.run(LIST)
            bench.run("vacuum (analyze)")
            (folder / "sent").mkdir()
            for form in formats:
                yield _line(bench, form, repeats)
    finally:
        shutil.rmtree(folder)


def _line(bench: Bench, form: str, repeats: int) -> str:
    copied: dict[str, list[float]] = {name: [] for name in CONSENTS}
    sent: dict[str, list[float]] = {name: [] for name in CONSENTS}
    memory = list[float]()
    for number in range(repeats):
        _say(f"{form} of {bench.rows:,}, {number + 1} of {repeats}")
        bench.run("truncate segmentation.export_recipients")
        with sender() as pool:  # a process of its own, since what another has taken is not given back
            pool.submit(_warm).result()
            for name in CONSENTS:
                copied[name].append(copy(bench, form, name))
                bench.settle()
                place = str(bench.folder / "sent")
                seconds, peak = pool.submit(_send, bench.warehouse.uri, place, form, name).result()
                sent[name].append(seconds)
                memory.append(peak)
    base = {name: statistics.median(kept) for name, kept in copied.items()}
    ratios = [f"{statistics.median(sent[name]) / base[name]:.2f}" for name in CONSENTS]
    return f"| {bench.rows:,} | {form} | {base['everybody']:.2f} | {' | '.join(ratios)} | {max(memory):.0f} |"


def copy(bench: Bench, form: str, name: str) -> float:
    """Return the seconds that COPY takes of an audience, as JSON lines or else as CSV."""
    bench.settle()
    rows = ROWS.format(unlisted=UNLISTED if name == "unlisted" else "")
    statement = (AS_JSON if form == "jsonl" else AS_CSV).format(rows=rows)
    started = time.monotonic()
    with (bench.folder / "copied.csv").open("wb") as file:
        subprocess.run([bench.psql, bench.warehouse.uri, "-qXc", statement], check=True, stdout=file)
    return time.monotonic() - started


@contextmanager
def sender() -> Iterator[ProcessPoolExecutor]:
    """Start one process that sends."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


def _warm() -> Sequence[str]:
    return sorted(load_configuration(PROJECT / "models").models)


def _send(uri: str, folder: str, form: str, name: str) -> tuple[float, float]:
    configuration = load_configuration(PROJECT / "models")
    settings = {"model": MODEL, "columns": COLUMNS, "destination": "drop", "path": f"{name}.{form}"}
    audience = Audience.model_validate({**settings, "consent": CONSENTS[name]})
    declared = Exports(destinations=("drop",), audiences={name: audience})
    given: Any = NamedConnection("fs", extra_dejson={"path": folder})
    send = partial(export_audience, connections=lambda _: given, requested_by="benchmark")
    started = time.monotonic()
    send(Warehouse(uri), configuration.model_copy(update={"exports": declared}), audience=name)
    return time.monotonic() - started, peak_rss_mb()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
