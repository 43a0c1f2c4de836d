"""How close tuning without labels comes to the best settings: generated shapes with known groups.

`python benchmarks/shapes.py` rewrites the table of docs/shapes.md. Every noise row counts as a cluster of its own, in
the tuned clustering and in the best one alike; rows that belong to no group are left out of the comparison.
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
from sklearn.datasets import make_blobs, make_circles, make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture

from clustering import cluster
from clustering.algorithms.basins import Neighbours
from clustering.algorithms.hierarchy import Hierarchy

ROWS = 1500
SEEDS = (9001, 9002, 9003, 9004, 9005)  # not used to tune anything
GRID_MIN_SAMPLES = (2, 3, 4, 5, 6, 8, 10, 13, 17, 22, 30, 40, 60)
GRID_EPS = 60
TABLE = Path(__file__).parent.parent / "docs" / "shapes.md"
BEGIN, END = "<!-- table -->", "<!-- end of table -->"

Rows = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True)
class Result:
    """Adjusted Rand indices of one shape and seed."""

    shape: str
    tuned: float
    best: float
    structure: str


def blobs(seed: int) -> tuple[Rows, Groups]:
    return make_blobs(ROWS, random_state=seed)  # type: ignore[no-any-return]


def unequal_variance(seed: int) -> tuple[Rows, Groups]:
    return make_blobs(ROWS, cluster_std=[1.0, 2.5, 0.5], random_state=seed)  # type: ignore[no-any-return]


def unequal_size(seed: int) -> tuple[Rows, Groups]:
    return make_blobs([1000, 400, 100], random_state=seed)  # type: ignore[no-any-return]


def anisotropic(seed: int) -> tuple[Rows, Groups]:
    rows, groups = blobs(seed)
    return rows @ np.array([[0.6, -0.6], [-0.4, 0.8]]), groups


def fifteen_groups(seed: int) -> tuple[Rows, Groups]:
    return make_blobs(ROWS, centers=15, random_state=seed)  # type: ignore[no-any-return]


def four_dimensions(seed: int) -> tuple[Rows, Groups]:
    return make_blobs(ROWS, centers=5, n_features=4, random_state=seed)  # type: ignore[no-any-return]


def moons(seed: int) -> tuple[Rows, Groups]:
    return make_moons(ROWS, noise=0.05, random_state=seed)  # type: ignore[no-any-return]


def circles(seed: int) -> tuple[Rows, Groups]:
    return make_circles(ROWS, factor=0.5, noise=0.05, random_state=seed)  # type: ignore[no-any-return]


def strips(seed: int) -> tuple[Rows, Groups]:
    generator = np.random.default_rng(seed)
    groups = np.repeat(np.arange(3), ROWS // 3)
    return np.column_stack([generator.normal(0, 4, ROWS), 2.0 * groups + generator.normal(0, 0.3, ROWS)]), groups


def spirals(seed: int) -> tuple[Rows, Groups]:
    generator = np.random.default_rng(seed)
    groups = np.repeat([0, 1], ROWS // 2)
    turn = 3 * np.pi * np.sqrt(generator.uniform(0.05, 1, ROWS))
    curves = np.column_stack([turn * np.cos(turn + np.pi * groups), turn * np.sin(turn + np.pi * groups)])
    return curves + generator.normal(0, 0.3, (ROWS, 2)), groups


def noisy_blobs(seed: int) -> tuple[Rows, Groups]:
    return _with_noise(*make_blobs(ROWS * 4 // 5, random_state=seed), seed=seed)


def noisy_moons(seed: int) -> tuple[Rows, Groups]:
    return _with_noise(*make_moons(ROWS * 9 // 10, noise=0.05, random_state=seed), seed=seed)


def _with_noise(rows: Rows, groups: Groups, *, seed: int) -> tuple[Rows, Groups]:
    count = ROWS - len(rows)
    noise = np.random.default_rng(seed).uniform(rows.min(axis=0), rows.max(axis=0), (count, rows.shape[1]))
    return np.vstack([rows, noise]), np.append(groups, np.full(count, -1))


MIXTURES: dict[str, Callable[[int], tuple[Rows, Groups]]] = {
    "blobs": blobs,
    "blobs of unequal variance": unequal_variance,
    "blobs of unequal size": unequal_size,
    "anisotropic blobs": anisotropic,
    "15 groups": fifteen_groups,
    "5 groups in 4 dimensions": four_dimensions,
    "3 parallel strips": strips,
}
SHAPES = MIXTURES | {
    "moons": moons,
    "circles": circles,
    "2 spirals": spirals,
    "blobs with 20 % noise": noisy_blobs,
    "moons with 10 % noise": noisy_moons,
}


def standardised(rows: Rows) -> Rows:
    """Return rows (n, d) with mean 0 and standard deviation 1."""
    return (rows - rows.mean(axis=0)) / rows.std(axis=0)  # type: ignore[no-any-return]


def agreement(groups: Groups, labels: NDArray[np.integer]) -> float:
    """Return the adjusted Rand index, each noise row a cluster of its own, over the rows that belong to a group."""
    alone = np.where(labels < 0, labels.max() + 1 + np.arange(len(labels)), labels)
    return float(adjusted_rand_score(groups[groups >= 0], alone[groups >= 0]))


def dbscan_result(shape: str, seed: int) -> Result:
    """Tune DBSCAN on a shape, and search the grid for the best that it could have reached."""
    rows, groups = SHAPES[shape](seed)
    tuned = cluster(pd.DataFrame(rows), {"algorithm": "dbscan"})
    best = max(grid(standardised(rows), groups))
    return Result(shape, agreement(groups, tuned.labels), best, tuned.structure)


def grid(rows: Rows, groups: Groups) -> list[float]:
    """Return the indices of DBSCAN at every point of the grid."""
    found = []
    neighbours = Neighbours(rows, max(GRID_MIN_SAMPLES))
    for min_samples in GRID_MIN_SAMPLES:
        hierarchy = Hierarchy(neighbours, min_samples)
        low, high = np.quantile(hierarchy.core_distances, [0.05, 0.999])
        found += [agreement(groups, hierarchy.cut(float(eps)).labels) for eps in np.geomspace(low, 2 * high, GRID_EPS)]
    return found


def mixture_result(shape: str, seed: int) -> Result:
    """Choose a Gaussian mixture on a shape, and try every covariance type at the true number of groups."""
    rows, groups = MIXTURES[shape](seed)
    tuned = cluster(pd.DataFrame(rows), {"algorithm": "gmm", "components": [2, 20]})
    best = max(
        agreement(
            groups,
            GaussianMixture(len(set(groups)), covariance_type=kind, n_init=10, random_state=0).fit_predict(
                standardised(rows)
            ),
        )
        for kind in ("full", "tied", "diag", "spherical")
    )
    return Result(shape, agreement(groups, tuned.labels), best, tuned.structure)


def table(results: Sequence[Result], title: str, best: str) -> list[str]:
    """Return a Markdown table of the means by shape."""
    lines = [f"| {title} | tuned | {best} | structured |", "| --- | --- | --- | --- |"]
    shapes = list(dict.fromkeys(result.shape for result in results))
    means = []
    for shape in shapes:
        own = [result for result in results if result.shape == shape]
        tuned, reached = float(np.mean([one.tuned for one in own])), float(np.mean([one.best for one in own]))
        means.append((tuned, reached))
        structured = sum(one.structure == "structured" for one in own)
        lines.append(f"| {shape} | {tuned:.2f} | {reached:.2f} | {structured} of {len(own)} |")
    tuned, reached = np.mean(means, axis=0)
    lines.append(f"| **mean** | **{tuned:.3f}** | **{reached:.3f}** | ratio **{tuned / reached:.3f}** |")
    return lines


def main() -> None:
    """Measure, print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS)
    parser.add_argument("--jobs", type=int, default=-1)
    arguments = parser.parse_args()
    run = Parallel(n_jobs=arguments.jobs)
    density = run(delayed(dbscan_result)(shape, seed) for shape in SHAPES for seed in arguments.seeds)
    mixtures = run(delayed(mixture_result)(shape, seed) for shape in MIXTURES for seed in arguments.seeds)
    lines = [*table(density, "DBSCAN", "best of the grid"), ""]
    lines += table(mixtures, "Gaussian mixture", "best covariance type at the true number")
    print("\n".join(lines))
    if tuple(arguments.seeds) == SEEDS:
        before, _, rest = TABLE.read_text(encoding="utf-8").partition(BEGIN)
        text = "\n".join([BEGIN, *lines, END])
        TABLE.write_text(before + text + rest.partition(END)[2], encoding="utf-8")


if __name__ == "__main__":
    main()
