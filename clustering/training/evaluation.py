"""What the criteria judge by: fits, bootstraps, splits and noise, all of them drawn by numbered seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from clustering.algorithms import Fitted, FloatMatrix, Settings, algorithm
from clustering.algorithms.base import FloatVector, Labels
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.criteria import LENIENCY, Evaluation
from clustering.training.measures import measure
from clustering.training.null_model import (
    NOISES,
    SILHOUETTE_ROWS,
    Noise,
    excess_over_noise,
    statistics,
    statistics_of_noise,
)
from clustering.training.parallel import run
from clustering.training.resampling import draw, seeds
from clustering.training.stability import bootstrap_jaccard, prediction_strength, weakest_cluster

REPLICATE_ROWS = {"kmeans": 5_000, "gmm": 2_000, "dbscan": 2_000}  # as many as their time allows
SPLITS, FINAL_BOOTSTRAPS = 20, 40
BOOTSTRAPS, REFERENCES = (8, 16), (16, 34)  # the second round is for those whom the first leaves open
Result = TypeVar("Result")
FEWEST_REFERENCES = 10
FIT, BOOTSTRAP, SPLIT, REFERENCE, FINAL_BOOTSTRAP = range(5)  # streams of seeds


def candidates(working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int) -> list[Evaluation]:
    """Fit what the algorithm proposes on working rows (n, d), a `share` of all, and say what is wrong at sight."""
    proposed = algorithm(spec.algorithm).propose(working, spec, share=share)
    evaluations = run(
        _fit, [(working, settings, spec, share, seed) for settings in proposed], jobs=jobs, what="candidates fitted"
    )
    for evaluation in evaluations:
        _prefer_better_covariances(evaluation, evaluations)
    return evaluations


def evaluate_stability(
    evaluations: Sequence[Evaluation], working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int
) -> None:
    """Add prediction strength, where a split can be predicted, and bootstrap Jaccard to candidates without flaws.

    Whoever is far from stable after the first bootstraps is spared the rest.
    """
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    of_all = share * len(rows) / len(working)
    sound = [evaluation for evaluation in evaluations if _is_sound(evaluation)]
    if not spec.has_noise:
        splits = _replicate(prediction_strength, sound, rows, of_all, seeds(seed, SPLITS, stream=SPLIT), jobs=jobs)
        for evaluation, strengths in zip(sound, splits, strict=True):
            evaluation.strength = weakest_cluster(np.concatenate(strengths))
            evaluation.figures["prediction_strength"] = evaluation.strength[0]
    drawn = seeds(seed, sum(BOOTSTRAPS), stream=BOOTSTRAP)
    found: list[list[FloatVector]] = [[] for _ in sound]
    for first, count in zip((0, BOOTSTRAPS[0]), BOOTSTRAPS, strict=True):
        open_cases = [place for place, one in enumerate(sound) if not one.is_hopeless]
        cases = [sound[place] for place in open_cases]
        more = _replicate(bootstrap_jaccard, cases, rows, of_all, drawn[first : first + count], jobs=jobs)
        for place, similarities in zip(open_cases, more, strict=True):
            found[place] += similarities
            jaccard: FloatVector = np.mean(found[place], axis=0)
            sound[place].jaccard = jaccard
            sound[place].figures["min_jaccard"] = float(jaccard.min(initial=1.0))


def compare_with_noise(
    evaluations: Sequence[Evaluation], working: FloatMatrix, spec: ModelSpec, *, seed: int, jobs: int
) -> None:
    """Hold the candidates that are stable, and have statistics to compare, against noise.

    Whoever is far from the limit after the first references is spared the rest.
    """
    if spec.has_noise:
        return
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    one = algorithm(spec.algorithm)
    stable = [case for case in evaluations if _is_sound(case) and not case.verdicts(leniency=LENIENCY)]
    fits = [one.fit(rows, case.settings, spec, start=case.fitted) for case in stable]
    drawn = seeds(seed, sum(REFERENCES), stream=REFERENCE)
    found: dict[tuple[int, Noise], list[dict[str, float]]] = {}
    for first, count in zip((0, REFERENCES[0]), REFERENCES, strict=True):
        cases = [(place, noise) for place, case in enumerate(stable) if not case.is_settled for noise in NOISES]
        tasks = [
            (rows, stable[place].settings, spec, noise, number)
            for place, noise in cases
            for number in drawn[first : first + count]
        ]
        results = iter(run(statistics_of_noise, tasks, jobs=jobs, what="references"))
        for place, noise in cases:
            found.setdefault((place, noise), []).extend(one for one in (next(results) for _ in range(count)) if one)
            _compare(stable[place], statistics(rows, fits[place], spec, noise), noise, found[place, noise])


def _compare(
    evaluation: Evaluation, observed: dict[str, float], noise: Noise, of_noise: list[dict[str, float]]
) -> None:
    if len(of_noise) < FEWEST_REFERENCES:
        evaluation.flaws.append("there are too few different customers to tell groups from noise")
        return
    for name, value in observed.items():
        excess = excess_over_noise(value, np.array([one[name] for one in of_noise]))
        evaluation.noise[name, noise] = excess
        figure = name if name == "gap" else f"{name}_over_{noise}"
        evaluation.figures |= {figure: excess.value, f"{figure}_error": excess.error}


def final_stability(
    fitted: Fitted, settings: Settings, working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int
) -> FloatVector:
    """Return the mean bootstrap Jaccard (k,) of the clusters of a fit with `settings`, for all customers."""
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    scaled = algorithm(spec.algorithm).for_share(settings, share * len(rows) / len(working))
    labels = algorithm(spec.algorithm).assigner(fitted.parameters)(rows).labels
    clusters = int(fitted.labels.max()) + 1
    tasks = [
        (rows, labels, clusters, scaled, spec, one) for one in seeds(seed, FINAL_BOOTSTRAPS, stream=FINAL_BOOTSTRAP)
    ]
    jaccard: FloatVector = np.mean(run(bootstrap_jaccard, tasks, jobs=jobs, what="final stability"), axis=0)
    return jaccard


def _fit(working: FloatMatrix, settings: Settings, spec: ModelSpec, share: float, seed: int) -> Evaluation:
    evaluation = Evaluation(settings, spec)
    one = algorithm(spec.algorithm)
    try:
        evaluation.fitted = one.fit(working, one.for_share(settings, share), spec)
    except TrainingError as error:
        evaluation.flaws.append(str(error))
        return evaluation
    evaluation.figures |= measure(working, evaluation.fitted.labels, seed=seed, most_rows=SILHOUETTE_ROWS)
    if spec.algorithm == "gmm":
        evaluation.figures["bic"] = float(evaluation.fitted.estimator.bic(working))
    evaluation.flaws += one.doubts(evaluation.fitted, spec)
    return evaluation


def _prefer_better_covariances(evaluation: Evaluation, evaluations: Sequence[Evaluation]) -> None:
    """Remark on a mixture that another covariance type beats at the same number of components."""
    if "bic" not in evaluation.figures or evaluation.flaws:
        return
    same = [one for one in evaluations if one.clusters == evaluation.clusters and not one.flaws]
    best = min(same, key=lambda one: one.figures["bic"])
    if best is not evaluation:
        evaluation.flaws.append(
            f"BIC {evaluation.figures['bic']:.1f}, where {best.settings['covariance_type']} covariances have "
            f"{best.figures['bic']:.1f}"
        )


def _is_sound(evaluation: Evaluation) -> bool:
    return evaluation.fitted is not None and not evaluation.flaws


def _replicate(
    task: Callable[..., Result],
    evaluations: Sequence[Evaluation],
    rows: FloatMatrix,
    share: float,
    numbers: Sequence[int],
    *,
    jobs: int,
) -> list[list[Result]]:
    """Run a task of `stability` on each candidate with each of the seeds; a list for each candidate."""
    tasks = [(*_case(evaluation, rows, share), number) for evaluation in evaluations for number in numbers]
    results = iter(run(task, tasks, jobs=jobs, what=task.__name__.replace("_", " ")))
    return [[next(results) for _ in numbers] for _ in evaluations]


def _case(
    evaluation: Evaluation, rows: FloatMatrix, share: float
) -> tuple[FloatMatrix, Labels, int, Settings, ModelSpec]:
    one = algorithm(evaluation.spec.algorithm)
    labels = (
        one.assigner(evaluation.fitted.parameters)(rows).labels if evaluation.fitted else np.zeros(0, dtype=np.int32)
    )
    return rows, labels, evaluation.clusters, one.for_share(evaluation.settings, share), evaluation.spec
