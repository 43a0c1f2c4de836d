"""Missing values by role: what stands for them, where it is told, and who is rejected until a model has learnt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clustering import Configuration, Registry, Warehouse, cluster_records, explain_customer
from clustering.config import Column
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import DataError
from clustering.monitoring.run_summaries import summarise_run
from clustering.segments.rounding import rounded
from clustering.warehouse import migrate
from clustering.web.report import render_report
from tests.days import today, yesterday
from tests.logins import administer
from tests.projects import Project, retrain

ROWS = 1_000
GAPS = "update customers set spending_score = null where customer_id % 50 = 0"
POSTED = {"customer_id": 1, "annual_income": 55_000, "spending_score": None}


def with_missing(project: Project, **missing: Any) -> Project:
    """Return the project whose contract says this of missing values; None stands for what the role says by itself."""
    columns = dict(project.configuration.contract.columns)
    for name, said in missing.items():
        kept = columns[name].model_dump(exclude={"missing"})
        columns[name] = Column.model_validate(kept if said is None else {**kept, "missing": said})
    return project.with_contract(columns=columns)


@pytest.fixture
def shop(create_database: Callable[..., str], configuration: Configuration, tmp_path: Path) -> Project:
    """Return a project of clean customers without a champion; some have no age."""
    warehouse = Warehouse(create_database())
    load_customers(warehouse, configuration.contract, generate_customers(ROWS, seed=1, dirty_share=0))
    administer(warehouse.uri, "update customers set age = null where customer_id % 10 = 0")
    migrate(warehouse, configuration.contract)
    project = Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))
    return with_missing(project, age=None)


def gaps_of(project: Project) -> int:
    ((count,),) = project.sql("select count(*) from customers where spending_score is null")
    return int(count)


def test_nobody_is_rejected_for_a_description_that_is_empty(shop: Project) -> None:
    """The averages of a segment are of those who have a value."""
    retrain(shop, "kmeans")
    result = shop.night(today().isoformat(), models=["kmeans"])
    assert (result["rows_labelled"], result["rows_rejected"], result["filled"]) == (ROWS, 0, {})
    ((mean,),) = shop.sql("select avg(age::numeric)::float from customers")
    assert shop.sql("select mean from segmentation.overall_averages where column_name = 'age'") == [(rounded(mean),)]


def test_a_median_is_learnt_in_training_and_stands_everywhere(shop: Project) -> None:
    """In the warehouse, for posted customers and in reasons; averages stay those of the values that are there."""
    administer(shop.warehouse.uri, GAPS)
    project = with_missing(shop, spending_score="median")
    retrain(project, "kmeans")
    result = project.night(today().isoformat(), models=["kmeans"])
    assert (result["rows_labelled"], result["filled"]) == (ROWS, {"spending_score": gaps_of(project)})
    line = summarise_run(project.warehouse, run_id=result["run_id"])["line"]
    assert f", 0 rejected, filled in: {gaps_of(project)} without spending_score; " in line
    report = render_report(project.warehouse, project.configuration, models=["kmeans"])
    assert f"the models took another: {gaps_of(project)} without Spending score." in report
    version = project.registry.champions(["kmeans"])["kmeans"]
    ((median,),) = project.sql("select percentile_cont(0.5) within group (order by spending_score) from customers")
    assert project.registry.load(version).scaling.medians == {"spending_score": median}
    filled = POSTED | {"spending_score": median}
    posted = cluster_records(project.configuration, project.registry, model="kmeans", records=[POSTED], detail=True)
    stated = cluster_records(project.configuration, project.registry, model="kmeans", records=[filled], detail=True)
    assert posted == stated
    assert cluster_records(
        project.configuration,
        project.registry,
        model="kmeans",
        records=[{name: value for name, value in POSTED.items() if value is not None}],
        detail=True,
    ) == (stated)
    ((customer, income, segment),) = project.sql(
        "select customer_id, annual_income, label.segment_id from customers"
        " join segmentation.current_customer_segments as label using (customer_id)"
        " where spending_score is null order by customer_id limit 1"
    )
    (label,) = explain_customer(project.configuration, project.registry, customer_id=customer).labels
    assert {pull.feature: pull.value for pull in label.explanation.pulls if pull.feature} == {
        "annual_income": income,
        "spending_score": median,
    }
    same = [{"customer_id": 1, "annual_income": income}]
    (told,) = cluster_records(project.configuration, project.registry, model="kmeans", records=same, detail=True)[
        "clusters"
    ]
    assert told["segment_id"] == segment == label.segment_id
    ((mean,),) = project.sql("select avg(spending_score::numeric)::float from customers")
    found = "select mean from segmentation.overall_averages where column_name = 'spending_score'"
    assert project.sql(found) == [(rounded(mean),)]
    rules = project.sql("select rule_sql from segmentation.current_segments where rule_sql like '%spending_score%'")
    assert rules
    assert all(f"coalesce(spending_score, {median:g})" in rule for (rule,) in rules), rules


def test_a_champion_without_a_median_rejects_until_it_is_retrained(shop: Project) -> None:
    """It was trained when every customer had a value: it neither fails nor puts somebody without one anywhere."""
    retrain(shop, "kmeans")
    administer(shop.warehouse.uri, GAPS)
    project = with_missing(shop, spending_score="median")
    gaps = gaps_of(project)
    result = project.night(yesterday().isoformat(), models=["kmeans"], from_present_rows=True)
    assert (result["rows_labelled"], result["rows_rejected"]) == (ROWS - gaps, gaps)
    rejected = "select distinct reason, column_name from segmentation.rejected_customers"
    assert project.sql(rejected) == [("missing_value", "spending_score")]
    with pytest.raises(DataError, match=r"row 0, spending_score is missing \(allowed: a number from 1 to 100\)"):
        cluster_records(project.configuration, project.registry, model="kmeans", records=[POSTED])
    customer = project.sql("select min(customer_id) from customers where spending_score is null")[0][0]
    with pytest.raises(DataError, match="has a current label by"):
        explain_customer(project.configuration, project.registry, customer_id=customer)
    retrain(project, "kmeans")
    result = project.night(today().isoformat(), models=["kmeans"])
    assert (result["rows_labelled"], result["filled"]) == (ROWS, {"spending_score": gaps})


def test_a_share_of_filled_values_that_rises_is_found(shop: Project) -> None:
    """A number that is filled in is a value like others, so what the load has left out has to be counted."""
    project = with_missing(shop, spending_score=50.0)
    retrain(project, "kmeans")
    project.night(yesterday().isoformat(), models=["kmeans"], from_present_rows=True)
    administer(project.warehouse.uri, "update customers set spending_score = null where customer_id % 3 = 0")
    planned = project.plan(today().isoformat(), models=["kmeans"])
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    project.check(planned["run_id"])
    found = project.sql(
        "select value, finding from segmentation.night_checks where check_name = 'missing'"
        " and subject = 'spending_score' and run_id = %s",
        planned["run_id"],
    )
    assert found == [(pytest.approx(1 / 3, abs=0.01), "hold")]
