"""Nights with drift, a retraining and a rollback: the history has no gaps, and replaying it changes nothing."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from clustering import drop_expired
from tests.appointing import appoint
from tests.clustering.scoring.histories import assert_right, assert_sound, history
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

KEPT = 7  # nights
LATER: dict[str, dict[str, Any]] = {"dbscan": {"eps": 0.35}, "gmm": {"n_components": 4}, "kmeans": {"n_clusters": 4}}
# Spending drifts, a few go up, a few leave or come back, a few have no income for a night.
DRIFT = """
    update customers set spending_score = least(100, greatest(1, spending_score + 0.4))
    where customer_id %% 3 = 0;
    update customers set annual_income = annual_income * 1.3 where customer_id %% 50 = %(night)s;
    insert into gone select * from customers where customer_id %% 80 = %(night)s;
    delete from customers where customer_id %% 80 = %(night)s;
    insert into customers select * from gone where customer_id %% 80 = %(night)s - 5;
    delete from gone where customer_id %% 80 = %(night)s - 5;
    update customers set age = 999 where customer_id %% 90 = %(night)s;
    update customers set age = 40 where customer_id %% 90 = %(night)s - 1
"""


@dataclass(frozen=True)
class Month:
    """A project, how many nights it has, and the version of each model from each change on."""

    project: Project
    nights: int
    versions: dict[int, dict[str, int]]

    @property
    def days(self) -> list[str]:
        """The date of each night."""
        return [f"2026-01-{night + 1:02}" for night in range(self.nights)]

    @property
    def changes(self) -> set[str]:
        """The dates since which another version scores."""
        return {self.days[night] for night in self.versions if night}

    def run_night(self, night: int) -> None:
        """Run a night with what was the source and the champion then."""
        project = self.project
        project.sql(f"truncate customers; insert into customers select * from customers_{night}")  # noqa: S608
        wanted = self.versions[max(begin for begin in self.versions if begin <= night)]
        for model, champion in project.registry.champions(wanted).items():
            if champion.version != wanted[model]:
                project.registry.roll_back(model, to_version=wanted[model], decided_by="test")
        project.night(self.days[night], shards=1 + night % 3)


@pytest.fixture(params=[10, pytest.param(30, marks=pytest.mark.soak)], ids="{} nights".format)
def month(request: Any, appointed_project: Project) -> Month:
    """Return a project with what its source holds on each night; it retrains after a third, and goes back after two."""
    project, nights = appointed_project, request.param
    project.sql("create table gone (like customers)")
    for night in range(nights):
        project.sql(DRIFT.replace("%(night)s", str(night)).replace("%%", "%"))
        project.sql(f"create table customers_{night} as table customers")
    models = project.configuration.models
    former = {model: version.version for model, version in project.registry.champions(models).items()}
    latter = {model: appoint(project, model, **LATER[model]).version for model in models}
    return Month(project, nights, {0: former, nights // 3: latter, 2 * nights // 3: former})


def test_nights_with_a_retraining_and_a_rollback(month: Month) -> None:
    """No gaps and no overlaps, as-of equals the labels that are kept, and the movement adds up, night after night."""
    contract = month.project.configuration.contract.model_copy(update={"label_runs": KEPT})
    configuration = month.project.configuration.model_copy(update={"contract": contract})
    month = replace(month, project=replace(month.project, configuration=configuration))
    project = month.project
    for night in range(month.nights):
        month.run_night(night)
        drop_expired(project.warehouse, project.configuration)
        assert_sound(project)
    kept = "select count(distinct as_of) from segmentation.scoring_runs where labels_dropped_at is null"
    assert project.sql(kept) == [(KEPT,)]
    moved = project.sql(
        "select as_of::text, model, sum(customers), sum(by_behaviour), sum(by_model)"
        " from segmentation.segment_migrations where from_segment_id <> to_segment_id group by 1, 2"
    )
    assert all(customers == behaviour + model for _, _, customers, behaviour, model in moved)
    assert {day for day, _, _, _, by_model in moved if by_model} == month.changes
    assert {day for day, _, _, by_behaviour, _ in moved if by_behaviour} > month.changes
    assert len({(day, model) for day, model, *_ in moved}) > 2 * month.nights


def test_replaying_nights_in_another_order_gives_the_same_history(month: Month) -> None:
    """One after the other, or shuffled and some of them a second time: the same table."""
    project, nights = month.project, range(month.nights)
    luck = random.Random(3)  # noqa: S311
    shuffled = luck.sample(nights, month.nights)
    orders = [list(nights), shuffled + luck.sample(shuffled, 8)]
    tables = []
    for order in orders:
        project.sql(
            "drop table if exists segmentation_partitions.period_dbscan, segmentation_partitions.period_gmm,"
            " segmentation_partitions.period_kmeans;"
            " truncate segmentation.segment_migrations; delete from segmentation.published_runs"
        )
        for night in order:
            month.run_night(night)
        assert_right(project)
        tables.append(history(project))
    assert tables[0] == tables[1]
    assert len(tables[0]) > (1 + month.nights / 60) * len({row[:2] for row in tables[0]})
