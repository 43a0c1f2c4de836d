"""The choice among the candidates of a model, by several criteria."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from clustering.algorithms import Fitted, FloatMatrix, Settings
from clustering.algorithms.sampling import draw
from clustering.algorithms.threads import one_thread
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.criteria import Candidate, Evaluation, best_guess, choose, fall_back, finer_than
from clustering.training.evaluation import candidates, evaluate, final_stability
from clustering.training.measures import measure
from clustering.training.setup import Setup
from clustering.training.usability import reasons_against
from clustering.versions.metrics import Metrics

log = logging.getLogger(__name__)

Structure = Literal["structured", "none"]

WORKING_ROWS = 5_000  # on which candidates are fitted and judged; the chosen one goes on from there with all rows
DIVISION = 5


@dataclass(frozen=True)
class Selection:
    """The chosen fit, what the criteria say of it, and what became of every candidate.

    `structure` is `none` when no candidate passed; the fit then divides a continuum. `refusal` is the reason why
    it must not be used, if there is one, `declaration` what a model's file declares that uses it all the same.
    `stability` holds the mean bootstrap Jaccard of each cluster.
    """

    fitted: Fitted
    structure: Structure
    verdict: str
    refusal: str | None
    declaration: str | None
    figures: dict[str, float]
    stability: tuple[float, ...]
    candidates: tuple[Candidate, ...]

    @property
    def metrics(self) -> Metrics:
        """The figures of the fit, with verdict, refusal and declaration, for a version's row."""
        figures = Metrics.from_document(self.figures)
        return replace(figures, verdict=self.verdict, refusal=self.refusal, declaration=self.declaration)


def select(
    features: FloatMatrix,
    spec: ModelSpec,
    *,
    seed: int,
    segments: int = DIVISION,
    incumbent: Settings | None = None,
    names: Sequence[str] | None = None,
) -> Selection:
    """Fit every candidate of a model on standardised features (n, d), judge them by the criteria, and choose.

    `segments` is the number of clusters that customers without groups are divided into, `incumbent` the champion's
    settings, which a near-tie keeps. `names` are the columns (d,) of the features, a category's several times; by
    default the specification's. `seed` draws samples, fits start from `spec.seed`. One thread computes, whose sums
    do not depend on the machine's load. Raises TrainingError, with the reasons, when no candidate can be fitted.
    """
    with one_thread():
        owners = tuple(spec.features if names is None else names)
        return _select(features, spec, owners, seed=seed, segments=segments, incumbent=incumbent)


def _select(
    features: FloatMatrix,
    spec: ModelSpec,
    names: tuple[str, ...],
    *,
    seed: int,
    segments: int,
    incumbent: Settings | None,
) -> Selection:
    unusable = reasons_against(features, spec, names)
    working = draw(features, WORKING_ROWS, seed=seed)
    setup = Setup(working, len(working) / len(features), spec, seed, names)
    evaluations = candidates(setup, incumbent=incumbent, unusable=unusable)
    evaluate(evaluations, setup, incumbent=incumbent)
    passed = choose(evaluations, incumbent=incumbent)
    chosen = passed or _without_structure(evaluations, spec, segments)
    fitted = chosen.fitted
    if fitted is None:
        flaws = [flaw for evaluation in evaluations for flaw in evaluation.flaws]
        raise TrainingError("; ".join(dict.fromkeys([*unusable, *flaws])))
    if setup.share < 1:
        fitted = setup.algorithm.fit(features, chosen.settings, spec, start=fitted)
        chosen.flaws += [doubt for doubt in setup.algorithm.doubts(fitted, spec) if doubt not in chosen.flaws]
    jaccard = final_stability(fitted, chosen.settings, setup, known=chosen.jaccard if fitted is chosen.fitted else None)
    structure: Structure = "structured" if passed and not chosen.flaws else "none"
    finer = finer_than(passed, evaluations)
    figures = {
        **chosen.figures,
        **measure(features, fitted.labels, seed=seed),
        "min_jaccard": min(jaccard, default=1.0),
    }
    refusal = _refusal(chosen, structure, unusable, finer)
    taken = finer or chosen
    selection = Selection(
        fitted=replace(fitted, settings=chosen.settings),
        structure=structure,
        verdict=_verdict(chosen, structure, finer) + _left_out(spec, names),
        refusal=refusal,
        declaration=taken.algorithm.declaration(taken.settings) if refusal and not unusable else None,
        figures=figures,
        stability=tuple(jaccard.tolist()),
        candidates=tuple(evaluation.record(chosen=evaluation is chosen) for evaluation in evaluations),
    )
    log.info("%s", selection.verdict)
    return selection


def _without_structure(evaluations: Sequence[Evaluation], spec: ModelSpec, segments: int) -> Evaluation:
    return fall_back(evaluations, clusters=segments) if spec.when_no_structure == "divide" else best_guess(evaluations)


def _left_out(spec: ModelSpec, names: tuple[str, ...]) -> str:
    """Say which of a model's columns has no feature: a category that counts as none."""
    return "".join(
        f"; {column} counts as none, since it has nothing to do with any other feature"
        for column in spec.features
        if column not in names
    )


def _verdict(chosen: Evaluation, structure: Structure, finer: Evaluation | None) -> str:
    """Say in a sentence what was found, and what `finer` one was that the model does not declare."""
    found = f"{chosen.clusters} clusters"
    if structure == "structured":
        passed = f"{found}: stable, and more than noise shows"
        return passed + (
            f"; finer groups exist: {finer.clusters} clusters pass too, more than the model declares" if finer else ""
        )
    against = "; ".join(chosen.verdicts())
    if chosen.spec.is_declared:
        return f"no cluster structure; {found} as declared ({against})"
    if finer:
        declaration = finer.algorithm.declaration(finer.settings)
        return (
            f"no cluster structure in the range that the model declares, {found} at the most ({against}); "
            f"{finer.clusters} clusters pass: declare {declaration}, or leave the range out"
        )
    return f"no cluster structure, no candidate passed; {found} at the most ({against})"


def _refusal(chosen: Evaluation, structure: Structure, unusable: Sequence[str], finer: Evaluation | None) -> str | None:
    """Return why the fit must not be used, if so; a declared number of clusters is reported on, not overruled."""
    if unusable:
        return "; ".join(unusable)
    if structure == "structured" or chosen.spec.is_declared:
        return None
    if not chosen.flaws and chosen.spec.when_no_structure == "divide":
        return None
    if finer:
        return _verdict(chosen, structure, finer)
    declaration = chosen.algorithm.declaration(chosen.settings)
    return f"{_verdict(chosen, structure, None)}; who wants these clusters all the same declares {declaration}"
