"""Measure the night against what the server can do at best, and against the usual ways; everything in one run.

    python benchmarks/nightly.py --rows 2000000 --json out.json

The server is embedded, with fixed settings that are printed. Ratios are what counts: seconds belong to a machine.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from measuring import Case

LOCAL = Path(__file__).parents[1] / ".local"


class Progress:
    """Says what is being done: in one line on a terminal, line after line elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console, self._started = console, time.monotonic()
        self._status = console.status("")

    def __enter__(self) -> Progress:
        self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def __call__(self, text: str) -> None:
        """Show what is done from now on."""
        said = f"{time.monotonic() - self._started:4.0f} s  {text}"
        self._status.update(said)
        if not self._console.is_terminal:
            self._console.print(said, highlight=False)


def main() -> None:
    """Run the cases that the command line asks for."""
    arguments = _arguments()
    from measuring import measure  # not above: the scoring processes import this module, and their memory is measured
    from setting import SERVER_SETTINGS, open_bench

    console = Console(width=None if os.isatty(1) else 150)
    size = f"{arguments.rows:,} customers, {arguments.workers} connections and processes, {os.cpu_count()} cores"
    settings = ", ".join(f"{name} {value}" for name, value in SERVER_SETTINGS.items())
    console.print(f"{size}\nserver: {settings}", highlight=False)
    cases = [["kmeans"], arguments.models] if len(arguments.models) > 1 else [arguments.models]
    models = list(dict.fromkeys(model for case in cases for model in case))
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-", dir=LOCAL))
    try:
        with (
            Progress(console) as show,
            open_bench(folder, rows=arguments.rows, workers=arguments.workers, models=models, show=show) as bench,
        ):
            results = [measure(bench, case, repeats=arguments.repeats, show=show) for case in cases]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    console.print(_ratios(results))
    console.print(_parts(results))
    if arguments.json:
        content = {"rows": arguments.rows, "cores": os.cpu_count(), "cases": [asdict(result) for result in results]}
        arguments.json.write_text(json.dumps(content, indent=2) + "\n")


def _ratios(cases: list[Case]) -> Table:
    table = _table(
        "Ratios",
        "models",
        "night / floor",
        "with history / night",
        "pandas / night",
        "SQL / night",
        "peak MB",
        "night s",
        "floor s",
    )
    for case in cases:
        table.add_row(
            ", ".join(case.models),
            f"{case.ratio_to_floor:.2f}",
            f"{case.history_ratio:.2f}",
            f"{case.pandas_ratio:.1f}",
            f"{case.sql_ratio:.2f}" if case.sql_ratio else "",
            f"{case.peak_rss_mb:.0f}",
            f"{case.night_s:.2f}",
            f"{case.floor_s:.2f}",
        )
    return table


def _parts(cases: list[Case]) -> Table:
    table = _table("Where the time goes", "models", "plan s", "score s", "publish s", "shards", "slowest / mean",
                   "start s", "processor s")  # fmt: skip
    for case in cases:
        table.add_row(
            ", ".join(case.models),
            f"{case.plan_s:.2f}",
            f"{case.score_s:.2f}",
            f"{case.publish_s:.2f}",
            str(case.shards),
            f"{case.slowest_shard_to_mean:.2f}",
            f"{case.start_of_processes_s:.2f}",
            "\n".join(f"{name} {value:.2f}" for name, value in case.processor_s.items()),
        )
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", header_style="")
    for column in columns:
        table.add_column(column, justify="left" if column == "models" else "right")
    return table


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    models = ["kmeans", "gmm", "dbscan"]
    parser.add_argument("--rows", type=int, default=10_000_000, help="customers (default %(default)s)")
    parser.add_argument("--models", nargs="+", choices=models, default=models, help="together, after kmeans alone")
    parser.add_argument("--workers", type=int, default=4, help="connections and processes (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements, medians count (default %(default)s)")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    return parser.parse_args()


if __name__ == "__main__":
    main()
