"""Numbered seeds and samples of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import FloatMatrix


def seeds(seed: int, count: int, *, stream: int) -> list[int]:
    """Return `count` seeds; each `stream` has others."""
    return [int(one) for one in np.random.SeedSequence([seed, stream]).generate_state(count)]


def draw(features: FloatMatrix, rows: int, *, seed: int) -> FloatMatrix:
    """Return at most `rows` rows, drawn without replacement, in their order."""
    return features if len(features) <= rows else features[draw_places(len(features), rows, seed=seed)]


def draw_places(count: int, rows: int, *, seed: int) -> NDArray[np.intp]:
    """Return at most `rows` of the places 0 to count - 1, drawn without replacement, in their order."""
    if count <= rows:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).permutation(count)[:rows])
