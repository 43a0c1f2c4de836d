"""Customers out of a query: point in time, the same tonight, for past dates and in training; and copies of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from clustering import Registry, Warehouse, draw_sample, drop_expired, explain_customer, forget
from clustering.config import Column, Contract, CustomerSource
from clustering.errors import ConfigurationError, DataError, RunError
from clustering.privacy import core_points, forgetting
from clustering.privacy.rekeying import rekey
from clustering.scoring import explained_customers
from clustering.scoring.dates import end_of_past
from clustering.scoring.endings import abandon_run
from clustering.warehouse import customer_values as customers
from clustering.warehouse import source_copy
from clustering.warehouse.customer_values import TimeLimit, customer_values
from clustering.warehouse.source import find_source
from clustering.warehouse.source_copy import make_copy
from tests.faults.server import held, session, wait_for, waiting
from tests.projects import Project

ORDERS = """
create table orders as
select customer_id, date '2025-11-20' + ((customer_id * 37 + number * 61) % 400)::integer as ordered_on,
    round(annual_income::numeric / 7) as amount, spending_score::numeric as score, age, gender
from customers, generate_series(1, 4) as number
where annual_income::text ~ '^[0-9.]+$' and spending_score::text ~ '^[0-9.]+$'
"""
FEATURES = """
-- Revenue up to the day, and the latest score.
select customer_id, max(age) as age, max(gender) as gender, sum(amount) as annual_income,
    max(score) as spending_score
from orders where ordered_on <= :as_of group by customer_id;
"""
LABELS = """
select label.customer_id, label.cluster_label, label.segment_id, label.confidence
from segmentation.published_runs as published
join segmentation.customer_labels as label using (run_id, model_version_id)
where published.model = 'kmeans' and published.as_of = %s
order by 1
"""
COPIES = """
select relname from pg_class
where relnamespace = 'segmentation_staging'::regnamespace and relkind = 'r' and relname like 'source%'
order by relname
"""


@pytest.fixture
def shop(project: Project) -> Callable[..., Project]:
    """Return a function that lets the customers come from orders."""
    project.sql(ORDERS)
    project.sql("update segmentation.promotions set decided_at = '2025-12-01 12:00Z'")

    def make(query: str = FEATURES, **source: Any) -> Project:
        return project.with_contract(table=None, source=CustomerSource(query=query, **source))

    return make


def past(day: str) -> dict[str, Any]:
    """Return the options of a run for a past date."""
    return {"ended_at": end_of_past(date.fromisoformat(day), UTC, now=datetime.now(UTC)), "models": ["kmeans"]}


def labels(project: Project, day: str) -> list[tuple[Any, ...]]:
    return project.sql(LABELS, day)


def copies(project: Project) -> list[str]:
    return [name for (name,) in project.sql(COPIES)]


def test_one_query_serves_tonight_past_dates_and_trainings(shop: Callable[..., Project]) -> None:
    """Each night has the customers who had ordered by its date, and a training those of today."""
    project = shop()
    by_day = "select count(distinct customer_id) from orders where ordered_on <= %s"
    for day, options in (("2026-02-10", past("2026-02-10")), ("2026-03-20", {"models": ["kmeans"], "shards": 3})):
        night = project.night(day, **options)
        assert [(night["rows_read"],)] == project.sql(by_day, day)
        assert night["rows_read"] > 100
    runs = "select as_of::text, source_time, source from segmentation.scoring_runs order by as_of"
    assert project.sql(runs) == [
        ("2026-02-10", "dated", FEATURES.strip().removesuffix(";")),
        ("2026-03-20", "present", FEATURES.strip().removesuffix(";")),
    ]
    drawn = draw_sample(project.warehouse, project.configuration, models=["kmeans"], requested_by="test")
    assert [(drawn["rows"],)] == project.sql(by_day, datetime.now(UTC).date())


def test_what_is_planted_after_a_date_changes_no_label_of_it(shop: Callable[..., Project]) -> None:
    """Orders of later days, of old customers and of new ones, are not there yet."""
    project = shop()
    project.night("2026-03-31", **past("2026-03-31"))
    before = labels(project, "2026-03-31")
    project.sql("insert into orders select customer_id, '2026-04-01', 9e6, 99, age, gender from orders")
    project.sql("insert into orders select customer_id + 100000, '2026-04-01', 9e6, 99, age, gender from orders")
    project.night("2026-03-31", **past("2026-03-31"))
    assert labels(project, "2026-03-31") == before
    assert len(before) > 500


@pytest.mark.slow
@pytest.mark.parametrize("materialise", [False, True])
def test_backfill_of_month_ends_equals_nights_run_on_those_dates(
    shop: Callable[..., Project], materialise: bool
) -> None:
    """Twelve nights, each before a later order was known, and the same dates run again at the end of the year."""
    project = shop(materialise=materialise)
    days = [str(date(2025 + month // 12, month % 12 + 1, 28)) for month in range(11, 23)]
    project.sql("create table later as select * from orders")
    project.sql("truncate orders")
    for day in days:
        project.sql("insert into orders select * from later where ordered_on <= %s", day)
        project.sql("delete from later where ordered_on <= %s", day)
        project.night(day, models=["kmeans"])
    nightly = {day: labels(project, day) for day in days}
    for day in days:
        project.night(day, **past(day))
    assert {day: labels(project, day) for day in days} == nightly
    assert len(nightly[days[0]]) < len(nightly[days[-1]])


def test_present_rows_of_a_dated_query_are_refused(shop: Callable[..., Project]) -> None:
    """It has the past itself, so nobody takes today's customers for it."""
    with pytest.raises(ConfigurationError, match=r"from_present_rows is for a source that has no past dates"):
        shop().plan("2026-02-10", from_present_rows=True, **past("2026-02-10"))
    undated = shop(FEATURES.replace(":as_of", "date '2026-02-10'"))
    with pytest.raises(ConfigurationError, match=r"the source in customers\.yaml has no past dates: let source\.query"):
        undated.plan("2026-02-10", **past("2026-02-10"))


def test_query_that_the_login_may_not_read_says_what_is_missing(
    shop: Callable[..., Project], create_login: Callable[..., str]
) -> None:
    """The server's words name the table, and nothing is recorded."""
    project = shop()
    clerk = Warehouse(create_login(project.warehouse, "in role segmentation_writer"))
    mine = replace(project, warehouse=clerk, registry=Registry(clerk, project.registry.store))
    with pytest.raises(DataError, match="permission denied for table orders; grant what is missing"):
        mine.plan("2026-03-01", models=["kmeans"])
    assert project.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "select customer_id,",
            "select customer_id::text as customer_id,",
            r"the key customer_id of source\.query has the type text",
        ),
        ("max(age)", "1 / (max(ordered_on) - max(ordered_on))", "division by zero"),
        ("select customer_id,", "select customer_id, nothing,", 'column "nothing" does not exist'),
    ],
)
def test_query_that_is_wrong_says_so(shop: Callable[..., Project], old: str, new: str, said: str) -> None:
    """Whatever is wrong is one clear error of the plan, or of the shard where only the rows show it; nothing stays."""
    for materialise in (False, True):
        project = shop(FEATURES.replace(old, new), materialise=materialise)
        with pytest.raises(DataError, match=said):
            project.night("2026-03-01", models=["kmeans"])
        assert copies(project) == []


def test_dated_query_that_looks_at_the_clock_is_told_of(shop: Callable[..., Project]) -> None:
    """A date that is run again would have other labels; of a query that has the present alone nothing is said."""
    late = FEATURES.replace("max(age) as age", "current_date - max(ordered_on) as age")
    told = shop(late).plan("2026-03-01", models=["kmeans"])["warning"]
    assert "source.query in customers.yaml reads current_date beside :as_of" in told
    assert shop(late.replace(":as_of", "now()")).plan("2026-03-01", models=["kmeans"])["warning"] is None


def test_plan_says_what_a_shard_of_a_query_costs(
    shop: Callable[..., Project], caplog: pytest.LogCaptureFixture
) -> None:
    """A range of a query that has to be made whole is told with the way out; one that is found by key is not dear."""
    whole = FEATURES.replace("max(score) as", "max(max(score)) over () as")
    with caplog.at_level(logging.INFO):
        shop(whole).plan("2026-11-01", shards=4, models=["kmeans"])
    (told,) = [record for record in caplog.records if "shards of source.query" in record.message]
    assert told.levelname == "WARNING"
    assert "with materialise: true it is read once" in told.message
    caplog.clear()
    project = shop("select * from many where :as_of > date '2026-01-01'")
    project.sql(
        "create table many as select key as customer_id, age, gender, annual_income, spending_score"
        " from generate_series(1, 40000) as key"
        " join (select distinct on (customer_id) * from customers) as one on customer_id = 1 + key % 500"
    )
    project.sql("create unique index on many (customer_id)")
    project.sql("analyze many")
    with caplog.at_level(logging.INFO):
        project.plan("2026-11-02", shards=4, models=["kmeans"])
    (told,) = [record for record in caplog.records if "shards of source.query" in record.message]
    assert (told.levelname, "materialise" in told.message) == ("INFO", False)


def test_copy_gives_the_labels_of_what_it_was_made_from(shop: Callable[..., Project]) -> None:
    """It is read in place of the source, in shards as in one, with every row that will be rejected."""
    shop().night("2026-03-31", models=["kmeans"])
    before = labels(shop(), "2026-03-31")
    project = shop(materialise=True)
    planned = project.plan("2026-03-31", models=["kmeans"], shards=3)
    assert copies(project) == [f"source_{planned['run_id']}"]
    project.sql("alter table orders rename to gone")
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    project.publish(planned["run_id"])
    assert labels(project, "2026-03-31") == before


@pytest.mark.parametrize("source", [{"table": "public.people"}, {"query": "select * from people"}])
def test_copy_of_a_view_rejects_what_a_night_rejects(project: Project, source: dict[str, str]) -> None:
    """Keys twice and keys of nobody are copied with the others."""
    project.sql(
        'create view people as select customer_id, age, gender, annual_income as "Annual Income", spending_score'
        " from customers union all select customer_id, age, gender, '1', spending_score from customers"
        " where customer_id <= 2 union all select null, '30', 'x', '1', '1'"
    )
    rejected = "select reason, count(*) from segmentation.rejected_customers where run_id = %s group by 1 order by 1"
    found = []
    for materialise in (False, True):
        named = project.with_contract(table=None, source=CustomerSource(materialise=materialise, **source))
        night = named.night("2026-03-31", models=["kmeans"], shards=2)
        found.append((night["rows_read"], project.sql(rejected, night["run_id"])))
    assert found[0] == found[1]
    assert {"duplicate_key", "missing_key", "out_of_range"} <= {reason for reason, _ in found[0][1]}


def test_key_that_is_too_long_for_an_index_costs_its_row_and_not_the_copy(empty_warehouse: Warehouse) -> None:
    """It is rejected as without a copy, and single customers are found all the same."""
    columns = {"id": Column(type="text", role="key"), "age": Column(type="integer", role="cluster")}
    contract = Contract(source=CustomerSource(table="people", materialise=True), columns=columns)
    with empty_warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(
            "create schema segmentation_staging; create table people as select 'a' || n as id, n as age"
            " from generate_series(1, 500) as n union all select string_agg(md5(n::text), ''), 1"
            " from generate_series(1, 500) as n"
        )
        copy = make_copy(transaction, find_source(transaction, contract))
        found = transaction.rows(
            "source/rows", {"columns": copy.select_list(), "table": copy.table, "range": copy.with_keys(["a7"])}
        )
    assert (copy.rows, [row.age for row in found]) == (501, [7])


def test_copy_goes_with_its_run(shop: Callable[..., Project]) -> None:
    """Abandoned, superseded, tried or refused: no copy is left; of published nights that of the latest date stays."""
    project = shop(materialise=True)
    planned = project.plan("2026-03-01", models=["kmeans"])
    abandon_run(project.warehouse, run_id=planned["run_id"], note="test")
    project.night("2026-03-01", models=["kmeans"], dry_run=True)
    assert copies(project) == []
    first = project.night("2026-03-02", models=["kmeans"])["run_id"]
    latest = project.night("2026-03-04", models=["kmeans"])["run_id"]
    project.night("2026-03-03", models=["kmeans"])
    going_on = project.plan("2026-03-05", models=["kmeans"])["run_id"]
    assert len(copies(project)) == 4
    drop_expired(project.warehouse, project.configuration)
    assert copies(project) == [f"source_{latest}", f"source_{going_on}"]
    assert f"source_{first}" not in copies(project)
    drop_expired(project.warehouse, shop().configuration)
    assert copies(project) == [f"source_{going_on}"]
    project.sql(f"drop table segmentation_staging.source_{going_on}")
    with pytest.raises(RunError, match=f"the copy of the source that run {going_on} reads is gone"):
        project.score(going_on)


def test_run_whose_copy_is_being_read_ends_at_once(shop: Callable[..., Project]) -> None:
    """A shard that still reads is not waited for, as it would wait for the end itself; retention drops the copy."""
    project = shop(materialise=True)
    planned = project.plan("2026-03-01", models=["kmeans"])
    (copy,) = copies(project)
    with held(project.warehouse.uri, f"lock table segmentation_staging.{copy} in access share mode"):
        started = time.monotonic()
        latest = project.plan("2026-03-01", models=["kmeans"])["run_id"]
        assert time.monotonic() - started < 20
        assert copies(project) == [copy, f"source_{latest}"]
    with pytest.raises(RunError, match="superseded by a later run"):
        project.score(planned["run_id"])
    drop_expired(project.warehouse, project.configuration)
    assert copies(project) == [f"source_{latest}"]


def test_single_customers_are_found_in_the_copy(shop: Callable[..., Project]) -> None:
    """Explanations speak of the values that the night has read; without a copy, of those that the query has today."""
    project = shop(materialise=True)
    project.night("2026-03-31", models=["kmeans"])
    ((key, income),) = project.sql(
        "select customer_id, sum(amount)::float from orders where ordered_on <= '2026-03-31' group by 1 limit 1"
    )
    project.sql("insert into orders select customer_id, '2026-03-01', 1, 1, 30, 'x' from orders")
    (label,) = explain_customer(project.configuration, project.registry, customer_id=key).labels
    assert {part.feature: part.value for part in label.explanation.pulls}["annual_income"] == income
    drop_expired(project.warehouse, shop().configuration)
    found = customer_values(project.warehouse, project.configuration.contract, [str(key)])
    assert (found.source.kind, found.rows.num_rows) == ("query", 1)
    assert found.rows["annual_income"].to_pylist() != [income]


def test_forgotten_customer_leaves_the_copy(shop: Callable[..., Project]) -> None:
    """The copy is looked up and then loses the row; whether the customer comes back is asked of the query."""
    project = shop(materialise=True)
    run = project.night("2026-03-31", models=["kmeans"])["run_id"]
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    project.sql("delete from orders where customer_id = %s", key)
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="test")
    assert report["removed"][f"segmentation_staging.source_{run}"] == 1
    assert report["source_rows"] == 0
    found = customer_values(project.warehouse, project.configuration.contract, [str(key)])
    assert (found.source.kind, found.rows.num_rows) == ("copy", 0)


def test_core_point_out_of_a_dated_query_is_unknown(shop: Callable[..., Project]) -> None:
    """The query gives other values on another day, so that "not found" would promise what nobody has looked for."""
    project = shop()
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="test")
    assert {told["outcome"] for told in report["core_points"]} == {"unknown"}


@pytest.mark.parametrize("kind", ["integer", "numeric"])
def test_customers_with_new_keys_are_found_in_the_copy(shop: Callable[..., Project], tmp_path: Path, kind: str) -> None:
    """Its keys change with those of the labels; where they are of another type it is left to the next night."""
    project = shop(FEATURES.replace("select customer_id,", f"select customer_id::{kind},"), materialise=True)
    project.night("2026-03-31", models=["kmeans"])
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    (tmp_path / "keys.csv").write_text(f"old,new\n{key},777777\n", encoding="utf-8")
    rekey(project.warehouse, project.configuration, path=tmp_path / "keys.csv", requested_by="test")
    found = customer_values(project.warehouse, project.configuration.contract, ["777777"])
    assert (found.source.kind, found.rows.num_rows) == ("copy", int(kind == "integer"))


@pytest.mark.parametrize("copies_them", ["plan", "draw"])
def test_nobody_is_forgotten_while_customers_are_copied(
    shop: Callable[..., Project], monkeypatch: pytest.MonkeyPatch, copies_them: str
) -> None:
    """What is not committed yet cannot be searched, and would bring the customer back."""
    project, key = shop(materialise=True), 1
    monkeypatch.setattr(forgetting, "LONGEST_WAIT", 1)

    def copy() -> None:
        if copies_them == "plan":
            project.plan("2026-03-31", models=["kmeans"])
        else:
            draw_sample(project.warehouse, project.configuration, models=["kmeans"], requested_by="test")

    with ThreadPoolExecutor(1) as pool, held(project.warehouse.uri, "lock table orders in access exclusive mode"):
        copying = pool.submit(copy)
        with session(project.warehouse.uri) as cursor:
            wait_for(lambda: waiting(cursor))
        with pytest.raises(RunError, match="customers are being copied"):
            forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="test")
    copying.result()


@pytest.mark.parametrize(
    ("key_type", "key"),
    [
        ("numeric(20, 2)", 7_316_498_205_117),
        ("double precision", 7_316_498_205_117_003),
        ("real", 16_777_216),
        ("integer", 2_111_498_205),
    ],
)
def test_forgotten_customer_leaves_copies_and_samples_whose_key_has_another_type_of_numbers(
    project: Project, key_type: str, key: int
) -> None:
    """Keys are compared as numbers, however the source writes them; nobody else leaves."""
    project.sql("update customers set customer_id = %s where customer_id = 1", key)
    project.sql(f"alter table customers alter customer_id type {key_type}")
    copied = project.with_contract(table=None, source=CustomerSource(table="public.customers", materialise=True))
    run = copied.night("2026-03-31", models=["kmeans"])["run_id"]
    drawn = draw_sample(copied.warehouse, copied.configuration, models=["kmeans"], requested_by="test")
    tables = [f"segmentation_staging.{name}" for name in (f"source_{run}", drawn["sample"])]
    count = "select count(*), count(*) filter (where customer_id::text::numeric = %s) from {}"
    project.sql(f"alter table {tables[0]} alter customer_id set statistics 1000")
    project.sql(f"analyze {tables[0]}")
    before = [project.sql(count.format(table), key)[0] for table in tables]
    report = forget(copied.warehouse, copied.configuration, copied.registry, customer_id=key, requested_by="test")
    assert [report["removed"][table] for table in tables] == [1, 1]
    assert [project.sql(count.format(table), key)[0] for table in tables] == [(rows - 1, 0) for rows, _ in before]
    assert (report["left"], report["statistics"]) == ({}, [])


def test_query_that_fails_at_a_customer_costs_no_forgetting_and_is_told(shop: Callable[..., Project]) -> None:
    """An explanation is a sentence without what the database said of the row, which may be anybody's."""
    project = shop()
    project.night("2026-03-31", models=["kmeans"])
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    failing = shop(FEATURES.replace("sum(amount)", f"sum(amount) / (customer_id - {key})"))
    (label,) = explain_customer(failing.configuration, failing.registry, customer_id=key).labels
    assert label.explanation.sentence == (
        f"The source cannot be read: source.query in customers.yaml as of {datetime.now(UTC):%Y-%m-%d} cannot be read; "
        "see the log."
    )
    with pytest.raises(DataError, match="cannot be read: ERROR: division by zero"):
        customer_values(failing.warehouse, failing.configuration.contract, [str(key)])
    keyless = shop(
        FEATURES.replace("select customer_id,", f"select customer_id / (customer_id - {key}) as customer_id,")
    )
    with pytest.raises(DataError, match="cannot be read: division by zero"):
        keyless.plan("2026-04-01", models=["kmeans"], shards=2)
    report = forget(failing.warehouse, failing.configuration, failing.registry, customer_id=key, requested_by="test")
    assert report["source_rows"] is None


def test_copy_that_is_dropped_at_this_moment_is_read_at_its_origin(
    shop: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for a customer while retention is at work is answered."""
    project = shop(materialise=True)
    run = project.night("2026-03-31", models=["kmeans"])["run_id"]
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    look = source_copy.latest_copy

    def look_and_lose(*asked: Any) -> Any:
        found = look(*asked)
        project.sql(f"drop table segmentation_staging.source_{run}")
        return found

    monkeypatch.setattr(customers, "latest_copy", look_and_lose)
    found = customer_values(project.warehouse, project.configuration.contract, [str(key)])
    assert (found.source.kind, found.rows.num_rows) == ("query", 1)


def test_held_night_with_a_copy_ends_when_a_customer_of_it_is_forgotten(shop: Callable[..., Project]) -> None:
    """Its copy goes with what else it has staged."""
    project = shop(materialise=True)
    planned = project.plan("2026-03-31", models=["kmeans"])
    project.score(planned["run_id"])
    project.check(planned["run_id"])
    project.sql("update segmentation.scoring_runs set status = 'held', held_at = now()")
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="test")
    assert report["removed"][f"segmentation_staging.source_{planned['run_id']}"] == 1
    assert copies(project) == []


def test_query_that_finds_nobody_in_time_costs_no_night_and_no_forgetting(
    shop: Callable[..., Project], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The explanation is a sentence that says why, and forgetting asks for a retraining."""
    project = shop()
    project.night("2026-03-31", models=["kmeans"])
    ((key,),) = project.sql("select min(customer_id) from orders where ordered_on <= '2026-03-31'")
    slow = shop(FEATURES.replace("from orders where", "from orders, pg_sleep(20) where"))
    for module in (core_points, explained_customers):
        monkeypatch.setattr(module, "LIMIT", TimeLimit(0.5, 0.5))
    (label,) = explain_customer(slow.configuration, slow.registry, customer_id=key).labels
    assert "does not find single customers within 0.5 s; with materialise: true" in label.explanation.sentence
    report = forget(slow.warehouse, slow.configuration, slow.registry, customer_id=key, requested_by="test")
    assert report["source_rows"] is None
    assert {told["outcome"] for told in report["core_points"]} <= {"unknown"}
