"""What a training costs beside the sweep that a person would write instead, on the same rows and one thread.

`python benchmarks/training.py` rewrites the table of docs/training.md. The sweep is scikit-learn's: two to ten clusters
with ten starts each, chosen by silhouette (of at most 10,000 rows) or by BIC, and for DBSCAN one HDBSCAN. Everything is
measured in processes of their own, sweep and training in turns, and in processor time, imports apart.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

ROWS, FEATURES, MODELS = (200, 5_000, 200_000), (2, 6), ("kmeans", "gmm", "dbscan")
REPEATS = {200: 5, 5_000: 3, 200_000: 1}
MOST_CLUSTERS, STARTS = 10, 10
SILHOUETTE_ROWS = 10_000
DENSITY_ROWS = 20_000  # that DBSCAN draws of more
GROUPS, APART = 5, 4.0
TABLE = Path(__file__).parent.parent / "docs" / "training.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"


@dataclass(frozen=True)
class Case:
    """Rows with groups or without, and a model."""

    model: str
    rows: int
    features: int
    has_groups: bool


@dataclass(frozen=True)
class Cost:
    """Processor seconds of sweep and training, their ratio, and what a training's process took at the most."""

    case: Case
    sweep_s: float
    training_s: float
    ratio: float
    peak_mb: float


def draw(case: Case) -> NDArray[np.float64]:
    """Return standardised features (n, d)."""
    generator = np.random.default_rng(case.rows + case.features)
    rows = generator.normal(size=(case.rows, case.features))
    if case.has_groups:
        rows += (APART * generator.normal(size=(GROUPS, case.features)))[generator.integers(0, GROUPS, case.rows)]
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)  # type: ignore[no-any-return]


def sweep(case: Case) -> tuple[float, float]:
    """Return the seconds of a plain sweep, and the peak memory in MB."""
    from sklearn.cluster import HDBSCAN, KMeans
    from sklearn.metrics import silhouette_score
    from sklearn.mixture import GaussianMixture

    rows = draw(case)

    def run() -> None:
        if case.model == "dbscan":
            HDBSCAN(copy=True).fit(rows[:DENSITY_ROWS])
            return
        for clusters in range(2, MOST_CLUSTERS + 1):
            if case.model == "gmm":
                GaussianMixture(clusters, n_init=STARTS, random_state=0).fit(rows).bic(rows)
            else:
                labels = KMeans(clusters, n_init=STARTS, random_state=0).fit_predict(rows)
                silhouette_score(rows, labels, sample_size=min(SILHOUETTE_ROWS, len(rows)), random_state=0)

    return _measured(run)


def training(case: Case) -> tuple[float, float]:
    """Return the seconds of a training with the default settings, and the peak memory in MB."""
    from clustering import cluster
    from clustering.training.selection import select  # noqa: F401 (imports are not measured)

    cluster(pd.DataFrame(draw(Case(case.model, 60, 2, has_groups=True))), {"algorithm": case.model})
    frame = pd.DataFrame(draw(case))
    return _measured(lambda: cluster(frame, {"algorithm": case.model}))


def _measured(run: Callable[[], object]) -> tuple[float, float]:
    with threadpool_limits(limits=1):
        started = time.process_time()
        run()
        seconds = time.process_time() - started
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(case: Case) -> Cost:
    """Return the medians of a case."""
    sweeps: list[float] = []
    trainings: list[float] = []
    peaks: list[float] = []
    for _ in range(REPEATS.get(case.rows, 1)):
        for task, seconds in ((sweep, sweeps), (training, trainings)):
            with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
                took, peak = alone.submit(task, case).result()
            seconds.append(took)
            if task is training:
                peaks.append(peak)
    ratios = [one / other for one, other in zip(trainings, sweeps, strict=True)]
    medians = [statistics.median(values) for values in (sweeps, trainings, ratios)]
    return Cost(case, medians[0], medians[1], medians[2], max(peaks))


def table(costs: Sequence[Cost]) -> Iterator[str]:
    """Yield the lines of a Markdown table."""
    yield "| model | rows × features | groups | sweep, s | training, s | ratio | peak, MB |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for cost in costs:
        case = cost.case
        yield (
            f"| {case.model} | {case.rows:,} × {case.features} | {'yes' if case.has_groups else 'no'} |"
            f" {cost.sweep_s:.2f} | {cost.training_s:.2f} | {cost.ratio:.2f} | {cost.peak_mb:.0f} |"
        )


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=ROWS)
    parser.add_argument("--features", type=int, nargs="+", default=FEATURES)
    parser.add_argument("--models", nargs="+", default=MODELS, choices=MODELS)
    arguments = parser.parse_args()
    costs = []
    for model, rows, features, groups in product(arguments.models, arguments.rows, arguments.features, (True, False)):
        costs.append(measure(Case(model, rows, features, groups)))
        print(list(table(costs))[-1], flush=True)
    chosen = tuple(arguments.rows), tuple(arguments.features), tuple(arguments.models)
    if chosen == (ROWS, FEATURES, MODELS):
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        TABLE.write_text(before + "\n".join([BEGIN, *table(costs), END]) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
