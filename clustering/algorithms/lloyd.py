"""K-Means on many samples of the same size at once: starts on few rows, then Lloyd's steps (Lloyd, 1982) on all.

Replicates are thousands of small fits, whose time is otherwise spent on calls. Everything here works on arrays over
samples; what becomes of one of them depends, bit for bit, on its own rows and seed alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]  # (b, m, d)
Centroids = NDArray[np.float64]  # (b, k, d)
Columns = NDArray[np.float64]  # (b, d + 1, m), the last of them ones

STARTS, START_ROWS, START_ITERATIONS = 10, 300, 10
FEW_CLUSTERS, TRIALS, MANY_TRIALS = 10, 2, 8  # rows among which each further centroid takes the best
START_ROWS_EACH = 30  # a cluster, where there are many
ITERATIONS = 100
TOLERANCE = 1e-4  # of the mean variance: a smaller shift of all centroids ends the steps
NUMBERS_AT_ONCE = 150_000  # rows × clusters of as many samples as are worked on together: what a cache holds


def fit_centroids(
    samples: Samples, clusters: int, *, seeds: Sequence[int], starts: int = STARTS, start_rows: int = START_ROWS
) -> Centroids:
    """Return centroids (b, k, d) of samples (b, m, d): the best of `starts` on at most `start_rows` rows goes on."""
    many = max(1, NUMBERS_AT_ONCE // (samples.shape[1] * clusters))
    parts = [
        _fit(samples[first : first + many], clusters, seeds[first : first + many], starts, start_rows)
        for first in range(0, len(samples), many)
    ]
    return np.concatenate(parts)


def starting_centroids(
    samples: Samples, clusters: int, *, seeds: Sequence[int], starts: int, start_rows: int
) -> tuple[Samples, NDArray[np.float64]]:
    """Return at most `start_rows` rows (b, r, d) of each sample, and centroids (b, starts, k, d) after a few steps."""
    generators = [np.random.default_rng(seed) for seed in seeds]
    rows, dimensions = samples.shape[1:]
    few, start_rows = samples, max(start_rows, START_ROWS_EACH * clusters)
    if rows > start_rows:
        few = np.stack(
            [one[each.permutation(rows)[:start_rows]] for one, each in zip(samples, generators, strict=True)]
        )
    columns = with_ones(few)
    trials = TRIALS if clusters <= FEW_CLUSTERS else MANY_TRIALS
    spread = _spread_out(columns, clusters, np.stack([one.random((clusters, starts, trials)) for one in generators]))
    repeated = np.repeat(columns, starts, axis=0)
    moved = steps(repeated, spread.reshape(-1, clusters, dimensions), iterations=START_ITERATIONS)
    return few, moved.reshape(spread.shape)


def with_ones(samples: Samples) -> Columns:
    """Return samples (b, m, d) as columns, and a column of ones."""
    count, rows, dimensions = samples.shape
    columns = np.empty((count, dimensions + 1, rows))
    columns[:, :dimensions] = np.swapaxes(samples, 1, 2)
    columns[:, dimensions] = 1.0
    return columns


def nearest_two(samples: Samples, centroids: Centroids) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the squared distances (b, m) of rows to the nearest and to the second nearest centroid."""
    scores = _scores(with_ones(samples), centroids)
    ordered = np.partition(scores, scores.shape[1] - 2, axis=1)[:, -2:]
    squares = (samples**2).sum(axis=2)[:, np.newaxis] - 2 * ordered
    np.maximum(squares, 0.0, out=squares)
    return squares[:, 1], squares[:, 0]


def gaps(samples: Samples, squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return by how much centroids lower the logarithm of the dispersion (b,) of samples (b, m, d).

    `squares` (b, m) are the squared distances to the nearest centroid. Tibshirani, Walther & Hastie (2001).
    """
    around_mean = ((samples - samples.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    around_centroids = np.maximum(squares.sum(axis=1), np.finfo(float).tiny)
    lowered: NDArray[np.float64] = np.log(np.maximum(around_mean, np.finfo(float).tiny)) - np.log(around_centroids)
    return lowered


def memberships(columns: Columns, centroids: Centroids) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which centroid (b, k, m) each row belongs to, and the row's score (b, m), larger where it is nearer."""
    scores = _scores(columns, centroids)
    best = scores.max(axis=1)
    members = scores == best[:, np.newaxis]
    if np.count_nonzero(members) != best.size:  # equally near: the first one
        members &= np.cumsum(members, axis=1) == 1
    return members, best


def steps(columns: Columns, centroids: Centroids, *, iterations: int) -> Centroids:
    """Return centroids (b, k, d) after at most so many of Lloyd's steps; one without rows stays where it is."""
    dimensions = centroids.shape[2]
    variances = columns[:, :dimensions].var(axis=2).mean(axis=1)
    ended, going = centroids.copy(), np.arange(len(centroids))
    for _ in range(iterations):
        members, _ = memberships(columns, centroids)
        sums = members.astype(np.float64) @ np.swapaxes(columns, 1, 2)
        sizes = sums[..., dimensions:]
        moved = np.divide(sums[..., :dimensions], sizes, out=centroids.copy(), where=sizes > 0)
        shifts = ((moved - centroids) ** 2).reshape(len(moved), -1).sum(axis=1)
        ended[going] = moved
        goes_on = shifts > TOLERANCE * variances
        if not goes_on.any():
            break
        centroids = moved
        if not goes_on.all():
            going, centroids, columns = going[goes_on], centroids[goes_on], columns[goes_on]
            variances = variances[goes_on]
    return ended


def _fit(samples: Samples, clusters: int, seeds: Sequence[int], starts: int, start_rows: int) -> Centroids:
    _, centroids = starting_centroids(samples, clusters, seeds=seeds, starts=starts, start_rows=start_rows)
    columns = with_ones(samples)
    scores = np.stack([memberships(columns, centroids[:, one])[1].sum(axis=1) for one in range(starts)], axis=1)
    best = centroids[np.arange(len(samples)), scores.argmax(axis=1)]
    return steps(columns, best, iterations=ITERATIONS)


def _scores(columns: Columns, centroids: Centroids) -> NDArray[np.float64]:
    """Return x·c − c²/2 (b, k, m): half of what the squared distance lacks of x²."""
    halves = -0.5 * (centroids**2).sum(axis=2, keepdims=True)
    scores: NDArray[np.float64] = np.concatenate([centroids, halves], axis=2) @ columns
    return scores


def _spread_out(columns: Columns, clusters: int, chance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centroids (b, s, k, d) that lie apart (k-means++; Arthur & Vassilvitskii, 2007), the best of few rows.

    `chance` (b, k, s, t) holds the numbers, from 0 to 1, that draw them.
    """
    rows = np.ascontiguousarray(np.swapaxes(columns[:, :-1], 1, 2))
    samples, count, dimensions = rows.shape
    starts, trials = chance.shape[2:]
    of_sample, of_start = np.arange(samples)[:, np.newaxis], np.arange(starts)
    found = np.empty((samples, starts, clusters, dimensions))
    found[:, :, 0] = rows[of_sample, (chance[:, 0, :, 0] * count).astype(np.intp)]
    squares = _squares(columns, found[:, :, 0])
    for place in range(1, clusters):
        sums = np.cumsum(squares, axis=2)
        targets = chance[:, place] * sums[..., -1:]
        places = (sums[:, :, np.newaxis] < targets[..., np.newaxis]).sum(axis=3)
        tried = rows[of_sample[..., np.newaxis], np.minimum(places, count - 1)]
        left = _squares(columns, tried.reshape(samples, -1, dimensions)).reshape(samples, starts, trials, count)
        np.minimum(left, squares[:, :, np.newaxis], out=left)
        best = left.sum(axis=3).argmin(axis=2)
        found[:, :, place], squares = tried[of_sample, of_start, best], left[of_sample, of_start, best]
    return found


def _squares(columns: Columns, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the squared distances (b, p, m) of rows to points (b, p, d)."""
    rows = columns[:, :-1]
    squares = (-2 * points) @ rows
    squares += (rows**2).sum(axis=1)[:, np.newaxis]
    squares += (points**2).sum(axis=2)[..., np.newaxis]
    return np.maximum(squares, 0.0, out=squares)
