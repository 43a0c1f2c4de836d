"""Averages that are true, and those that are left out: on the page, for a dashboard, and for whoever adds up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from clustering import Warehouse
from clustering.web.reads import segments
from clustering.web.report import render_report
from clustering.web.views import read_overview
from tests.projects import Project
from tests.told_averages import Night, Segment, told_within

ROUNDED = """
select label.model, count(source.value), case
    when count(*) filter (where source.value <> 0) = 0 then 0
    else round(avg(source.value), 2 - floor(log(abs(avg(source.value))))::integer)
end::float8
from segmentation.current_customer_segments as label
join (select customer_id, ({column})::numeric as value from customers) as source using (customer_id)
group by label.model
order by label.model
"""
OVERALL = "select model, customers, mean from segmentation.overall_averages where column_name = %s order by model"
EMPTY = """
select model, segment_id, column_name, mean_empty_because
from segmentation.segment_profiles
where mean is null and as_of = (select max(as_of) from segmentation.published_runs)
order by 1, 2, 3
"""
EXTREMES = """
select model, segment_id, column_name, minimum, maximum, extremes_empty_because
from segmentation.segment_profiles
where as_of = %s
order by 1, 2, 3
"""
FIGURES = """
select as_of, model, segment_id, profile.customers, profile.mean, overall.customers, overall.mean
from segmentation.segment_profiles as profile
join segmentation.overall_averages as overall using (as_of, model, column_name)
where column_name = 'age' and profile.customers > 0
"""
# What nobody reads of a dashboard: the true average, and who is left out.
TRUE = """
select label.model, label.segment_id, avg(age::numeric)::float8, string_agg(customer_id || ' ' || age, ',' order by 1)
from segmentation.current_customer_segments as label
join customers using (customer_id)
group by 1, 2
"""
ROW_LEVEL = ("customer_segments", "current_customer_segments", "segment_changes", "segment_history", "customer_history")


@pytest.mark.parametrize("least", [1, 5, 200])
def test_all_customers_are_averaged_over_all_of_them(project: Project, least: int) -> None:
    """The row "All customers" is the rounded average of every labelled customer, whatever is left out of segments."""
    project = project.with_contract(min_group=least)
    project.night()
    left_out = project.sql("select count(*) from segmentation.segment_profiles where mean is null")[0][0]
    assert (left_out > 0) == (least > 1)
    for column in ("age", "annual_income", "spending_score"):
        assert project.sql(OVERALL, column) == project.sql(ROUNDED.format(column=column))
    with project.warehouse.transaction(read_only=True) as transaction:
        for model, of_all, mean in [
            (model, column, mean)
            for column in project.configuration.contract.averaged
            for model, _, mean in project.sql(OVERALL, column)
        ]:
            overview = read_overview(transaction, project.configuration, model=model, as_of=None)
            assert overview.night is not None
            (shown,) = [column for column in overview.night.columns if column.name == of_all]
            assert shown.mean == mean


def test_few_outliers_take_nothing_else_with_them(project: Project) -> None:
    """Where two customers are outliers, theirs alone are the averages that are empty, and it is said why."""
    few = _with_outliers(project, 2)
    few.night()
    assert few.sql("select customers from segmentation.current_segments where model = 'dbscan' and segment_id = 0") == [
        (2,)
    ]
    reason = "fewer than 5 customers"
    assert few.sql(EMPTY) == [("dbscan", 0, column, reason) for column in ("age", "annual_income", "spending_score")]
    told = few.sql(
        "select segment_id, avg_age, averages_empty_because from segmentation.current_segments"
        " where averages_empty_because is not null"
    )
    assert told == [(0, None, reason)]
    with few.warehouse.transaction(read_only=True) as transaction:
        (outliers,) = [one for one in segments(transaction, ["dbscan"]) if one["segment_id"] == 0]
    assert (outliers["avg_age"], outliers["averages_empty_because"]) == (None, reason)
    page = render_report(few.warehouse, few.configuration, models=["dbscan"], as_of=None)
    assert page.count(f'<small class="why">{reason}</small>') == 3


def test_models_that_are_run_separately_show_no_more_than_together(project: Project) -> None:
    """Two outliers are the oldest: no model shows their age, in whichever order and runs the models are published."""
    few = _with_outliers(project, 2)
    few.sql("update customers set age = (customer_id - 200000 + 117)::text where customer_id > 200000")
    runs: dict[str, list[list[str] | None]] = {
        "2026-11-20": [["kmeans"], ["dbscan"], ["gmm"]],
        "2026-11-21": [["dbscan"], ["gmm", "kmeans"]],
        "2026-11-22": [None],
    }
    for day, parts in runs.items():
        for models in parts:
            few.night(day, models=models)
    separate, reverse, together = (few.sql(EXTREMES, day) for day in runs)
    assert separate == reverse == together
    oldest = "would tell a value of fewer than 5 customers"
    assert {(low, high) for _, _, column, low, high, _ in together if column == "age"} == {(None, None)}
    assert oldest in {reason for model, *_, reason in together if model == "kmeans"}
    assert any(high is not None for model, _, column, _, high, _ in together if column != "age")


@pytest.mark.parametrize("count", [5, pytest.param(30, marks=pytest.mark.slow)])
def test_dashboard_cannot_tell_an_average_that_is_left_out(
    project: Project, create_login: Callable[..., str], count: int
) -> None:
    """A linear programme over what the role reads of all models and thirty nights finds none within 10 %."""
    few = _with_outliers(project, 3)
    dashboard = replace(few, warehouse=Warehouse(create_login(few.warehouse, "in role segmentation_dashboard")))
    true: dict[tuple[date, str, int], tuple[float, str]] = {}
    first = date(2026, 10, 1)
    for number in range(count):
        day = first + timedelta(days=number)
        few.sql(f"delete from customers where customer_id % 97 = {number} and customer_id < 100000")  # noqa: S608
        few.night(day.isoformat())
        true |= {(day, model, segment): (mean, who) for model, segment, mean, who in few.sql(TRUE)}
    nights = _nights(dashboard.sql(FIGURES), true)
    assert len(nights) == count
    assert sum(segment.shown is None for night in nights for segment in night.models["dbscan"].values()) >= count
    assert not told_within(nights, 0.1, least=5, is_whole=True)
    # Among a tenth of the customers the few would be told, and others go with them.
    few.sql("delete from customers where customer_id % 20 > 0 and customer_id < 100000")
    few.night((first + timedelta(days=count)).isoformat())
    reasons = {reason for *_, column, reason in few.sql(EMPTY) if column == "age"}
    assert reasons == {"fewer than 5 customers", "would tell the average of fewer than 5 customers"}


def test_dashboard_reads_no_row_of_a_customer(project: Project, create_login: Callable[..., str]) -> None:
    """Its role reads every relation of BI but those with customers, and calls no function that answers with them."""
    project.night()
    dashboard = replace(project, warehouse=Warehouse(create_login(project.warehouse, "in role segmentation_dashboard")))
    for name in ("current_segments", "segment_profiles", "overall_averages", "segment_health", "segment_trend"):
        assert dashboard.sql(f"select * from segmentation.{name} limit 1"), name  # noqa: S608
    refused = (*(f"segmentation.{name}" for name in ROW_LEVEL), "segmentation.segment_as_of('2026-11-22')", "customers")
    for name in refused:
        with pytest.raises(Exception, match="permission denied"):
            dashboard.sql(f"select * from {name} limit 1")  # noqa: S608
    columns = dashboard.sql(
        "select distinct column_name from information_schema.columns where table_schema <> 'pg_catalog'"
    )
    assert ("customer_id",) not in columns


def _with_outliers(project: Project, customers: int) -> Project:
    """Return the project with outliers of DBSCAN's in the place of those that were generated."""
    project.night("2026-09-01", models=["dbscan"])
    project.sql(
        "delete from customers using segmentation.current_customer_segments as label"
        " where label.customer_id = customers.customer_id and label.segment_id = 0"
    )
    project.sql(
        "insert into customers (customer_id, age, gender, annual_income, spending_score)"
        " select 200000 + id, 30 + id, 'f', 900000, 50 from generate_series(1, %s) as id",
        customers,
    )
    return project


def _nights(figures: list[tuple[Any, ...]], true: dict[tuple[date, str, int], tuple[float, str]]) -> list[Night]:
    nights: dict[date, Night] = {}
    members = {(model, segment): set[str]() for _, model, segment in true}
    for (_, model, segment), (_, who) in true.items():
        members[model, segment].add(who)
    for day, model, segment, customers, mean, everybody, of_all in figures:
        if (day, model, segment) not in true:
            continue
        night = nights.setdefault(day, Night({}, everybody, of_all, 0.0, 120.0))
        is_same = len(members[model, segment]) == 1
        found = Segment(customers, mean, true[day, model, segment][0], is_same)
        night.models.setdefault(model, {})[segment] = found
    return [nights[day] for day in sorted(nights)]
