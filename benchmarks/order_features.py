"""What features from order lines cost: the copy that a night makes beside a group by, and the night on it.

    python benchmarks/order_features.py [--customers 500000] [--lines 10] [--repeats 3]

In turns, on an embedded server with fixed settings: `create table as select ... group by` as somebody would write it by
hand, with the same features; the copy with its index that `materialise: true` makes; a night on that copy; a night on a
table that holds the same features; and the night after another one, with and without the second reading that tells whom
the passing of time alone moved. Ratios of medians count. A million customers with ten lines each take 3 GB.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from clustering import Registry, Warehouse, draw_sample, drop_sample, gate, load_configuration, migrate, train
from clustering.config import PROJECT
from clustering.warehouse.source import find_source
from clustering.warehouse.source_copy import make_copy
from night import Night, run_night, scoring_processes
from setting import SERVER_SETTINGS, Bench, running_server

LOCAL = PROJECT / ".local"
TODAY = datetime.now(UTC).date()
LINES = """
create table order_lines as
select (line % {customers})::text as customer_id,
    date '{day}' - random() * interval '900 days' + interval '8 hours' as ordered_at,
    round((exp(3 + random() * 2) * case when random() < 0.04 then -1 else 1 end)::numeric, 2) as amount,
    line / 2 as order_id, 'product ' || (300 * random() ^ 3)::integer as product
from generate_series(1, {lines}::bigint) as line
"""
BY_HAND = """
create table by_hand as
select customer_id, date '{day}' - last_day as recency_days, orders, greatest(revenue, 0) as revenue,
    greatest(revenue, 0) / nullif(orders, 0) as average_order,
    (last_day - first_day)::numeric / nullif(orders - 1, 0) as days_between_orders,
    date '{day}' - first_day as tenure_days, active_months, distinct_products,
    least(coalesce(returned, 0), bought) / bought as share_of_returns, orders_90_days,
    greatest(revenue_90_days, 0) as revenue_90_days
from (
    select customer_id, max(ordered_at::date) filter (where amount > 0) as last_day,
        min(ordered_at::date) filter (where amount > 0) as first_day,
        count(distinct order_id) filter (where amount > 0) as orders, sum(amount) as revenue,
        count(distinct date_trunc('month', ordered_at)) filter (where amount > 0) as active_months,
        count(distinct product) filter (where amount > 0) as distinct_products,
        sum(amount) filter (where amount > 0) as bought, -sum(amount) filter (where amount < 0) as returned,
        count(distinct order_id) filter (where amount > 0 and ordered_at >= date '{day}' - 89) as orders_90_days,
        sum(amount) filter (where ordered_at >= date '{day}' - 89) as revenue_90_days
    from order_lines where ordered_at < date '{day}' + 1 group by customer_id
) as totals
"""
MOVED = """
select sum(by_time + by_behaviour) filter (where from_segment_id <> to_segment_id) / sum(customers)
from segmentation.segment_migrations where as_of = date '{day}'
"""


@dataclass(frozen=True)
class Round:
    """Seconds of one measurement of each, and the memory of the largest scoring process in MB."""

    by_hand: float
    copy: float
    on_copy: float
    on_table: float
    by_time: float  # the whole night, its copies included
    not_by_time: float
    moved: float  # share of the customers who are read a second time
    peak_rss_mb: float


def main() -> None:
    """Measure as the command line says, and print the medians."""
    arguments = _arguments()
    console = Console(width=120)
    LOCAL.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="benchmark-", dir=LOCAL))
    try:
        rounds = _measure(folder, arguments, lambda text: console.print(text, highlight=False))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    medians = Round(*(statistics.median(figures) for figures in zip(*map(astuple, rounds), strict=True)))
    table = Table(title=f"{arguments.customers:,} customers, {arguments.lines} lines each", title_justify="left")
    for column in (
        "group by, s",
        "copy, s",
        "copy / group by",
        "night on the copy / on a table",
        "moved, %",
        "night with / without by_time",
        "peak MB",
    ):
        table.add_column(column, justify="right")
    table.add_row(
        f"{medians.by_hand:.1f}",
        f"{medians.copy:.1f}",
        f"{statistics.median(one.copy / one.by_hand for one in rounds):.2f}",
        f"{statistics.median(one.on_copy / one.on_table for one in rounds):.2f}",
        f"{medians.moved:.1%}",
        f"{statistics.median(one.by_time / one.not_by_time for one in rounds):.2f}",
        f"{medians.peak_rss_mb:.0f}",
    )
    console.print(table)


def _measure(folder: Path, arguments: argparse.Namespace, show: Callable[[str], None]) -> list[Round]:
    with _benches(folder, arguments, show) as benches:
        _without_by_time(benches[-1].models, folder / "not_by_time")
        _night(benches[-1], TODAY - timedelta(days=1), drop=False)
        return [_round(*benches, number, show) for number in range(1, arguments.repeats + 1)]


@contextmanager
def _benches(
    folder: Path, arguments: argparse.Namespace, show: Callable[[str], None]
) -> Iterator[tuple[Bench, Bench, Bench]]:
    """Start a server; yield where a night copies order lines, where it reads a table, and where nights follow."""
    show("starting the server")
    with running_server(folder / "postgres", SERVER_SETTINGS) as server:
        declared = PROJECT / "examples" / "orders"
        found = []
        table = _reading_a_table(declared, folder / "table")
        for name, models in (("on_copy", declared), ("on_table", table), ("after_another", declared)):
            configuration = load_configuration(models)
            warehouse = Warehouse(server.recreate_database(name))
            registry = Registry(warehouse, folder / name)
            bench = Bench(
                warehouse, configuration, registry, server, folder, arguments.customers, arguments.workers, models
            )
            _make(bench, arguments.lines, show, as_table=models != declared)
            migrate(warehouse, configuration.contract)
            _train(bench)
            found.append(bench)
        yield found[0], found[1], found[2]


def _reading_a_table(declared: Path, copied: Path) -> Path:
    """Return a folder with the same models on a table that holds the features, in place of the lines."""
    shutil.copytree(declared, copied)
    contract = yaml.safe_load((declared / "customers.yaml").read_text())
    del contract["orders"]
    (copied / "customers.yaml").write_text(yaml.safe_dump(contract | {"table": "public.by_hand"}, sort_keys=False))
    return copied


def _without_by_time(declared: Path, copied: Path) -> None:
    """Copy a folder of models, and leave the second reading out."""
    shutil.copytree(declared, copied)
    contract = yaml.safe_load((declared / "customers.yaml").read_text())
    contract["orders"]["by_time"] = False
    (copied / "customers.yaml").write_text(yaml.safe_dump(contract, sort_keys=False))


def _make(bench: Bench, lines: int, show: Callable[[str], None], *, as_table: bool) -> None:
    show(f"making {bench.rows * lines:,} lines of {bench.rows:,} customers")
    bench.run(LINES.format(customers=bench.rows, lines=bench.rows * lines, day=TODAY))
    bench.run("vacuum (analyze) order_lines")
    if as_table:
        bench.run(BY_HAND.format(day=TODAY))
        bench.run("alter table by_hand add primary key (customer_id)")
        bench.run("vacuum (analyze) by_hand")
        bench.run("drop table order_lines")


def _train(bench: Bench) -> None:
    drawn = draw_sample(bench.warehouse, bench.configuration, models=None, requested_by="benchmark")
    for model in drawn["models"]:
        made = train(bench.warehouse, bench.configuration, bench.registry, model=model, sample=drawn["sample"])
        number = made["model_version_id"]
        gate(bench.configuration, bench.registry, model_version_id=number, decided_by="benchmark")
    drop_sample(bench.warehouse, sample=drawn["sample"])


def _round(on_copy: Bench, on_table: Bench, after_another: Bench, number: int, show: Callable[[str], None]) -> Round:
    show(f"round {number}: the group by, the copy, and the nights")
    on_copy.settle()
    started = time.monotonic()
    on_copy.run(BY_HAND.format(day=TODAY))
    by_hand = time.monotonic() - started
    on_copy.run("drop table by_hand")
    on_copy.settle()
    copy = _copy_seconds(on_copy)
    nights = [_night(bench) for bench in (on_copy, on_table)]
    scored = [night.score_s + night.check_s + night.publish_s for night in nights]
    with_time, without, moved = _nights_after_another(after_another)
    peak = max(night.peak_rss_mb for night in (*nights, with_time, without))
    return Round(by_hand, copy, scored[0], scored[1], with_time.seconds, without.seconds, moved, peak)


def _nights_after_another(bench: Bench) -> tuple[Night, Night, float]:
    """Return the night that asks whom time moved, the one that does not, and the share of customers who moved."""
    with_time = _night(bench)
    [(moved,)] = bench.run(MOVED.format(day=TODAY))
    silent = bench.folder / "not_by_time"
    without = _night(replace(bench, models=silent, configuration=load_configuration(silent)))
    return with_time, without, float(moved)


def _copy_seconds(bench: Bench) -> float:
    """Return the seconds that a night's copy takes; it is rolled back."""
    started = time.monotonic()
    with bench.warehouse.transaction() as transaction:
        make_copy(transaction, find_source(transaction, bench.configuration.contract, as_of=TODAY))
        seconds = time.monotonic() - started
        transaction.connection.rollback()
    return seconds


def _night(bench: Bench, day: date = TODAY, *, drop: bool = True) -> Night:
    bench.settle()
    with scoring_processes(bench) as (pool, _):
        night = run_night(bench, pool, list(bench.configuration.models), as_of=day)
    if drop:
        bench.drop_labels(night.run_id)
    return night


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=500_000, help="with order lines (default %(default)s)")
    parser.add_argument("--lines", type=int, default=10, help="of each customer (default %(default)s)")
    parser.add_argument("--workers", type=int, default=2, help="scoring processes (default %(default)s)")
    parser.add_argument("--repeats", type=int, default=3, help="measurements, medians count (default %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    main()
