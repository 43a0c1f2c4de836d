"""Thirty nights with drift, a retraining and a rollback: the history has no gaps, and replaying it changes nothing."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from clustering import drop_expired
from tests.appointing import appoint, appointed_template  # noqa: F401 - a fixture
from tests.appointing import project as project_with_champions  # noqa: F401 - a fixture
from tests.clustering.scoring.conftest import Project
from tests.clustering.scoring.histories import assert_right, assert_sound, history

pytestmark = pytest.mark.slow

NIGHTS = [f"2026-01-{day:02}" for day in range(1, 31)]
RETRAINED, ROLLED_BACK = 10, 20  # the nights before which it happens
KEPT = 7  # nights
LATER = {"dbscan": {"eps": 0.35}, "gmm": {"n_components": 4}, "kmeans": {"n_clusters": 4}}
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


@pytest.fixture
def month(project_with_champions: Project) -> tuple[Project, dict[int, dict[str, int]]]:  # noqa: F811
    """Return a project with what its source holds on each night, and the version of each model from each change on."""
    project = project_with_champions
    project.sql("create table gone (like customers)")
    for night in range(len(NIGHTS)):
        project.sql(DRIFT.replace("%(night)s", str(night)).replace("%%", "%"))
        project.sql(f"create table customers_{night} as table customers")
    models = project.configuration.models
    former = {model: version.version for model, version in project.registry.champions(models).items()}
    latter = {model: appoint(project, model, **LATER[model]).version for model in models}
    return project, {0: former, RETRAINED: latter, ROLLED_BACK: former}


def run_night(project: Project, night: int, versions: dict[int, dict[str, int]]) -> None:
    """Run a night with what was the source and the champion then."""
    project.sql(f"truncate customers; insert into customers select * from customers_{night}")  # noqa: S608
    wanted = versions[max(begin for begin in versions if begin <= night)]
    for model, champion in project.registry.champions(wanted).items():
        if champion.version != wanted[model]:
            project.registry.roll_back(model, to_version=wanted[model], decided_by="test")
    project.night(NIGHTS[night], shards=1 + night % 3)


def test_thirty_nights_with_a_retraining_and_a_rollback(month):
    """No gaps and no overlaps, as-of equals the labels that are kept, and the movement adds up, night after night."""
    project, versions = month
    contract = project.configuration.contract.model_copy(update={"label_runs": KEPT})
    project = replace(project, configuration=project.configuration.model_copy(update={"contract": contract}))
    for night in range(len(NIGHTS)):
        run_night(project, night, versions)
        drop_expired(project.warehouse, project.configuration)
        assert_sound(project)
    kept = "select count(distinct as_of) from segmentation.scoring_runs where labels_dropped_at is null"
    assert project.sql(kept) == [(KEPT,)]
    moved = project.sql(
        "select as_of::text, model, sum(customers), sum(by_behaviour), sum(by_model)"
        " from segmentation.segment_migrations where from_segment_id <> to_segment_id group by 1, 2"
    )
    assert all(customers == behaviour + model for _, _, customers, behaviour, model in moved)
    changes = {NIGHTS[RETRAINED], NIGHTS[ROLLED_BACK]}
    assert {day for day, _, _, _, by_model in moved if by_model} == changes
    assert {day for day, _, _, by_behaviour, _ in moved if by_behaviour} > changes
    assert len({(day, model) for day, model, *_ in moved}) > 60


def test_replaying_thirty_nights_in_another_order_gives_the_same_history(month):
    """One after the other, or shuffled and some of them a second time: the same table."""
    project, versions = month
    luck = random.Random(3)  # noqa: S311
    shuffled = luck.sample(range(len(NIGHTS)), len(NIGHTS))
    orders = [list(range(len(NIGHTS))), shuffled + luck.sample(shuffled, 8)]
    tables = []
    for order in orders:
        project.sql(
            "drop table if exists segmentation.period_dbscan, segmentation.period_gmm, segmentation.period_kmeans;"
            " truncate segmentation.segment_migrations; delete from segmentation.published_runs"
        )
        for night in order:
            run_night(project, night, versions)
        assert_right(project)
        tables.append(history(project))
    assert tables[0] == tables[1]
    assert len(tables[0]) > 1.5 * len({row[:2] for row in tables[0]})
