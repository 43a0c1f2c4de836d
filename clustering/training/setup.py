"""What every step of a selection works with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import Algorithm, Fitted, FloatMatrix, Settings, algorithm
from clustering.algorithms.base import Noise
from clustering.algorithms.sampling import draw, seeds
from clustering.config import ModelSpec
from clustering.training.null_model import NullModel
from clustering.training.stability import Clusters


@dataclass(frozen=True, eq=False)
class Setup:
    """The working rows (m, d), which are a `share` of all customers, and how they are searched for clusters.

    Samples are drawn and replicates numbered from `seed`. `names` are the columns (d,) of the features, a category's
    several times.
    """

    working: FloatMatrix
    share: float
    spec: ModelSpec
    seed: int
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns (d,) of the features, by default the specification's."""
        return self.names or self.spec.features

    @property
    def algorithm(self) -> Algorithm[Any]:
        """The algorithm of the specification."""
        return algorithm(self.spec.algorithm)

    @cached_property
    def replicate_rows(self) -> FloatMatrix:
        """The rows (r, d) that replicates are made of."""
        return draw(self.working, self.algorithm.replicate_rows, seed=self.seed)

    def clusters(self, fitted: Fitted, settings: Settings) -> Clusters:
        """Return the clusters of a fit, which has `settings` for all customers, among the rows of replicates."""
        rows = self.replicate_rows
        return Clusters(
            rows,
            self.algorithm.assigner(fitted.parameters)(rows).labels,
            int(fitted.labels.max()) + 1,
            self.algorithm.for_share(settings, self.share * len(rows) / len(self.working)),
            self.spec,
        )

    def seeds(self, count: int, *, stream: int) -> list[int]:
        """Return the seeds of as many replicates; each `stream` has others."""
        return seeds(self.seed, count, stream=stream)

    @cache  # noqa: B019 (every candidate is compared with the same noise)
    def noise(self, noise: Noise, numbers: tuple[int, ...]) -> NDArray[np.float64]:
        """Return rows of noise (b, r, d) for seeds."""
        return self._null_model.draw(noise, seeds=numbers)

    @cached_property
    def _null_model(self) -> NullModel:
        return NullModel(self.replicate_rows, self.columns)
