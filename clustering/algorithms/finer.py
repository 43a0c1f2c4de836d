"""Numbers of clusters beyond the usual ones that customers call for.

Many groups of like size can be cut into a few clusters stably too, so that nothing about these few tells that there is
more to find. How sharply centroids divide the customers does: their simplified silhouette (Hruschka, Campello & de
Castro, 2004) rises up to the number of groups and falls beyond it, where that of noise hardly changes. Where fewer
clusters are sharper still, as with groups of groups, it rises again after a fall. Cheap fits show it; what they propose
is judged like everything else.

>>> generator = np.random.default_rng(0)
>>> places = np.array([[x, y] for x in range(5) for y in range(3)])
>>> 15 in sharper_numbers(5.0 * places[generator.integers(0, 15, 600)] + generator.normal(0, 0.5, (600, 2)), seed=0)
True
>>> sharper_numbers(generator.normal(size=(600, 2)), seed=0)
[]
"""

from __future__ import annotations

import numpy as np

from clustering.algorithms.base import FloatMatrix
from clustering.algorithms.lloyd import fit_centroids, nearest_two
from clustering.algorithms.sampling import draw

USUAL = (2, 10)
MOST = 50
FEWEST_ROWS = 10  # different ones, a cluster
LEAST_RISE = 0.12  # noise of 200 rows or more rises by less, unless it has few different values
STEP = 1.1
PROPOSED = 3
ROWS, STARTS, START_ROWS = 2_000, 5, 1_000


def numbers_to_try(features: FloatMatrix, declared: tuple[int, int] | None, *, seed: int) -> list[int]:
    """Return the numbers of clusters of a declared range, or the usual ones, and those beyond that customers call for.

    A single number is declared alone.
    """
    low, high = declared or USUAL
    numbers = list(range(low, high + 1))
    return numbers if low == high else numbers + sharper_numbers(features, usual=high, seed=seed)


def sharper_numbers(features: FloatMatrix, *, seed: int, usual: int = USUAL[1]) -> list[int]:
    """Return up to PROPOSED numbers of clusters beyond `usual` that divide features (n, d) much more sharply."""
    rows = draw(features, ROWS, seed=seed)
    most = min(MOST, len(np.unique(rows, axis=0)) // FEWEST_ROWS)
    if most <= usual:
        return []
    before = {number: _sharpness(rows, number, seed) for number in range(USUAL[0], usual + 1)}
    beyond = {number: _sharpness(rows, number, seed) for number in _ladder(usual, most)}
    best = max(beyond, key=lambda number: beyond[number])
    coarse = max(before, key=lambda number: before[number])
    first = coarse if before[coarse] > beyond[best] else USUAL[0]
    lowest = min(found for number, found in (before | beyond).items() if first <= number < best)
    if beyond[best] - lowest < LEAST_RISE:
        return []
    ladder = [usual, *beyond, most + 1]
    place = ladder.index(best)
    for number in range(ladder[place - 1] + 1, ladder[place + 1]):
        if number not in beyond:
            beyond[number] = _sharpness(rows, number, seed)
    return sorted(sorted(beyond, key=lambda number: -beyond[number])[:PROPOSED])


def _ladder(usual: int, most: int) -> list[int]:
    """Return numbers beyond the usual ones whose steps grow."""
    found = [usual + 1]
    while found[-1] < most:
        found.append(min(most, max(found[-1] + 1, int(found[-1] * STEP))))
    return found


def _sharpness(rows: FloatMatrix, number: int, seed: int) -> float:
    samples = rows[np.newaxis]
    centroids = fit_centroids(samples, number, seeds=[seed], starts=STARTS, start_rows=START_ROWS)
    nearest, second = nearest_two(samples, centroids)
    ratios = np.divide(nearest, second, out=np.ones_like(nearest), where=second > 0)
    return 1.0 - float(np.sqrt(ratios).mean())
