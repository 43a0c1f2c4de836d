"""What the history adds to a night: nights with and without it in turns, over customers of whom a few change."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from psycopg2 import sql

from clustering.scoring import publication as publishing
from night import AS_OF, Night, run_night
from setting import Bench

CHANGED_EVERY = 100  # one customer in so many changes from night to night


@dataclass(frozen=True)
class HistoryCost:
    """The medians of nights with and without history; all seconds are those of whole nights but for the first."""

    with_s: float
    without_s: float
    ratio: float
    first_night_adds_s: float  # the load of the first night, when everybody's first period begins
    first_night_mb: float  # what it takes on disk, indexes included
    customers_moved: float  # share of customers and models whose segment changed in a night
    processor_ratio: float  # the server's and the scoring processes' together


def run_plain(bench: Bench, pool: ProcessPoolExecutor, models: list[str]) -> Night:
    """Run a night that has no date to be compared with and writes no history."""
    bench.run("delete from segmentation.published_runs")
    with without_history():
        return run_night(bench, pool, models)


def measure_history(
    bench: Bench, pool: ProcessPoolExecutor, models: list[str], *, repeats: int, show: Callable[[str], None]
) -> HistoryCost:
    """Return the medians of so many nights with history and as many without, in turns, after the first of each."""
    for model in models:
        bench.run(sql.SQL("drop table if exists {}").format(_periods(model)))
    without, within, moved = [_plain(bench, pool, models)], [], []
    first = run_night(bench, pool, models)
    size = sum(bench.run(sql.SQL("select pg_total_relation_size({})").format(_name(model)))[0][0] for model in models)
    before = first.run_id
    for number in range(1, repeats + 1):
        show(f"{', '.join(models)}: nights without and with history in turns, {number} of {repeats}")
        _change(bench, number)
        bench.settle()
        without.append(_plain(bench, pool, models))
        bench.settle()
        within.append(run_night(bench, pool, models, as_of=AS_OF + timedelta(days=number)))
        bench.drop_labels(before)
        before = within[-1].run_id
        moved.append(_moved(bench, number) / bench.rows / len(models))
    bench.drop_labels(before)
    plain = statistics.median(night.publish_s for night in without)
    return _cost(without[1:], within, first_s=first.publish_s - plain, first_mb=size / 2**20, moved=moved)


def _cost(
    without: list[Night], within: list[Night], *, first_s: float, first_mb: float, moved: list[float]
) -> HistoryCost:
    seconds = [statistics.median(night.seconds for night in nights) for nights in (within, without)]
    processor = [
        statistics.median(night.processor_s + night.server_s for night in nights) for nights in (within, without)
    ]
    return HistoryCost(
        with_s=seconds[0],
        without_s=seconds[1],
        ratio=seconds[0] / seconds[1],
        first_night_adds_s=first_s,
        first_night_mb=first_mb,
        customers_moved=statistics.median(moved),
        processor_ratio=processor[0] / processor[1],
    )


def _plain(bench: Bench, pool: ProcessPoolExecutor, models: list[str]) -> Night:
    """Run a plain night, drop its labels, and let the dates that were published before hold again."""
    bench.run("create table published_before as table segmentation.published_runs")
    night = run_plain(bench, pool, models)
    bench.drop_labels(night.run_id)
    bench.run("delete from segmentation.published_runs")
    bench.run("insert into segmentation.published_runs select * from published_before")
    bench.run("drop table published_before")
    return night


def _change(bench: Bench, number: int) -> None:
    """Turn the score of one customer in a hundred round, another hundredth each night."""
    keys = sql.SQL("customer_id % {} = {}").format(sql.Literal(CHANGED_EVERY), sql.Literal(number % CHANGED_EVERY))
    bench.run(sql.SQL("update customers set spending_score = 101 - spending_score where {}").format(keys))
    bench.run("vacuum (analyze) customers")


def _moved(bench: Bench, number: int) -> int:
    query = (
        "select coalesce(sum(customers), 0)::bigint from segmentation.segment_migrations"
        " where as_of = {} and from_segment_id is distinct from to_segment_id"
    )
    return int(bench.run(sql.SQL(query).format(sql.Literal(AS_OF + timedelta(days=number))))[0][0])


def _periods(model: str) -> sql.Identifier:
    return sql.Identifier("segmentation_partitions", f"period_{model}")


def _name(model: str) -> sql.Literal:
    return sql.Literal(f"segmentation_partitions.period_{model}")


def without_history() -> AbstractContextManager[Any]:
    """Let nights write no history, and tell nobody who has moved."""
    return patch.multiple(publishing, write_history=lambda *_, **__: {}, tell=lambda *_, **__: None)
