"""The criteria: what each of them says of a candidate, and which candidate follows from that.

A candidate passes when its smallest cluster is large enough, each cluster is found again in the other half of the
customers (prediction strength; Tibshirani & Walther, 2005) and in bootstrap samples (Jaccard; Hennig, 2007), and it
beats customers without groups (see `null_model`). Of those that pass, K-Means takes the largest number of clusters
(Tibshirani & Walther's rule) whose gap is larger than that of fewer, since a large round group can be halved stably; a
Gaussian mixture the best BIC, DBSCAN the best agreement with the hierarchy of densities.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from clustering.algorithms import Fitted, Settings
from clustering.algorithms.base import NOISE, FloatVector, Labels
from clustering.config import ModelSpec
from clustering.training.null_model import Excess, Noise

LEAST_STRENGTH = 0.8
LEAST_JACCARD = 0.75
# In standard errors; where two tests guard against one noise, one may be lenient, but a lone one at 2 lets noise pass.
LEAST_ERRORS: dict[tuple[str, Noise], float] = {
    ("gap", "uniform"): 2.0,
    ("silhouette", "uniform"): 3.0,
    ("silhouette", "gaussian"): 2.0,
    ("likelihood", "uniform"): 3.0,
    ("likelihood", "gaussian"): 3.0,
}
LENIENCY = 0.05  # towards the champion's own settings
HOPELESS, HOPELESS_ERRORS, CERTAIN_ERRORS = 0.15, 2.0, 3.0  # distances from the limits at which a matter is closed
NEAR_TIE = 0.02  # of silhouettes

PATTERN = 0.6  # Hennig's bound below which a cluster is not to be trusted
LARGEST_SHARE = 0.95  # of the customers in clusters

_NOISES: dict[Noise, str] = {"uniform": "uniform noise", "gaussian": "one Gaussian of the same covariance"}


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

    `flaws` need no further figures: no fit, a collapsed or tiny cluster, red flags. `jaccard` is (k,), `strength` that
    of the weakest cluster and its standard error. `remarks` say why a candidate that passed is not taken.
    """

    settings: Settings
    spec: ModelSpec
    fitted: Fitted | None = None
    flaws: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    jaccard: FloatVector | None = None
    strength: tuple[float, float] | None = None
    noise: dict[tuple[str, Noise], Excess] = field(default_factory=dict)

    @property
    def is_fitted(self) -> bool:
        """Whether there is a fit."""
        return self.fitted is not None

    @property
    def clusters(self) -> int:
        """Number of clusters, 0 where there is no fit."""
        return 0 if self.fitted is None else int(self.fitted.labels.max()) + 1

    @property
    def is_hopeless(self) -> bool:
        """Whether more bootstraps would not make it stable."""
        return self.jaccard is not None and not self.spec.has_noise and self.jaccard.min() < LEAST_JACCARD - HOPELESS

    @property
    def is_settled(self) -> bool:
        """Whether more noise would not change what it says."""
        margins = [excess.errors - LEAST_ERRORS[test] for test, excess in self.noise.items()]
        closed = bool(margins) and (min(margins) < -HOPELESS_ERRORS or min(margins) > CERTAIN_ERRORS)
        return closed or bool(self.flaws)

    def verdicts(self, *, leniency: float = 0.0) -> list[str]:
        """Return what speaks against the candidate."""
        return [*self.flaws, *self._instability(leniency), *self._likeness_to_noise(leniency)]

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
            judge = _few_groups_hold if self.spec.has_noise else _one_group_does_not_hold
            found += judge(self.jaccard, self.fitted.labels, leniency, self.spec.gate.min_share)
        return found

    def _likeness_to_noise(self, leniency: float) -> list[str]:
        return [
            f"no groups: {name} {excess.value:+.3f} against {_NOISES[noise]}, {excess.errors:.1f} standard errors, "
            f"under {LEAST_ERRORS[name, noise]:g}"
            for (name, noise), excess in self.noise.items()
            if excess.errors < LEAST_ERRORS[name, noise] * (1 - 4 * leniency)
        ]


def _one_group_does_not_hold(jaccard: FloatVector, labels: Labels, leniency: float, least_share: float) -> list[str]:
    weakest = int(jaccard.argmin())
    if jaccard[weakest] >= LEAST_JACCARD - leniency:
        return []
    return [f"unstable: bootstrap Jaccard {jaccard[weakest]:.2f} of cluster {weakest} is under {LEAST_JACCARD}"]


def _few_groups_hold(jaccard: FloatVector, labels: Labels, leniency: float, least_share: float) -> list[str]:
    """Judge clusters that noise surrounds: small ones may come and go, as long as the customers' own stay."""
    sizes = np.bincount(labels[labels != NOISE], minlength=len(jaccard))
    found = []
    mean = float(jaccard @ sizes / max(sizes.sum(), 1))
    if mean < LEAST_JACCARD - leniency:
        found.append(f"unstable: bootstrap Jaccard {mean:.2f}, the mean over customers, is under {LEAST_JACCARD}")
    reliable = (jaccard >= PATTERN) & (sizes >= least_share * len(labels))
    if reliable.sum() < 2:
        found.append(
            f"unstable: {reliable.sum()} clusters have a bootstrap Jaccard of {PATTERN} or more, at least 2 must"
        )
    if sizes.max(initial=0) > LARGEST_SHARE * sizes.sum():
        found.append(f"one cluster holds {100 * sizes.max() / sizes.sum():.0f} % of the customers that are in clusters")
    return found


def choose(evaluations: Sequence[Evaluation], *, incumbent: Settings | None) -> Evaluation | None:
    """Return the candidate that follows from the figures; None when none passes.

    The champion's own settings, `incumbent`, are judged with leniency and kept in a near-tie of silhouettes.
    """
    passed = [evaluation for evaluation in evaluations if not evaluation.verdicts()]
    for one in passed:
        if _is_a_cut_too_many(one, passed):
            one.remarks.append("a group is cut in two: the gap is not larger than with fewer clusters")
    best = max((one for one in passed if not one.remarks), key=_rank, default=None)
    own = next((one for one in evaluations if incumbent is not None and dict(one.settings) == dict(incumbent)), None)
    if own is None or own is best or own.fitted is None or own.verdicts(leniency=LENIENCY):
        return best
    if best is None or own.figures["silhouette"] >= best.figures["silhouette"] - NEAR_TIE:
        return own
    return best


def _is_a_cut_too_many(evaluation: Evaluation, passed: Sequence[Evaluation]) -> bool:
    """Whether the gap is not larger than that of fewer clusters, by more than its error: a round group was halved."""
    gap = evaluation.noise.get(("gap", "uniform"))
    others = [one.noise["gap", "uniform"] for one in passed if gap and one.clusters < evaluation.clusters]
    return gap is not None and any(other.value > gap.value - gap.error for other in others)


def fall_back(evaluations: Sequence[Evaluation], *, clusters: int) -> Evaluation:
    """Return what divides customers without groups: without flaws, and with about as many `clusters` as are wanted.

    A candidate with flaws is better than none, and one without a fit comes last.
    """
    return max(evaluations, key=lambda one: (one.is_fitted, not one.flaws, -abs(one.clusters - clusters), _rank(one)))


def best_guess(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Return what comes nearest to groups, when nobody asks for a division; one without a fit comes last."""
    return max(evaluations, key=lambda one: (one.is_fitted, not one.flaws, _likeliness(one)))


def _likeliness(evaluation: Evaluation) -> float:
    return evaluation.figures.get("silhouette", 0.0) if evaluation.spec.algorithm == "kmeans" else _rank(evaluation)


def _rank(evaluation: Evaluation) -> float:
    if "bic" in evaluation.figures:
        return -evaluation.figures["bic"]
    return 0.0 if evaluation.spec.has_noise else float(evaluation.clusters)  # of equals, the first that was proposed
