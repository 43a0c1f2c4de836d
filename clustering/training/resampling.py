"""Replicates: samples of the customers, seeds of their own, and smaller fits."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import Fitted, FloatMatrix, Settings, algorithm
from clustering.config import ModelSpec

STARTS = {"kmeans": 5, "gmm": 5, "dbscan": 1}  # of a replicate; the candidates themselves have `n_init`


def refit(features: FloatMatrix, settings: Settings, spec: ModelSpec, *, seed: int) -> Fitted:
    """Fit a replicate: fewer starts, and a seed of its own. Raises TrainingError as any fit does."""
    update: dict[str, Any] = {"seed": seed % 2**32}
    if hasattr(spec, "n_init"):
        update["n_init"] = min(spec.n_init, STARTS[spec.algorithm])
    return algorithm(spec.algorithm).fit(features, settings, spec.model_copy(update=update))


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
