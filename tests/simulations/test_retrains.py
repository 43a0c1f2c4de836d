"""Months of weekly retraining on customers who drift, and what happens when their groups really change.

Everything but the reading of the sample is the real thing: criteria, comparison, gate, registry, artifacts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score

from clustering.algorithms import algorithm
from clustering.config import Configuration
from clustering.training.build import build
from clustering.training.comparison import meet, segment_ids
from clustering.training.promotion import gate
from clustering.versions.metrics import Comparison
from clustering.versions.registry import Registry, Version
from clustering.warehouse import Warehouse

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

WEEKS = [5, pytest.param(26, marks=pytest.mark.soak)]
CUSTOMERS = 20_000
MALL = ((86_500, 82), (55_000, 49.5), (26_000, 21), (88_000, 17), (26_000, 79))
SHARES = (0.195, 0.405, 0.115, 0.175, 0.11)
SPREADS = ((8_500, 5.5), (6_500, 5), (5_500, 6), (9_000, 5.5), (5_500, 6))
MODELS = {"kmeans": {"clusters": (3, 7)}, "gmm": {"components": (3, 7)}}


@dataclass
class World:
    """Customers in groups: each keeps its place in its group but for slow noise, some change group, groups drift."""

    centres: NDArray[np.float64]
    spreads: NDArray[np.float64]
    groups: NDArray[np.int64]
    random: np.random.Generator
    places: NDArray[np.float64] = field(init=False)

    @classmethod
    def of(cls, centres: Any, shares: Any, *, seed: int, customers: int = CUSTOMERS) -> World:
        random = np.random.default_rng(seed)
        groups = random.choice(len(shares), size=customers, p=np.array(shares) / sum(shares))
        world = cls(np.array(centres, dtype=np.float64), np.array(SPREADS, dtype=np.float64), groups, random)
        world.places = random.normal(size=(customers, 2))
        return world

    def add_group(self, centre: tuple[float, float], *, of: NDArray[np.bool_], share: float) -> None:
        """Move a share of some customers into a new group."""
        self.centres = np.vstack([self.centres, centre])
        self.spreads = np.vstack([self.spreads, SPREADS[-1]])
        self.groups[of & (self.random.random(len(self.groups)) < share)] = len(self.centres) - 1

    def pass_a_week(self) -> None:
        """Let groups drift, customers wander, and one in two hundred change group."""
        self.centres = self.centres + self.random.normal(size=self.centres.shape) * 0.05 * self.spreads
        noise = self.random.normal(size=self.places.shape)
        self.places = 0.98 * self.places + np.sqrt(1 - 0.98**2) * noise
        movers = self.random.random(len(self.groups)) < 0.005
        self.groups[movers] = self.random.choice(np.unique(self.groups), size=movers.sum())

    def customers(self) -> tuple[pa.RecordBatch, NDArray[np.int64]]:
        """Return the customers in a new order, and their true groups."""
        order = self.random.permutation(len(self.groups))
        income, score = (self.centres[self.groups] + self.places * self.spreads[self.groups])[order].T
        return (
            pa.record_batch({"annual_income": np.abs(income), "spending_score": np.clip(score, 1, 100)}),
            self.groups[order],
        )


@dataclass
class Shop:
    """One model that is retrained."""

    model: str
    configuration: Configuration
    registry: Registry

    @property
    def champion(self) -> Version | None:
        return self.registry.champions([self.model]).get(self.model)

    def retrain(self, customers: pa.RecordBatch, *, seed: int) -> Version:
        """Train with a seed of its own, let the gate decide, and return the version."""
        spec = self.configuration.models[self.model].model_copy(update={"seed": seed} | MODELS[self.model])
        configuration = self.configuration.model_copy(update={"models": {self.model: spec}})
        champion = self.champion
        built = build(
            self.model,
            configuration,
            customers,
            champion=meet(self.registry, champion, customers) if champion else None,
            taken=self.registry.segment_ids(self.model),
            sample_rule="everybody",
        )
        version = self.registry.register(built.artifact, built.training, estimator=built.estimator)
        gate(configuration, self.registry, model_version_id=version.model_version_id, decided_by="simulation")
        return self.registry.version(version.model_version_id)

    def segments(self, customers: pa.RecordBatch) -> NDArray[np.int64]:
        """Return the customers' segments by the champion."""
        assert self.champion
        artifact = self.registry.load(self.champion)
        labels = algorithm(artifact.algorithm).assigner(artifact.parameters)(artifact.scaling.apply(customers)).labels
        return segment_ids(labels, artifact.clusters)

    def events(self, version: Version) -> list[tuple[str, int]]:
        """Return what the promotion of a version brought about."""
        with self.registry.warehouse.transaction() as transaction:
            rows = transaction.connection.exec_driver_sql(
                "select event, segment_id from segmentation.segment_events where model_version_id = %s order by 1, 2",
                (version.model_version_id,),
            )
            return [(row.event, row.segment_id) for row in rows]


def compared(version: Version) -> Comparison:
    assert version.metrics.comparison
    return version.metrics.comparison


@pytest.fixture(params=sorted(MODELS))
def shop(request: Any, warehouse: Warehouse, configuration: Configuration, tmp_path: Path) -> Shop:
    """Return K-Means and the Gaussian mixture in turn, without a version yet."""
    return Shop(request.param, configuration, Registry(warehouse, tmp_path))


@pytest.mark.parametrize("weeks", WEEKS)
def test_segments_stay_themselves(shop: Shop, weeks: int, record_property: Any) -> None:
    """New seeds and shuffled rows every week: hardly anybody moves because of the model, and it stays good."""
    world = World.of(MALL, SHARES, seed=1)
    customers, groups = world.customers()
    shop.retrain(customers, seed=0)
    agreement = [adjusted_rand_score(groups, shop.segments(customers))]
    versions = []
    for week in range(1, weeks + 1):
        world.pass_a_week()
        customers, groups = world.customers()
        versions.append(shop.retrain(customers, seed=week))
        agreement.append(adjusted_rand_score(groups, shop.segments(customers)))
    promoted = [version for version in versions if version.status in ("champion", "retired")]
    movement = [compared(version).movement for version in promoted]
    price = [compared(version).price_of_stability or float("inf") for version in versions]
    report = {
        "promoted": len(promoted),
        "largest movement": max(movement),
        "largest price": max(price),
        "agreement": (agreement[0], min(agreement), agreement[-1]),
    }
    record_property(shop.model, report)
    print(shop.model, report)
    assert len(promoted) >= 0.75 * weeks
    assert max(movement) < 0.01
    assert max(price) <= 1.05
    assert min(agreement[-4:]) >= agreement[0] - 0.01
    assert all(shop.events(version) == [] for version in promoted)
    assert shop.champion
    assert sorted(shop.champion.segment_names) == [1, 2, 3, 4, 5]


def test_new_group_is_promoted(shop: Shop) -> None:
    """One customer in seven now belongs to a group of its own: more than the limit move, because it is worth it."""
    world = World.of(MALL, SHARES, seed=2)
    shop.retrain(world.customers()[0], seed=0)
    world.add_group((140_000, 50), of=world.groups >= 0, share=1 / 7)
    changed = shop.retrain(world.customers()[0], seed=1)
    assert changed.status == "champion"
    assert compared(changed).movement > shop.configuration.models[shop.model].gate.max_movement
    [(event, _)] = shop.events(changed)
    assert event == "split"  # the champion has them all in the segment that is nearest
    assert sorted(changed.segment_names) == [1, 2, 3, 4, 5, 6]


def test_split_group_is_one_split(shop: Shop) -> None:
    """The largest group falls apart: one split, the number goes to one part, the other gets a new one."""
    world = World.of(MALL, SHARES, seed=6)
    shop.retrain(world.customers()[0], seed=0)
    world.centres[1] = [42_000, 49.5]
    world.add_group((70_000, 49.5), of=world.groups == 1, share=0.4)
    split = shop.retrain(world.customers()[0], seed=1)
    assert split.status == "champion"
    assert shop.events(split) == [("split", 2)]
    assert sorted(split.segment_names) == [1, 2, 3, 4, 5, 6]


def test_merged_pair_is_one_merge(shop: Shop) -> None:
    """Two neighbouring groups become one: one merge, and no death besides."""
    apart = ((86_500, 82), (90_000, 17), (60_000, 50), (26_000, 15), (26_000, 52))
    world = World.of(apart, (0.2, 0.2, 0.2, 0.22, 0.18), seed=4)
    shop.retrain(world.customers()[0], seed=0)
    before = shop.segments(pa.record_batch({"annual_income": [26_000.0, 26_000.0], "spending_score": [15.0, 52.0]}))
    world.centres[3:] = [26_000, 33]
    merged = shop.retrain(world.customers()[0], seed=1)
    assert merged.status == "champion"
    [(event, segment)] = shop.events(merged)
    assert event == "merge"
    assert segment in {*before.tolist(), max(merged.segment_names)}
    assert len(merged.segment_names) == 4


def test_vanished_group_is_one_death_and_its_number_is_never_used_again(shop: Shop) -> None:
    """Whoever was Low Spenders is gone; a group that appears later gets another number."""
    world = World.of(MALL, SHARES, seed=5)
    shop.retrain(world.customers()[0], seed=0)
    world.groups[world.groups == 2] = 1
    gone = shop.retrain(world.customers()[0], seed=1)
    assert gone.status == "champion"
    assert shop.events(gone) == [("death", 3)]
    world.groups[(world.groups == 1) & (world.random.random(CUSTOMERS) < 0.3)] = 2
    again = shop.retrain(world.customers()[0], seed=2)
    assert again.status == "champion"
    assert ("death", 3) not in shop.events(again)
    assert sorted(again.segment_names) == [1, 2, 4, 5, 6]
    assert again.segment_names[6] == "Low Spenders"
