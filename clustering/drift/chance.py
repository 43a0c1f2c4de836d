"""How far two samples of customers differ, and how far they may by chance alone.

Both samples count: tonight's customers and the training sample, which is one of many that could have been drawn. For
other customers every night the limits are those of the level asked for; for the same customers with small changes,
some of them in the training sample, chance has less room, and the limits are on the safe side.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FEWEST = 10  # customers that a bin has to be expected to hold, for the distribution of chi-square to hold

Counts = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """Cohen's w of two rows of counts, and the w that chance alone exceeds as rarely as was asked for."""

    effect: float
    by_chance: float


def difference(counts: Sequence[int], reference: Sequence[int], *, level: float) -> Difference:
    """Compare customers per bin with those of a reference, the bins in their order.

    w is the root of chi-square over the effective number of customers (Cohen, 1988, chapter 7): it measures how far
    shares differ and does not grow with the customers; for a normal feature it is close to its shift in standard
    deviations. `level` is the probability of exceeding `by_chance` when both come from one distribution: by Pearson's
    test of homogeneity, or by Fisher's exact one where there are two bins.
    """
    found, expected = _merged(np.array(counts, dtype=np.float64), np.array(reference, dtype=np.float64))
    if len(found) < 2:
        return Difference(0.0, 0.0)
    effect = _effect(found, expected)
    if len(found) == 2:
        return Difference(effect, _exact_limit(found, expected, level))
    from scipy.special import chdtri  # needed by checks, not by readers

    return Difference(effect, float(np.sqrt(chdtri(len(found) - 1, level) * _unit(found, expected))))


def _unit(found: Counts, expected: Counts) -> float:
    return float(1 / found.sum() + 1 / expected.sum())


def _effect(found: Counts, expected: Counts) -> float:
    pooled = (found + expected) / (found.sum() + expected.sum())
    apart = found / found.sum() - expected / expected.sum()
    return float(np.sqrt(np.sum(apart[pooled > 0] ** 2 / pooled[pooled > 0])))


def _merged(found: Counts, expected: Counts) -> tuple[Counts, Counts]:
    """Join neighbouring bins until each is expected to hold enough customers; two bins stay as they are."""
    if not (found.sum() and expected.sum()):
        return found[:0], expected[:0]
    if len(found) == 2:
        return found, expected
    both = found + expected
    held = both * min(found.sum(), expected.sum()) / both.sum()
    starts, filled = [0], 0.0
    for place, customers in enumerate(held):
        if filled >= FEWEST:
            starts.append(place)
            filled = 0.0
        filled += customers
    if filled < FEWEST and len(starts) > 1:
        starts.pop()
    return np.add.reduceat(found, starts), np.add.reduceat(expected, starts)


def _exact_limit(found: Counts, expected: Counts, level: float) -> float:
    """Return the largest w, to the side that was found, that is no rarer than half of the level (Fisher, 1935)."""
    rows, others = int(found.sum()), int(expected.sum())
    marked = int(found[0] + expected[0])
    from scipy.stats import hypergeom  # needed by checks, not by readers

    above = found[0] * (rows + others) > marked * rows
    quantile: Any = hypergeom.isf if above else hypergeom.ppf
    bound = float(quantile(level / 2, rows + others, marked, rows))
    return _effect(np.array([bound, rows - bound]), np.array([marked - bound, others - marked + bound]))
