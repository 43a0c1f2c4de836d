"""What the criteria judge by: fits, bootstraps, splits and noise, all of them drawn by numbered seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from clustering.algorithms import Fitted, FloatMatrix, Settings
from clustering.algorithms.base import GAP, FloatVector, Labels, Noise, Tried
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.criteria import LENIENCY, Evaluation
from clustering.training.measures import measure
from clustering.training.null_model import NOISES, excess_over_noise, statistics_of_noise
from clustering.training.setup import Setup
from clustering.training.stability import bootstrap_jaccard, prediction_strength, weakest_cluster

SILHOUETTE_ROWS = 1_000  # of a candidate
SPLITS, FINAL_BOOTSTRAPS = 20, 40
BOOTSTRAPS, REFERENCES = (8, 16), (16, 34)  # the second round is for those whom the first leaves open
Result = TypeVar("Result")
FEWEST_REFERENCES = 10
FIT, BOOTSTRAP, SPLIT, REFERENCE, FINAL_BOOTSTRAP = range(5)  # streams of seeds


def candidates(setup: Setup) -> list[Evaluation]:
    """Fit what the algorithm proposes on the working rows, and say what is wrong at sight."""
    proposed = setup.algorithm.propose(setup.working, setup.spec, share=setup.share)
    tasks = [(setup.working, settings, setup.spec, setup.share, setup.seed) for settings in proposed]
    evaluations = setup.run(_fit, tasks, what="candidates fitted")
    for evaluation, flaws in [(one, _outdone(one, evaluations)) for one in evaluations]:
        evaluation.flaws += flaws
    return evaluations


def evaluate_stability(evaluations: Sequence[Evaluation], setup: Setup) -> None:
    """Add prediction strength, where a split can be predicted, and bootstrap Jaccard to candidates without flaws.

    Whoever is far from stable after the first bootstraps is spared the rest.
    """
    sound = [evaluation for evaluation in evaluations if _is_sound(evaluation)]
    if not setup.spec.has_noise:
        splits = _replicate(prediction_strength, sound, setup, setup.seeds(SPLITS, stream=SPLIT))
        for evaluation, strengths in zip(sound, splits, strict=True):
            evaluation.strength = weakest_cluster(np.concatenate(strengths))
            evaluation.figures["prediction_strength"] = evaluation.strength[0]
    drawn = setup.seeds(sum(BOOTSTRAPS), stream=BOOTSTRAP)
    found: list[list[FloatVector]] = [[] for _ in sound]
    for first, count in zip((0, BOOTSTRAPS[0]), BOOTSTRAPS, strict=True):
        open_cases = [place for place, one in enumerate(sound) if not one.is_hopeless]
        cases = [sound[place] for place in open_cases]
        more = _replicate(bootstrap_jaccard, cases, setup, drawn[first : first + count])
        for place, similarities in zip(open_cases, more, strict=True):
            found[place] += similarities
            jaccard: FloatVector = np.mean(found[place], axis=0)
            sound[place].jaccard = jaccard
            sound[place].figures["min_jaccard"] = float(jaccard.min(initial=1.0))


def compare_with_noise(evaluations: Sequence[Evaluation], setup: Setup) -> None:
    """Hold the candidates that are stable, and have statistics to compare, against noise.

    Whoever is far from the limit after the first references is spared the rest.
    """
    one, spec = setup.algorithm, setup.spec
    noises = [noise for noise in NOISES if noise in {against for _, against in one.least_errors}]
    if not noises:
        return
    rows = setup.replicate_rows()
    stable = [case for case in evaluations if _is_sound(case) and not case.verdicts(leniency=LENIENCY)]
    fits = [one.fit(rows, case.settings, spec, start=case.fitted) for case in stable]
    drawn = setup.seeds(sum(REFERENCES), stream=REFERENCE)
    found: dict[tuple[int, Noise], list[dict[str, float]]] = {}
    for first, count in zip((0, REFERENCES[0]), REFERENCES, strict=True):
        cases = [(place, noise) for place, case in enumerate(stable) if not case.is_settled for noise in noises]
        tasks = [
            (rows, stable[place].settings, spec, noise, number)
            for place, noise in cases
            for number in drawn[first : first + count]
        ]
        results = iter(setup.run(statistics_of_noise, tasks, what="references"))
        for place, noise in cases:
            found.setdefault((place, noise), []).extend(each for each in (next(results) for _ in range(count)) if each)
            _compare(stable[place], one.statistics(rows, fits[place], noise), noise, found[place, noise])


def _compare(
    evaluation: Evaluation, observed: dict[str, float], noise: Noise, of_noise: list[dict[str, float]]
) -> None:
    if len(of_noise) < FEWEST_REFERENCES:
        evaluation.flaws.append("there are too few different customers to tell groups from noise")
        return
    for name, value in observed.items():
        excess = excess_over_noise(value, np.array([one[name] for one in of_noise]))
        evaluation.noise[name, noise] = excess
        figure = name if name == GAP else f"{name}_over_{noise}"
        evaluation.figures |= {figure: excess.value, f"{figure}_error": excess.error}


def final_stability(fitted: Fitted, settings: Settings, setup: Setup) -> FloatVector:
    """Return the mean bootstrap Jaccard (k,) of the clusters of a fit with `settings`, for all customers."""
    rows = setup.replicate_rows()
    scaled = setup.algorithm.for_share(settings, setup.share_of(rows))
    labels = setup.algorithm.assigner(fitted.parameters)(rows).labels
    clusters = int(fitted.labels.max()) + 1
    numbers = setup.seeds(FINAL_BOOTSTRAPS, stream=FINAL_BOOTSTRAP)
    tasks = [(rows, labels, clusters, scaled, setup.spec, number) for number in numbers]
    jaccard: FloatVector = np.mean(setup.run(bootstrap_jaccard, tasks, what="final stability"), axis=0)
    return jaccard


def _fit(working: FloatMatrix, settings: Settings, spec: ModelSpec, share: float, seed: int) -> Evaluation:
    evaluation = Evaluation(settings, spec)
    one = evaluation.algorithm
    try:
        evaluation.fitted = one.fit(working, one.for_share(settings, share), spec)
    except TrainingError as error:
        evaluation.flaws.append(str(error))
        return evaluation
    evaluation.figures |= measure(working, evaluation.fitted.labels, seed=seed, most_rows=SILHOUETTE_ROWS)
    evaluation.figures |= one.figures(evaluation.fitted, working)
    evaluation.flaws += one.doubts(evaluation.fitted, spec)
    return evaluation


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


def _replicate(
    task: Callable[..., Result], evaluations: Sequence[Evaluation], setup: Setup, numbers: Sequence[int]
) -> list[list[Result]]:
    """Run a task of `stability` on each candidate with each of the seeds; a list for each candidate."""
    rows = setup.replicate_rows()
    tasks = [
        (*_case(evaluation, rows, setup.share_of(rows)), number) for evaluation in evaluations for number in numbers
    ]
    results = iter(setup.run(task, tasks, what=task.__name__.replace("_", " ")))
    return [[next(results) for _ in numbers] for _ in evaluations]


def _case(
    evaluation: Evaluation, rows: FloatMatrix, share: float
) -> tuple[FloatMatrix, Labels, int, Settings, ModelSpec]:
    one = evaluation.algorithm
    labels = (
        one.assigner(evaluation.fitted.parameters)(rows).labels if evaluation.fitted else np.zeros(0, dtype=np.int32)
    )
    return rows, labels, evaluation.clusters, one.for_share(evaluation.settings, share), evaluation.spec
