"""What the criteria say of noise, and of groups as far apart as those of the Mall customers.

`python -m benchmarks.verdicts` rewrites the table of docs/verdicts.md.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from numpy.typing import NDArray

from clustering import cluster
from clustering.config import Transform

MODELS = ("kmeans", "gmm", "dbscan")
ROWS = 2_000
SEEDS = tuple(range(7001, 7021))  # not used to tune anything
CENTRES = np.array([[86.5, 82.1], [55.3, 49.5], [26.3, 20.9], [88.2, 17.1], [25.7, 79.4]])
UNIT = np.array([26.2, 25.8])  # standard deviations of the Mall customers
SPREAD = 0.405  # within their groups, in that unit
MALL_SHARES = np.array([39, 81, 23, 35, 22]) / 200
TABLE = Path(__file__).parent.parent / "docs" / "verdicts.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"

Rows = NDArray[np.float64]


@dataclass(frozen=True)
class Verdict:
    """What the criteria said of one data set."""

    data: str
    model: str
    structure: str
    clusters: int
    refused: bool


def uniform(seed: int) -> Rows:
    return np.random.default_rng(seed).uniform(size=(ROWS, 2))


def isotropic(seed: int) -> Rows:
    return np.random.default_rng(seed).normal(size=(ROWS, 2))


def correlated(seed: int) -> Rows:
    return np.random.default_rng(seed).multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], ROWS)


def log_normal(seed: int) -> Rows:
    return np.random.default_rng(seed).lognormal(mean=5.0, size=(ROWS, 2))


def five_groups(seed: int) -> Rows:
    return _groups(seed, rows=ROWS, shares=np.full(5, 0.2))


def five_groups_like_mall(seed: int) -> Rows:
    return _groups(seed, rows=200, shares=MALL_SHARES)


def _groups(seed: int, *, rows: int, shares: NDArray[np.float64]) -> Rows:
    generator = np.random.default_rng(seed)
    group = generator.choice(len(CENTRES), size=rows, p=shares)
    return (CENTRES / UNIT)[group] + generator.normal(scale=SPREAD, size=(rows, 2))  # type: ignore[no-any-return]


DATA: dict[str, Callable[[int], Rows]] = {
    "uniform noise": uniform,
    "isotropic Gaussian": isotropic,
    "Gaussian with correlation 0.6": correlated,
    "log-normal, declared as log": log_normal,
    "five groups, 2,000 rows": five_groups,
    "five groups of Mall's sizes, 200 rows": five_groups_like_mall,
}


def judge(data: str, model: str, seed: int) -> Verdict:
    """Return what the criteria say of one data set."""
    frame = pd.DataFrame(DATA[data](seed), columns=["a", "b"])
    transforms: dict[str, Transform] = {"a": "log", "b": "log"} if data.startswith("log") else {}
    found = cluster(frame, {"algorithm": model}, transforms=transforms)
    return Verdict(data, model, found.structure, len(found.stability), found.refusal is not None)


def table(verdicts: Sequence[Verdict]) -> list[str]:
    """Return a Markdown table of the verdicts, counted by data and model."""
    lines = ["| data | model | structured | refused | numbers of clusters |", "| --- | --- | --- | --- | --- |"]
    for data in DATA:
        for model in MODELS:
            own = [one for one in verdicts if (one.data, one.model) == (data, model)]
            structured = sum(one.structure == "structured" for one in own)
            numbers = pd.Series([one.clusters for one in own]).value_counts()
            counted = ", ".join(f"{count} × {number}" for number, count in numbers.items())
            refused = sum(one.refused for one in own)
            lines.append(f"| {data} | {model} | {structured} of {len(own)} | {refused} of {len(own)} | {counted} |")
    return lines


def main() -> None:
    """Judge, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    cases = [(data, model, seed) for data in DATA for model in MODELS for seed in arguments.seeds]
    lines = table(Parallel(n_jobs=arguments.jobs)(delayed(judge)(*case) for case in cases))
    print("\n".join(lines))
    if tuple(arguments.seeds) == SEEDS:
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        TABLE.write_text(before + "\n".join([BEGIN, *lines, END]) + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
