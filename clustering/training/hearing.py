"""The committee's evidence: fits, bootstraps, splits and noise, all of them drawn by numbered seeds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from clustering.algorithms import Fitted, FloatMatrix, Settings, algorithm
from clustering.algorithms.base import FloatVector, Labels
from clustering.config import ModelSpec
from clustering.errors import TrainingError
from clustering.training.committee import LENIENCY, Hearing
from clustering.training.measures import measure
from clustering.training.null_model import (
    NOISES,
    SILHOUETTE_ROWS,
    Noise,
    excess_over_noise,
    statistics,
    statistics_of_noise,
)
from clustering.training.replicates import draw, run, seeds
from clustering.training.stability import bootstrap_jaccard, prediction_strength, weakest_cluster

REPLICATE_ROWS = {"kmeans": 5_000, "gmm": 2_000, "dbscan": 2_000}  # as many as their time allows
SPLITS, CERTIFICATES = 20, 40
BOOTSTRAPS, REFERENCES = (8, 16), (16, 34)  # the second round is for those whom the first leaves open
Result = TypeVar("Result")
FEWEST_REFERENCES = 10
FIT, BOOTSTRAP, SPLIT, REFERENCE, CERTIFICATE = range(5)  # streams of seeds


def candidates(working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int) -> list[Hearing]:
    """Fit what the algorithm proposes on working rows (n, d), a `share` of all, and say what is wrong at sight."""
    proposed = algorithm(spec.algorithm).propose(working, spec, share=share)
    hearings = run(
        _fit, [(working, settings, spec, share, seed) for settings in proposed], jobs=jobs, what="candidates fitted"
    )
    for hearing in hearings:
        _prefer_better_covariances(hearing, hearings)
    return hearings


def hear_stability(
    hearings: Sequence[Hearing], working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int
) -> None:
    """Add prediction strength, where a split can be predicted, and bootstrap Jaccard to candidates without flaws.

    Whoever is far from stable after the first bootstraps is spared the rest.
    """
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    of_all = share * len(rows) / len(working)
    sound = [hearing for hearing in hearings if _is_sound(hearing)]
    if not spec.has_noise:
        splits = _replicate(prediction_strength, sound, rows, of_all, seeds(seed, SPLITS, stream=SPLIT), jobs=jobs)
        for hearing, strengths in zip(sound, splits, strict=True):
            hearing.strength = weakest_cluster(np.concatenate(strengths))
            hearing.figures["prediction_strength"] = hearing.strength[0]
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


def hear_noise(hearings: Sequence[Hearing], working: FloatMatrix, spec: ModelSpec, *, seed: int, jobs: int) -> None:
    """Hold the candidates that are stable, and have statistics to compare, against noise.

    Whoever is far from the limit after the first references is spared the rest.
    """
    if spec.has_noise:
        return
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    one = algorithm(spec.algorithm)
    stable = [case for case in hearings if _is_sound(case) and not case.verdicts(leniency=LENIENCY)]
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


def _compare(hearing: Hearing, observed: dict[str, float], noise: Noise, of_noise: list[dict[str, float]]) -> None:
    if len(of_noise) < FEWEST_REFERENCES:
        hearing.flaws.append("there are too few different customers to tell groups from noise")
        return
    for name, value in observed.items():
        excess = excess_over_noise(value, np.array([one[name] for one in of_noise]))
        hearing.noise[name, noise] = excess
        figure = name if name == "gap" else f"{name}_over_{noise}"
        hearing.figures |= {figure: excess.value, f"{figure}_error": excess.error}


def certificate(
    fitted: Fitted, settings: Settings, working: FloatMatrix, spec: ModelSpec, *, share: float, seed: int, jobs: int
) -> FloatVector:
    """Return the mean bootstrap Jaccard (k,) of the clusters of a fit with `settings`, for all customers."""
    rows = draw(working, REPLICATE_ROWS[spec.algorithm], seed=seed)
    scaled = algorithm(spec.algorithm).for_share(settings, share * len(rows) / len(working))
    labels = algorithm(spec.algorithm).assigner(fitted.parameters)(rows).labels
    clusters = int(fitted.labels.max()) + 1
    tasks = [(rows, labels, clusters, scaled, spec, one) for one in seeds(seed, CERTIFICATES, stream=CERTIFICATE)]
    jaccard: FloatVector = np.mean(run(bootstrap_jaccard, tasks, jobs=jobs, what="certificate"), axis=0)
    return jaccard


def _fit(working: FloatMatrix, settings: Settings, spec: ModelSpec, share: float, seed: int) -> Hearing:
    hearing = Hearing(settings, spec)
    one = algorithm(spec.algorithm)
    try:
        hearing.fitted = one.fit(working, one.for_share(settings, share), spec)
    except TrainingError as error:
        hearing.flaws.append(str(error))
        return hearing
    hearing.figures |= measure(working, hearing.fitted.labels, seed=seed, most_rows=SILHOUETTE_ROWS)
    if spec.algorithm == "gmm":
        hearing.figures["bic"] = float(hearing.fitted.estimator.bic(working))
    hearing.flaws += one.doubts(hearing.fitted, spec)
    return hearing


def _prefer_better_covariances(hearing: Hearing, hearings: Sequence[Hearing]) -> None:
    """Remark on a mixture that another covariance type beats at the same number of components."""
    if "bic" not in hearing.figures or hearing.flaws:
        return
    same = [one for one in hearings if one.clusters == hearing.clusters and not one.flaws]
    best = min(same, key=lambda one: one.figures["bic"])
    if best is not hearing:
        hearing.flaws.append(
            f"BIC {hearing.figures['bic']:.1f}, where {best.settings['covariance_type']} covariances have "
            f"{best.figures['bic']:.1f}"
        )


def _is_sound(hearing: Hearing) -> bool:
    return hearing.fitted is not None and not hearing.flaws


def _replicate(
    task: Callable[..., Result],
    hearings: Sequence[Hearing],
    rows: FloatMatrix,
    share: float,
    numbers: Sequence[int],
    *,
    jobs: int,
) -> list[list[Result]]:
    """Run a task of `stability` on each candidate with each of the seeds; a list for each candidate."""
    tasks = [(*_case(hearing, rows, share), number) for hearing in hearings for number in numbers]
    results = iter(run(task, tasks, jobs=jobs, what=task.__name__.replace("_", " ")))
    return [[next(results) for _ in numbers] for _ in hearings]


def _case(hearing: Hearing, rows: FloatMatrix, share: float) -> tuple[FloatMatrix, Labels, int, Settings, ModelSpec]:
    one = algorithm(hearing.spec.algorithm)
    labels = one.assigner(hearing.fitted.parameters)(rows).labels if hearing.fitted else np.zeros(0, dtype=np.int32)
    return rows, labels, hearing.clusters, one.for_share(hearing.settings, share), hearing.spec
