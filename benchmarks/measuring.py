"""One choice of models: the floor, the night and its rivals in turns, and the medians of what they took."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from floor import run_floor, save_labels
from history import HistoryCost, measure_history, run_plain
from night import Night, assignment_seconds, scoring_processes
from rivals import run_pandas, run_sql
from setting import Bench

PANDAS_ROWS = 200_000  # its cost grows with the rows alone, and at ten million it would take minutes


@dataclass(frozen=True)
class Case:
    """The medians of one choice of models. A ratio over 1 says that the night is faster, but for that to the floor."""

    models: list[str]
    floor_s: float
    night_s: float
    ratio_to_floor: float
    pandas_ratio: float  # a customer, against one process
    sql_ratio: float | None  # of K-Means alone
    peak_rss_mb: float
    plan_s: float
    score_s: float
    publish_s: float
    shards: int
    slowest_shard_to_mean: float
    start_of_processes_s: float  # not part of the night
    processor_s: dict[str, float]
    history_ratio: float  # of a night with history; the history is not counted above
    history: HistoryCost


@dataclass(frozen=True)
class Round:
    """One measurement of each."""

    floor_s: float
    server_s: float  # processor time of the server's connections meanwhile
    night: Night
    sql_s: float | None


def measure(bench: Bench, models: list[str], *, repeats: int, show: Callable[[str], None]) -> Case:
    """Return the medians of so many rounds, after one night to warm up."""
    named = ", ".join(models)
    rounds = []
    with scoring_processes(bench) as (pool, start):
        show(f"{named}: a night to warm up")
        night = run_plain(bench, pool, models)
        save_labels(bench, night.run_id, models)
        bench.drop_labels(night.run_id)
        for number in range(1, repeats + 1):
            show(f"{named}: the floor, the night and SQL in turns, {number} of {repeats}")
            rounds.append(_round(bench, pool, models))
        history = measure_history(bench, pool, models, repeats=repeats, show=show)
    show(f"{named}: pandas and scikit-learn")
    bench.settle()
    rows = min(bench.rows, PANDAS_ROWS)
    pandas_a_row = run_pandas(bench, models, rows=rows) / rows
    return _case(bench, models, rounds, pandas_a_row=pandas_a_row, start=start, history=history)


def _round(bench: Bench, pool: ProcessPoolExecutor, models: list[str]) -> Round:
    bench.settle()
    before = bench.server_seconds()
    floor_s = run_floor(bench, models)
    server_s = bench.server_seconds() - before
    bench.settle()
    night = run_plain(bench, pool, models)
    bench.drop_labels(night.run_id)
    bench.settle()
    return Round(floor_s, server_s, night, sql_s=run_sql(bench) if models == ["kmeans"] else None)


def _case(
    bench: Bench,
    models: list[str],
    rounds: list[Round],
    *,
    pandas_a_row: float,
    start: float,
    history: HistoryCost,
) -> Case:
    floor = statistics.median(each.floor_s for each in rounds)
    night = sorted((each.night for each in rounds), key=lambda night: night.seconds)[len(rounds) // 2]
    rivals = [each.sql_s for each in rounds if each.sql_s is not None]
    return Case(
        models=models,
        floor_s=floor,
        night_s=night.seconds,
        ratio_to_floor=night.seconds / floor,
        pandas_ratio=pandas_a_row * bench.rows / night.seconds,
        sql_ratio=statistics.median(rivals) / night.seconds if rivals else None,
        peak_rss_mb=max(each.night.peak_rss_mb for each in rounds),
        plan_s=night.plan_s,
        score_s=night.score_s,
        publish_s=night.publish_s,
        shards=len(night.shards_s),
        slowest_shard_to_mean=max(night.shards_s) / statistics.mean(night.shards_s),
        start_of_processes_s=start,
        processor_s={
            "server, in the floor": statistics.median(each.server_s for each in rounds),
            "server, in the night": night.server_s,
            "scoring processes": night.processor_s,
            **{f"of them {model}": assignment_seconds(bench, model) for model in models},
        },
        history_ratio=history.ratio,
        history=history,
    )
