"""What the criteria judge by: fits, splits, bootstraps and noise, all of them drawn by numbered seeds.

Candidates are evaluated in the order in which they would be chosen, and each only until it is certain what a criterion
says of it.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

import numpy as np

from clustering.algorithms import Fitted, Settings
from clustering.algorithms.base import GAP, FloatMatrix, FloatVector, Noise, Tried
from clustering.errors import TrainingError
from clustering.training.criteria import LENIENCY, Evaluation, best_of, might_overrule
from clustering.training.measures import measure
from clustering.training.null_model import NOISES, excess_over_noise
from clustering.training.setup import Setup
from clustering.training.stability import (
    bootstrap_jaccard,
    mean_over_customers,
    prediction_strength,
    weakest_cluster,
)

log = logging.getLogger(__name__)

SILHOUETTE_ROWS = 1_000  # of a candidate
SPLITS, BOOTSTRAPS, REFERENCES = (6, 14), (8, 16), (12, 38)  # the second round is for those whom the first leaves open
FINAL_BOOTSTRAPS = sum(BOOTSTRAPS)  # those of groups in noise, which are judged at once, are the last ones too
FEWEST_REFERENCES = 10
BOOTSTRAP, SPLIT, REFERENCE, FINAL_BOOTSTRAP = range(1, 5)  # streams of seeds


def candidates(setup: Setup, *, incumbent: Settings | None = None, unusable: Sequence[str] = ()) -> list[Evaluation]:
    """Fit what the algorithm proposes on the working rows, and say what is wrong at sight.

    Of what is proposed best first, the first one is enough until it is judged; of customers who are `unusable`, for
    these reasons, one fit is enough to show. The champion's own settings, `incumbent`, are tried too where the model
    allows them and other samples propose others.
    """
    proposed = setup.algorithm.propose(setup.working, setup.spec, share=setup.share)
    evaluations = [_evaluation(settings, setup) for settings in (proposed[:1] if unusable else proposed)]
    if incumbent is not None and not unusable:
        evaluations += _own(incumbent, evaluations, setup)
    in_doubt = setup.algorithm.values_for_groups(setup.working, setup.columns)
    for evaluation in evaluations[:1] if setup.algorithm.proposes_best_first else evaluations:
        _fit(evaluation, setup)
        evaluation.flaws += unusable
    if not unusable:
        _go_further(evaluations, setup)
    for evaluation in evaluations:
        evaluation.doubts += in_doubt
    for evaluation, flaws in [(one, _outdone(one, evaluations)) for one in evaluations]:
        evaluation.flaws += flaws
    fitted = [one for one in evaluations if one.is_fitted]
    log.info("%s candidates fitted, %s without flaws", len(fitted), sum(map(_is_sound, fitted)))
    return evaluations


def evaluate(evaluations: Sequence[Evaluation], setup: Setup, *, incumbent: Settings | None) -> None:
    """Judge the candidates without flaws until those that are left cannot be chosen; the champion's own always."""
    in_doubt = any(one.doubts for one in evaluations)
    in_order = [] if in_doubt else sorted(evaluations, key=lambda one: one.rank, reverse=True)
    for one in [one for one in in_order if one.is_declared]:
        if one.flaws:
            continue
        best = best_of(evaluations)
        if best is not None and not one.has(incumbent) and not _might_overrule(one, best, setup):
            one.remarks.append(f"not evaluated: {best.clusters} clusters passed, and are preferred")
            continue
        if not one.is_fitted:
            _fit(one, setup)
        if not one.flaws:
            _judge(one, setup, evaluations)
        log.info("%s: %s", dict(one.settings), "; ".join(one.verdicts()) or "passes")
    _evaluate_beyond([one for one in in_order if not one.is_declared], setup, evaluations)


def _evaluate_beyond(in_order: Sequence[Evaluation], setup: Setup, evaluations: Sequence[Evaluation]) -> None:
    """Judge what has more clusters than the model allows until one passes, so that it can be told."""
    for one in in_order:
        one.remarks.append("not taken: the model declares fewer clusters")
        if not one.flaws and not any(other.has_passed for other in in_order):
            _judge(one, setup, evaluations)


def final_stability(
    fitted: Fitted, settings: Settings, setup: Setup, *, known: FloatMatrix | None = None
) -> FloatVector:
    """Return the mean bootstrap Jaccard (k,) of the clusters of a fit with `settings`, for all customers.

    `known` (b, k) are bootstraps that the same fit has already had.
    """
    found = [] if known is None else [known]
    if missing := setup.seeds(FINAL_BOOTSTRAPS, stream=FINAL_BOOTSTRAP)[sum(map(len, found)) :]:
        found.append(bootstrap_jaccard(setup.clusters(fitted, settings), missing))
    jaccard: FloatVector = np.concatenate(found).mean(axis=0)
    return jaccard


def _own(incumbent: Settings, evaluations: Sequence[Evaluation], setup: Setup) -> list[Evaluation]:
    if not setup.algorithm.proposes_by_sample or any(one.has(incumbent) for one in evaluations):
        return []
    own = _evaluation(incumbent, setup)
    return [own] if own.is_declared else []


def _evaluation(settings: Settings, setup: Setup) -> Evaluation:
    is_declared = setup.algorithm.is_declared(settings, setup.spec)
    return Evaluation(settings, setup.spec, is_declared=is_declared)


def _go_further(evaluations: list[Evaluation], setup: Setup) -> None:
    """Fit what the algorithm asks for in the light of the figures so far, until it asks for nothing new."""
    while True:
        sound = [Tried(one.settings, one.figures) for one in evaluations if _is_sound(one)]
        wanted = setup.algorithm.further(sound, setup.spec)
        new = [_evaluation(settings, setup) for settings in wanted if not any(one.has(settings) for one in evaluations)]
        if not new:
            return
        for evaluation in new:
            _fit(evaluation, setup)
        evaluations += new


def _fit(evaluation: Evaluation, setup: Setup) -> None:
    one = setup.algorithm
    try:
        evaluation.fitted = one.fit(setup.working, one.for_share(evaluation.settings, setup.share), setup.spec)
    except TrainingError as error:
        evaluation.flaws.append(str(error))
        return
    labels = evaluation.fitted.labels
    evaluation.figures |= measure(setup.working, labels, seed=setup.seed, most_rows=SILHOUETTE_ROWS)
    evaluation.figures |= one.figures(evaluation.fitted, setup.working)
    evaluation.flaws += one.doubts(evaluation.fitted, setup.spec)


def _outdone(evaluation: Evaluation, evaluations: Sequence[Evaluation]) -> list[str]:
    """Return why another candidate with as many clusters makes this one superfluous; both are without flaws."""
    if not _is_sound(evaluation):
        return []
    own = Tried(evaluation.settings, evaluation.figures)
    rivals = [one for one in evaluations if _is_sound(one) and one.clusters == evaluation.clusters]
    tried = [own if one is evaluation else Tried(one.settings, one.figures) for one in rivals]
    return evaluation.algorithm.outdone(own, tried)


def _is_sound(evaluation: Evaluation) -> bool:
    return evaluation.fitted is not None and not evaluation.flaws


def _might_overrule(one: Evaluation, best: Evaluation, setup: Setup) -> bool:
    """Whether a candidate is plainer, or with fewer clusters could show that the best so far cut a group in two."""
    if one.algorithm.is_plainer(one.settings, best.settings):
        return True
    if (GAP, "unimodal") not in one.algorithm.least_errors:
        return False
    _compare(one, setup, rounds=REFERENCES[:1])
    return might_overrule(one, best)


def _judge(evaluation: Evaluation, setup: Setup, evaluations: Sequence[Evaluation]) -> None:
    """Ask of clusters that noise surrounds first what costs least, and no further where that speaks against them."""
    evaluation.is_judged = True
    if not setup.spec.has_noise:
        _split(evaluation, setup)
        _bootstrap(evaluation, setup)
        if not evaluation.verdicts(leniency=LENIENCY):
            _compare(evaluation, setup, rounds=REFERENCES)
        return
    if not setup.algorithm.shows_groups(setup.working, evaluation.known_fit, setup.spec):
        compared = [one for one in evaluations if one.noise and not setup.algorithm.compares_settings]
        if compared:
            evaluation.add_noise(compared[0].noise)
        else:
            _compare(evaluation, setup, rounds=REFERENCES)
    if not evaluation.verdicts(leniency=LENIENCY):
        _bootstrap(evaluation, setup)


def _split(evaluation: Evaluation, setup: Setup) -> None:
    clusters = setup.clusters(evaluation.known_fit, evaluation.settings)
    found = []
    for numbers in _rounds(setup, SPLITS, SPLIT):
        found.append(prediction_strength(clusters, numbers))
        evaluation.strength = weakest_cluster(np.concatenate(found))
        evaluation.figures |= {
            "prediction_strength": evaluation.strength[0],
            "prediction_strength_error": evaluation.strength[1],
        }
        if evaluation.is_strength_certain:
            return


def _bootstrap(evaluation: Evaluation, setup: Setup) -> None:
    clusters = setup.clusters(evaluation.known_fit, evaluation.settings)
    found = []
    for numbers in _rounds(setup, [sum(BOOTSTRAPS)] if setup.spec.has_noise else BOOTSTRAPS, BOOTSTRAP):
        found.append(bootstrap_jaccard(clusters, numbers))
        evaluation.jaccard = np.concatenate(found)
        means = evaluation.jaccard.mean(axis=0)
        evaluation.figures["min_jaccard"] = float(means.min(initial=1.0))
        if setup.spec.has_noise:
            evaluation.figures["mean_jaccard"] = mean_over_customers(means, evaluation.known_fit.labels)
        if evaluation.is_jaccard_certain:
            return


def _compare(evaluation: Evaluation, setup: Setup, *, rounds: Sequence[int]) -> None:
    """Compare with noise, whose references and the customers themselves are fitted alike."""
    one, settings, rows = setup.algorithm, evaluation.settings, setup.replicate_rows
    noises = [noise for noise in NOISES if noise in {against for _, against in one.least_errors}]
    if not noises:
        return
    observed = one.statistics_of(rows[np.newaxis], settings, setup.spec, seeds=setup.seeds(1, stream=REFERENCE))
    found: dict[tuple[str, Noise], list[FloatVector]] = {test: [] for test in one.least_errors if test[0] in observed}
    for numbers in _rounds(setup, rounds, REFERENCE):
        for noise in noises:
            drawn = setup.noise(noise, tuple(numbers))
            of_noise = one.statistics_of(drawn, settings, setup.spec, seeds=numbers)
            for name, against in found:
                if against == noise:
                    found[name, against].append(of_noise[name])
        if not _add_excess(evaluation, {name: float(value[0]) for name, value in observed.items()}, found):
            return


def _add_excess(
    evaluation: Evaluation, observed: dict[str, float], found: dict[tuple[str, Noise], list[FloatVector]]
) -> bool:
    """Add by how much the candidate beats noise; return whether more references might change what that says."""
    for (name, noise), values in found.items():
        of_noise = np.concatenate(values)
        of_noise = of_noise[~np.isnan(of_noise)]
        if len(of_noise) < FEWEST_REFERENCES or np.isnan(observed[name]):
            evaluation.flaws.append("there are too few different customers to tell groups from noise")
            return False
        evaluation.add_noise({(name, noise): excess_over_noise(observed[name], of_noise)})
    return not evaluation.is_noise_certain


def _rounds(setup: Setup, counts: Sequence[int], stream: int) -> Iterator[list[int]]:
    """Yield the seeds of each round."""
    numbers = setup.seeds(sum(counts), stream=stream)
    for end, count in zip(np.cumsum(counts).tolist(), counts, strict=True):
        yield numbers[end - count : end]
