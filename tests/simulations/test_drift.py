"""How often nights without drift raise an alarm, over all checks of three models, and which drift is found.

Everything but the reading and keeping of rows is what a night does: fitting, reference, measuring, checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from clustering.algorithms import algorithm
from clustering.algorithms.base import Assigner, Assignment
from clustering.config import Drift, load_configuration
from clustering.drift.checks import DriftCheck, ModelNight, check_nights
from clustering.drift.measurements import NightMeasure
from clustering.drift.reference import Reference, reference_of
from tests.paths import CONFIGURATION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

Matrix = NDArray[np.float64]

COLUMNS = ("annual_income", "spending_score")
CENTRES = np.array([[1.3, 1.3], [0.0, 0.0], [-1.2, -1.2], [1.4, -1.4], [-1.2, 1.2]])
SPREADS = np.array([[0.35, 0.23], [0.27, 0.21], [0.23, 0.25], [0.37, 0.23], [0.23, 0.25]])
SHARES = np.array([0.195, 0.405, 0.115, 0.175, 0.11])
REJECTED = 0.02
BATCH = 100_000
MOST_TRAINED = {"kmeans": 200_000, "gmm": 200_000, "dbscan": 20_000}
DRIFT = Drift()


def groups(rows: int, random: np.random.Generator) -> Matrix:
    """Return customers in five groups."""
    group = random.choice(len(SHARES), size=rows, p=SHARES)
    return np.asarray(CENTRES[group] + random.normal(size=(rows, 2)) * SPREADS[group])


def continuum(rows: int, random: np.random.Generator) -> Matrix:
    """Return customers without groups."""
    return random.normal(size=(rows, 2))


def settings(model: str, rows: int) -> dict[str, Any]:
    """Return settings that suit so many training customers."""
    if model == "dbscan":
        return {"eps": 0.45 if rows < 1_000 else 0.2, "min_samples": max(4, rows // 200)}
    return {"n_clusters": 5} if model == "kmeans" else {"n_components": 5, "covariance_type": "full"}


@dataclass(frozen=True)
class Champion:
    """A version fitted to a sample."""

    model: str
    assign: Assigner
    reference: Reference

    @classmethod
    def of(cls, model: str, sample: Matrix, random: np.random.Generator) -> Champion:
        spec = load_configuration(CONFIGURATION).models[model]
        if model == "gmm":
            spec = spec.model_copy(update={"n_init": 2})
        fitted = algorithm(spec.algorithm).fit(sample, settings(model, len(sample)), spec)
        assign = algorithm(spec.algorithm).assigner(fitted.parameters)
        reference = reference_of(
            sample,
            assign(sample),
            columns=COLUMNS,
            customers=pa.record_batch({"age": pa.nulls(len(sample), pa.int64())}),
            optional=("age",),
            rejected=int(random.binomial(len(sample), REJECTED)),
            with_confidence=not spec.has_noise,
        )
        return cls(model, assign, reference)

    def night(self, customers: Matrix, *, rejected: int) -> ModelNight:
        """Label customers batch by batch, and return what is known of the night."""
        measure = NightMeasure(self.reference, COLUMNS)
        clusters: dict[int, int] = dict.fromkeys(self.reference.clusters, 0)
        for start in range(0, len(customers), BATCH):
            batch = customers[start : start + BATCH]
            assigned: Assignment = self.assign(batch)
            measure.add(batch, assigned)
            for label, count in zip(*np.unique(assigned.labels, return_counts=True), strict=True):
                clusters[int(label)] = clusters.get(int(label), 0) + int(count)
        return ModelNight(
            model=self.model,
            model_version_id=1,
            reference=self.reference,
            structured=True,
            segments={label: (label + 1, f"cluster {label}") for label in clusters},
            rejected=rejected,
            customers=len(customers),
            missing={"age": len(customers)},
            clusters=clusters,
            measures=measure.to_json(),
            describe_bin=lambda name, place: f"{name} bin {place}",
        )


def train(population: Matrix, random: np.random.Generator) -> list[Champion]:
    """Return a champion of each algorithm, trained on as many of the customers as it would take."""
    return [Champion.of(model, population[:most], random) for model, most in MOST_TRAINED.items()]


def check(champions: list[Champion], customers: Matrix, random: np.random.Generator) -> list[DriftCheck]:
    """Return the checks of one night of all models."""
    rejected = int(random.binomial(len(customers), REJECTED))
    nights = [champion.night(customers, rejected=rejected) for champion in champions]
    return check_nights(nights, false_alarms=DRIFT.false_alarms, min_effect=DRIFT.min_effect)


World = Callable[[int, np.random.Generator], Matrix]
SIZES = [(200, 20, 10), (20_000, 4, 10), pytest.param(1_000_000, 2, 5, marks=pytest.mark.soak)]


@pytest.mark.parametrize("world", [groups, continuum])
@pytest.mark.parametrize("fresh", [True, False], ids=["other customers", "same customers"])
@pytest.mark.parametrize(("rows", "trainings", "nights"), SIZES, ids=lambda size: f"{size}")
def test_nights_without_drift_are_quiet(
    rows: int, trainings: int, nights: int, fresh: bool, world: World, record_property: Any
) -> None:
    """Fewer than one night in twenty has any alarm, over some forty checks, with other customers or the same ones."""
    random = np.random.default_rng(rows)
    loud, checks = 0, 0
    for _ in range(trainings):
        population = world(rows, random)
        champions = train(population, random)
        for _ in range(nights):
            tonight = world(rows, random) if fresh else population + random.normal(size=population.shape) * 0.02
            found = check(champions, tonight, random)
            checks = len(found)
            loud += any(one.alarm for one in found)
    told = f"{loud} of {trainings * nights} nights with an alarm, {checks} checks a night"
    record_property("drift", told)
    print(told)
    assert loud < 0.05 * trainings * nights


@pytest.mark.parametrize("world", [groups, continuum])
def test_shift_of_three_tenths_is_found_every_night(world: World) -> None:
    """One feature moves by 0.3 standard deviations at 20,000 customers: every model's inputs alarm, each night."""
    random = np.random.default_rng(3)
    population = world(20_000, random)
    champions = train(population, random)
    shift = np.array([0.3 * population[:, 0].std(), 0.0])
    for tonight in (population, *(world(20_000, random) for _ in range(5))):
        found = check(champions, tonight + shift, random)
        subjects = {(one.comparison.night.model, one.comparison.subject) for one in found if one.alarm}
        assert {(model, "annual_income") for model in MOST_TRAINED} <= subjects
        assert not {(model, "spending_score") for model in MOST_TRAINED} & subjects


def test_groups_that_change_their_size_are_found() -> None:
    """A group that loses a third of its customers to another one is an alarm of its share."""
    random = np.random.default_rng(4)
    champions = train(groups(20_000, random), random)
    tonight = groups(20_000, random)
    near = ((tonight - CENTRES[0]) ** 2).sum(axis=1) < 0.8
    moved = near & (random.random(len(tonight)) < 1 / 3)
    tonight[moved] += CENTRES[3] - CENTRES[0]
    layers = {one.comparison.layer for one in check(champions, tonight, random) if one.alarm}
    assert "assignments" in layers


def test_loss_of_structure_is_found() -> None:
    """The features keep their distributions but are shuffled: only the groups are lost."""
    random = np.random.default_rng(5)
    champions = train(groups(20_000, random), random)
    tonight = groups(20_000, random)
    tonight[:, 1] = random.permutation(tonight[:, 1])
    found = check(champions, tonight, random)
    assert not any(one.alarm for one in found if one.comparison.layer == "inputs")
    alarmed = {one.comparison.night.model for one in found if one.alarm and one.comparison.layer == "structure"}
    assert alarmed == set(MOST_TRAINED)
