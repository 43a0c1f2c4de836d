"""What every step of a selection works with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from clustering.algorithms import Algorithm, FloatMatrix, algorithm
from clustering.config import ModelSpec
from clustering.training.parallel import run
from clustering.training.resampling import draw, seeds

Result = TypeVar("Result")


@dataclass(frozen=True)
class Setup:
    """The working rows (m, d), which are a `share` of all customers, and how they are searched for clusters.

    Samples are drawn and replicates numbered from `seed`; `jobs` is the number of processes.
    """

    working: FloatMatrix
    share: float
    spec: ModelSpec
    seed: int
    jobs: int

    @property
    def algorithm(self) -> Algorithm[Any]:
        """The algorithm of the specification."""
        return algorithm(self.spec.algorithm)

    def replicate_rows(self) -> FloatMatrix:
        """Return the rows (r, d) that replicates are made of."""
        return draw(self.working, self.algorithm.replicate_rows, seed=self.seed)

    def share_of(self, rows: FloatMatrix) -> float:
        """Return the share of all customers that some of the working rows are."""
        return self.share * len(rows) / len(self.working)

    def seeds(self, count: int, *, stream: int) -> list[int]:
        """Return the seeds of as many replicates; each `stream` has others."""
        return seeds(self.seed, count, stream=stream)

    def run(self, task: Callable[..., Result], arguments: Sequence[tuple[Any, ...]], *, what: str) -> list[Result]:
        """Return `task(*one)` for each of the arguments, in their order."""
        return run(task, arguments, jobs=self.jobs, what=what)
