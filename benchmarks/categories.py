"""Groups in numbers and categories: K-Means with declared categories beside k-prototypes, and a column of chance.

`python benchmarks/categories.py` prints the adjusted Rand indices of 20 generated sets with known groups. k-prototypes
(Huang, 1998) is that of the package `kmodes`, which the project does not need: `uv pip install kmodes` first. Both are
told the number of groups, and get the numbers standardised. The sets are drawn as a whole, by seeds that tuned nothing:
3 to 5 groups, 2 to 4 numbers, whose group means scatter by 0.5 to 2 of the standard deviations within a group, and 2 to
4 categories of 2 to 6 levels.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from clustering import cluster

ROWS = 500
FIRST_SEED = 7001  # it and those that follow were not used to tune anything
STARTS = 10
MARGIN, MOST_CHANGE = 0.05, 0.02


@dataclass(frozen=True)
class MixedSet:
    """Customers with known groups."""

    frame: pd.DataFrame
    categories: list[str]
    groups: NDArray[np.int64]

    @property
    def known(self) -> int:
        """How many groups there are."""
        return len(np.unique(self.groups))


def mixed_set(seed: int) -> MixedSet:
    """Return numbers and categories whose distributions depend on the group."""
    generator = np.random.default_rng(seed)
    groups = generator.choice(int(generator.integers(3, 6)), size=ROWS)
    known, separation = groups.max() + 1, generator.uniform(0.5, 2.0)
    columns: dict[str, NDArray[np.float64] | NDArray[np.str_]] = {}
    for place in range(int(generator.integers(2, 5))):
        columns[f"number_{place}"] = generator.normal(0, separation, known)[groups] + generator.normal(size=ROWS)
    categories = [f"category_{place}" for place in range(int(generator.integers(2, 5)))]
    for name in categories:
        shares = generator.dirichlet(np.full(int(generator.integers(2, 7)), 0.5), size=known)
        drawn = (shares.cumsum(axis=1)[groups, :-1] < generator.random(ROWS)[:, np.newaxis]).sum(axis=1)
        columns[name] = drawn.astype(str)
    frame = pd.DataFrame(columns)
    kept = [name for name in categories if frame[name].value_counts().iloc[0] < 0.99 * ROWS]
    return MixedSet(frame.drop(columns=[name for name in categories if name not in kept]), kept, groups)


def own(one: MixedSet) -> float:
    """Return the index of K-Means with the categories declared."""
    found = cluster(
        one.frame, {"algorithm": "kmeans", "clusters": one.known, "n_init": STARTS}, categories=one.categories
    )
    return float(adjusted_rand_score(one.groups, found.labels))


def of_prototypes(one: MixedSet) -> float:
    """Return the index of k-prototypes, with its own weight of categories."""
    from kmodes.kprototypes import KPrototypes  # type: ignore[import-not-found]

    numbers = one.frame.drop(columns=one.categories)
    rows = pd.concat([(numbers - numbers.mean()) / numbers.std(ddof=0), one.frame[one.categories]], axis=1)
    places = list(range(numbers.shape[1], rows.shape[1]))
    found = KPrototypes(one.known, n_init=STARTS, random_state=0).fit_predict(
        rows.to_numpy(dtype=object), categorical=places
    )
    return float(adjusted_rand_score(one.groups, found))


def with_chance(one: MixedSet, seed: int) -> MixedSet:
    """Return the set with a column of yes and no that means nothing."""
    chance = np.random.default_rng(10 * seed).integers(0, 2, ROWS).astype(str)
    return MixedSet(one.frame.assign(chance=chance), [*one.categories, "chance"], one.groups)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bounds of the mean's 95 % interval, by 10,000 bootstraps of the sets."""
    drawn = np.random.default_rng(0).choice(values, (10_000, len(values))).mean(axis=1)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return float(low), float(high)


def main() -> None:
    """Print a line a set, and what they add up to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=20, help="how many; the interval narrows with them (default 20)")
    rows = []
    for seed in range(FIRST_SEED, FIRST_SEED + parser.parse_args().sets):
        one = mixed_set(seed)
        row = (own(one), of_prototypes(one), own(with_chance(one, seed)))
        rows.append(row)
        told = f"K-Means {row[0]:.3f}, k-prototypes {row[1]:.3f}, with chance {row[2]:.3f}"
        print(f"{seed}: {one.known} groups, {told}", flush=True)
    own_index, rivals, chance = np.array(rows).T
    ahead, changed = own_index - rivals, np.abs(chance - own_index)
    low, high = interval(ahead)
    print(f"mean: K-Means {own_index.mean():.3f}, k-prototypes {rivals.mean():.3f}")
    print(f"ahead by {ahead.mean():+.3f} (95 %: {low:+.3f} to {high:+.3f}), {MARGIN} wanted")
    told = f"{changed.mean():.3f} on average, {changed.max():.3f} at most, {MOST_CHANGE} allowed"
    print(f"a random column changes it by {told}")


if __name__ == "__main__":
    main()
