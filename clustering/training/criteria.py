"""The criteria: what each of them says of a candidate, and which candidate follows from that.

A candidate passes when its smallest cluster is large enough, each cluster is found again in the other half of the
customers (prediction strength; Tibshirani & Walther, 2005) and in bootstrap samples (Jaccard; Hennig, 2007), and it
beats customers without groups (see `null_model`). Of those that pass, the algorithm's `rank` decides; where there is a
gap statistic, it has to be larger than that of fewer clusters, since a large round group can be halved stably.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from clustering.algorithms import Algorithm, Fitted, Settings, algorithm
from clustering.algorithms.base import GAP, FloatMatrix, FloatVector, Labels, Noise
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.jaccard_limits import LEAST_JACCARD, groups_in_noise, least_mean, weakest_group
from clustering.training.null_model import Excess
from clustering.training.stability import weakest_cluster

LEAST_STRENGTH = 0.8
LENIENCY = 0.05  # towards the champion's own settings
CERTAIN_ERRORS = 2.0  # from a limit: more replicates would change one verdict in a thousand, see docs/verdicts.md
NEAR_TIE = 0.02  # of silhouettes

_NOISES: dict[Noise, str] = {"uniform": "uniform noise", "unimodal": "customers like these without groups"}


@dataclass(frozen=True)
class Candidate:
    """Settings that were tried, their figures, and what speaks against them, in words: nothing, when they passed."""

    settings: Settings
    figures: dict[str, float]
    verdicts: tuple[str, ...]
    chosen: bool


@dataclass
class Evaluation:
    """What is known of a candidate so far.

    `flaws` need no further figures: no fit, a collapsed or tiny cluster, red flags; nor do `doubts`, with which a
    candidate can still divide customers. `jaccard` is (b, k), of bootstraps, `strength` that of the weakest cluster and
    its standard error. `remarks` say why a candidate that passed, or was not evaluated, is not taken; one that is not
    `is_declared` is beyond what the model allows, and never taken.
    """

    settings: Settings
    spec: ModelSpec
    fitted: Fitted | None = None
    flaws: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    is_judged: bool = False
    is_declared: bool = True
    jaccard: FloatMatrix | None = None
    strength: tuple[float, float] | None = None
    noise: dict[tuple[str, Noise], Excess] = field(default_factory=dict)

    @property
    def algorithm(self) -> Algorithm[Any]:
        """The algorithm of the specification."""
        return algorithm(self.spec.algorithm)

    @property
    def is_fitted(self) -> bool:
        """Whether there is a fit."""
        return self.fitted is not None

    @property
    def clusters(self) -> int:
        """Number of clusters, 0 where there is no fit."""
        return 0 if self.fitted is None else int(self.fitted.labels.max()) + 1

    @property
    def known_fit(self) -> Fitted:
        """The fit; TrainingError where there is none."""
        if self.fitted is None:
            raise TrainingError("; ".join(self.flaws))
        return self.fitted

    @property
    def rank(self) -> float:
        """The merit by which the algorithm chooses among candidates that pass."""
        return self.algorithm.rank(self.clusters, self.figures)

    @property
    def has_passed(self) -> bool:
        """Whether it was judged, and nothing speaks against it."""
        return self.is_judged and not self.verdicts()

    @property
    def is_strength_certain(self) -> bool:
        """Whether more splits would not change what they say."""
        return self.strength is not None and _is_certain(*self.strength, LEAST_STRENGTH)

    @property
    def is_jaccard_certain(self) -> bool:
        """Whether more bootstraps would not change what they say; of groups in noise, several are judged at once."""
        if self.jaccard is None or self.spec.has_noise:
            return False
        return _is_certain(*weakest_cluster(self.jaccard), LEAST_JACCARD)

    @property
    def is_noise_certain(self) -> bool:
        """Whether more noise would not change what it says."""
        margins = [
            (excess.errors - self.algorithm.least_errors[test]) / excess.errors_of_errors
            for test, excess in self.noise.items()
        ]
        return bool(self.flaws) or min(margins) < -CERTAIN_ERRORS or min(margins) > CERTAIN_ERRORS

    def add_noise(self, noise: Mapping[tuple[str, Noise], Excess]) -> None:
        """Add by how much the candidate beats noise, to the figures too."""
        self.noise |= noise
        for (name, against), excess in noise.items():
            figure = name if name == GAP else f"{name}_over_{against}"
            self.figures |= {figure: excess.value, f"{figure}_error": excess.error}

    def has(self, settings: Settings | None) -> bool:
        """Whether these are its settings."""
        return settings is not None and dict(self.settings) == dict(settings)

    def verdicts(self, *, leniency: float = 0.0) -> list[str]:
        """Return what speaks against the candidate."""
        return [*self.flaws, *self.doubts, *self._instability(leniency), *self._likeness_to_noise(leniency)]

    def record(self, *, chosen: bool) -> Candidate:
        """Return the candidate for the table of all candidates."""
        return Candidate(self.settings, dict(self.figures), (*self.verdicts(), *self.remarks), chosen)

    def _instability(self, leniency: float) -> list[str]:
        found = []
        if self.strength is not None and sum(self.strength) < LEAST_STRENGTH - leniency:
            found.append(
                f"unstable: prediction strength {self.strength[0]:.2f} ± {self.strength[1]:.2f} of one cluster is "
                f"under {LEAST_STRENGTH}"
            )
        if self.jaccard is not None and self.fitted is not None:
            found += self._instability_in_bootstraps(self.jaccard.mean(axis=0), self.fitted.labels, leniency)
        return found

    def _instability_in_bootstraps(self, jaccard: FloatVector, labels: Labels, leniency: float) -> list[str]:
        if not self.spec.has_noise:
            return weakest_group(jaccard, least=LEAST_JACCARD - leniency)
        least = least_mean(self.figures)
        return groups_in_noise(jaccard, labels, least=least - leniency, least_share=self.spec.gate.min_share)

    def _likeness_to_noise(self, leniency: float) -> list[str]:
        least = self.algorithm.least_errors
        return [
            f"no groups: {name} {excess.value:+.3f} against {_NOISES[noise]}, {excess.errors:.1f} standard errors, "
            f"under {least[name, noise]:g}"
            for (name, noise), excess in self.noise.items()
            if excess.errors < least[name, noise] * (1 - 4 * leniency)
        ]


def _is_certain(mean: float, error: float, limit: float) -> bool:
    """Whether a mean lies so far from a limit, with leniency and without, that its error does not matter."""
    return mean - CERTAIN_ERRORS * error > limit or mean + CERTAIN_ERRORS * error < limit - LENIENCY


def finer_than(chosen: Evaluation | None, evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """Return a candidate with more clusters than the model allows that passes, and would be taken before the chosen."""
    least = -np.inf if chosen is None else chosen.rank
    passed = [one for one in evaluations if not one.is_declared and one.has_passed and one.rank > least]
    return next((one for one in passed if chosen is None or not might_overrule(chosen, one)), None)


def choose(evaluations: Sequence[Evaluation], *, incumbent: Settings | None) -> Evaluation | None:
    """Return the candidate that follows from the figures; None when none passes.

    The champion's settings, `incumbent`, if declared, are judged with leniency and kept in a near-tie of silhouettes.
    """
    for one in _cut_too_many(evaluations):
        one.remarks.append("a group is cut in two: the gap is not larger than with fewer clusters")
    best = best_of(evaluations)
    own = next((one for one in evaluations if one.is_declared and one.has(incumbent)), None)
    if own is None or own is best or not own.is_judged or own.verdicts(leniency=LENIENCY):
        return best
    if best is None or own.figures["silhouette"] >= best.figures["silhouette"] - NEAR_TIE:
        return own
    return best


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """Return the best of those that have passed so far."""
    too_many = _cut_too_many(evaluations)
    passed = [one for one in evaluations if one.has_passed and one.is_declared and one not in too_many]
    best = max(passed, key=lambda one: one.rank, default=None)
    return next((one for one in passed if best and one.algorithm.is_plainer(one.settings, best.settings)), best)


def might_overrule(one: Evaluation, best: Evaluation) -> bool:
    """Whether a candidate, if it passes, shows that the best so far cuts a group in two."""
    gap, own = best.noise.get((GAP, "unimodal")), one.noise.get((GAP, "unimodal"))
    return gap is not None and own is not None and one.clusters < best.clusters and own.value > gap.value - gap.error


def _cut_too_many(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Return those whose gap is not larger than that of fewer clusters, by more than its error: a group was halved."""
    passed = [one for one in evaluations if one.has_passed and one.is_declared]
    return [one for one in passed if any(might_overrule(other, one) for other in passed)]


def fall_back(evaluations: Sequence[Evaluation], *, clusters: int) -> Evaluation:
    """Return what divides customers without groups: without flaws, and with about as many `clusters` as are wanted.

    A candidate with flaws is better than none, and one without a fit comes last.
    """
    declared = [one for one in evaluations if one.is_declared]
    return max(declared, key=lambda one: (one.is_fitted, not one.flaws, -abs(one.clusters - clusters), one.rank))


def best_guess(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return what comes nearest to groups, when nobody asks for a division; one without a fit comes last."""
    declared = [one for one in evaluations if one.is_declared]
    return max(declared, key=lambda one: (one.is_fitted, not one.flaws, _likeliness(one)))


def _likeliness(evaluation: Evaluation) -> float:
    return evaluation.algorithm.likeliness(evaluation.clusters, evaluation.figures)
