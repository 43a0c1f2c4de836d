"""Which groups stand out: customers lie much more densely within them than between them, by more than chance shows.

The ball around a row that just holds its K nearest has a volume that grows as the density falls. Where the density is
the same in two places, the ratio of two such volumes has an F distribution of 2K and 2K degrees of freedom: of each,
the expected number of rows is gamma distributed of shape K. A group is held against the densest place of the others: it
stands out, when the ball that first reaches across is larger than the smallest one within it, by a ratio that chance
gives to one in a hundred samples; a sample has as many places to look at as it has K rows.

The order of visits of a hierarchy tells who meets where, see `hierarchy`. Of a group without structure, the densest
place is all there is:

>>> rows = np.random.default_rng(0).normal(size=(200, 2))
>>> len(standing_out(rows)), len(standing_out(np.vstack([rows, rows + 5])))
(1, 2)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import NOISE, FloatMatrix, Labels
from clustering.algorithms.basins import Densities, Neighbours, joins, visits
from clustering.algorithms.sampling import draw_places

NEAREST_ROWS = 8  # fewer say little of a density, more blur thin groups
CHANCE = 0.01
ROWS = 1_000


def several_stand_out(features: FloatMatrix, labels: Labels, *, seed: int) -> bool:
    """Whether two clusters in labels (n,) of features (n, d) stand out, in at most ROWS of the rows."""
    places = draw_places(len(features), ROWS, seed=seed)
    found = labels[places[standing_out(features[places])]]
    return len(np.unique(found[found != NOISE])) > 1


def standing_out(features: FloatMatrix) -> NDArray[np.intp]:
    """Return the densest row of each group that stands out in features (n, d), the densest of all included."""
    from scipy.special import fdtri

    rows, dimensions = features.shape
    if rows < NEAREST_ROWS or not dimensions:
        return np.zeros(0, dtype=np.intp)
    neighbours = Neighbours(features, NEAREST_ROWS)
    densities = Densities(neighbours, NEAREST_ROWS)
    order, steps = visits(neighbours, densities)
    degrees = 2 * NEAREST_ROWS
    least = fdtri(degrees, degrees, 1 - CHANCE * NEAREST_ROWS / rows) ** (1 / dimensions)
    peaks = list(zip(densities.core[order].tolist(), order.tolist(), strict=True))  # by the first visit
    found = []
    for step, bounds in joins(steps):
        densest, *others = sorted(peaks[first] for first in bounds[:-1])
        found += [row for distance, row in others if step > distance * least]
        peaks[bounds[0]] = densest
    return np.array([*found, peaks[0][1]], dtype=np.intp)
