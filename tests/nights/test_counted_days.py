"""A date as a feature: the days from then to the night's date, in nights, trainings, reasons and posted records."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest

from clustering import Configuration, Registry, Warehouse, cluster_records, explain_customer
from clustering.config import Column, CustomerSource
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import DataError
from clustering.privacy.forgetting import forget
from clustering.segments.rounding import rounded
from clustering.warehouse import migrate
from tests.databases import Server
from tests.days import today, yesterday
from tests.logins import administer
from tests.projects import Project, retrain

ROWS = 1_000
FEATURES = ("last_order", "spending_score")


@pytest.fixture(scope="module", params=["date", "timestamptz"])
def shop_once(
    postgresql: Server,
    declared: Configuration,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Project]:
    """Return a project whose customers have the date of their last order, 15 to 200 days ago, as a feature."""
    name = postgresql.create()
    warehouse = Warehouse(postgresql.url(name))
    load_customers(warehouse, declared.contract, generate_customers(ROWS, seed=1, dirty_share=0))
    last_order = f"((date '{today()}' - (annual_income / 1000)::integer) + time '15:00')::{request.param} as last_order"
    columns = f"customer_id, age, gender, annual_income, spending_score, {last_order}"
    administer(warehouse.uri, f"create table shop as select {columns} from customers")  # noqa: S608
    kind = "date" if request.param == "date" else "timestamp"
    column = Column.model_validate({"type": kind, "role": "cluster", "transform": "days_since"})
    contract = declared.contract.model_copy(
        update={"table": "public.shop", "columns": {**declared.contract.columns, "last_order": column}}
    )
    migrate(warehouse, contract)
    models = {name: spec.model_copy(update={"features": FEATURES}) for name, spec in declared.models.items()}
    whole = declared.model_copy(update={"contract": contract, "models": models})
    yield Project(warehouse, whole, Registry(warehouse, tmp_path_factory.mktemp("store")))
    postgresql.drop(name)


@pytest.fixture(scope="module")
def trained_shop_once(copy_for_module: Callable[[Project], Project], shop_once: Project) -> Project:
    """Return the project with a champion of K-Means, to be copied."""
    shop = copy_for_module(shop_once)
    assert [one["decision"] for one in retrain(shop, "kmeans")] == ["promoted"]
    return shop


@pytest.fixture
def shop(copy_project: Callable[[Project], Project], shop_once: Project) -> Project:
    """Return the project without a champion."""
    return copy_project(shop_once)


@pytest.fixture
def trained_shop(copy_project: Callable[[Project], Project], trained_shop_once: Project) -> Project:
    """Return the project with a champion of K-Means."""
    return copy_project(trained_shop_once)


def test_a_date_is_a_feature_that_is_counted_up_to_the_night(trained_shop: Project) -> None:
    """Averages, reasons and posted records agree on the days, and a day later everybody has one more."""
    shop = trained_shop
    for day in (yesterday(), today()):
        shop.night(day.isoformat(), models=["kmeans"], from_present_rows=True)
    means = dict(shop.sql("select as_of, mean from segmentation.overall_averages where column_name = 'last_order'"))
    ((mean,),) = shop.sql("select avg(%s - last_order::date)::float from shop", today())
    assert means == {today(): rounded(mean), yesterday(): rounded(mean - 1)}
    ((customer, days, score, segment),) = shop.sql(
        "select customer_id, %s - last_order::date, spending_score, label.segment_id"
        " from shop join segmentation.current_customer_segments as label using (customer_id) limit 1",
        today(),
    )
    (label,) = explain_customer(shop.configuration, shop.registry, customer_id=customer).labels
    pulls = {pull.feature: pull.value for pull in label.explanation.pulls}
    assert (pulls["last_order"], pulls["spending_score"]) == (days, score)
    posted = {
        "customer_id": 1,
        "age": 40,
        "gender": "Female",
        "annual_income": 50_000,
        "spending_score": score,
        "last_order": (today() - timedelta(days=days)).isoformat(),
    }
    told = cluster_records(shop.configuration, shop.registry, model="kmeans", records=[posted], detail=True)
    assert told["clusters"][0]["segment_id"] == segment
    later = posted | {"last_order": (today() + timedelta(days=9)).isoformat()}
    with pytest.raises(DataError, match=r"last_order '.*' is out of range .*, 0 or more days before the run's date"):
        cluster_records(shop.configuration, shop.registry, model="kmeans", records=[later])


def test_dates_after_the_night_are_mistakes_of_their_rows(trained_shop: Project) -> None:
    """A date of tomorrow has begun in the east, and is 0 days ago."""
    shop = trained_shop
    later = "update shop set last_order = (date %s + interval '15 hours') where customer_id %% 100 = %s"
    for days in (1, 2):
        shop.sql(later, today() + timedelta(days=days), days)
    ((mistakes,),) = shop.sql("select count(*) from shop where customer_id % 100 = 2")
    assert shop.night(today().isoformat(), models=["kmeans"])["rows_labelled"] == ROWS - mistakes < ROWS
    rejected = shop.sql("select distinct reason, column_name from segmentation.rejected_customers")
    assert rejected == [("out_of_range", "last_order")]


def test_a_source_that_stands_still_is_told(trained_shop: Project) -> None:
    """Every customer has a day more, as they have where nothing was loaded."""
    shop = trained_shop
    for day in (yesterday(), today()):
        shop.night(day.isoformat(), models=["kmeans"], from_present_rows=True)
    found = "select description from segmentation.night_checks where check_name = 'unchanged'"
    assert shop.sql(found) == [("the source is exactly as it was the night before",)]


def test_a_source_with_filled_days_that_stands_still_is_told(shop: Project) -> None:
    """Days that are filled in do not grow, and make no other column stale."""
    columns = dict(shop.configuration.contract.columns)
    columns["last_order"] = columns["last_order"].model_copy(update={"missing": 150.0})
    filled = shop.with_contract(columns=columns)
    filled.sql("update shop set last_order = null where customer_id = (select min(customer_id) from shop)")
    retrain(filled, "kmeans")
    for day in (yesterday(), today()):
        filled.night(day.isoformat(), models=["kmeans"], from_present_rows=True)
    found = "select check_name from segmentation.night_checks where check_name in ('unchanged', 'stale') and value > 0"
    assert filled.sql(found) == [("unchanged",)]


def test_a_core_point_of_days_cannot_be_told_from_others(shop: Project) -> None:
    """The days of now are not those of the training, and somebody else's may be: a retraining makes sure."""
    retrain(shop, "dbscan")
    ((customer,),) = shop.sql("select min(customer_id) from shop")
    shop.night(today().isoformat(), models=["dbscan"])
    told = forget(shop.warehouse, shop.configuration, shop.registry, customer_id=customer, requested_by="Ada Lovelace")
    assert {point["outcome"] for point in told["core_points"]} == {"unknown"}


@pytest.mark.parametrize("is_dated", [True, False])
def test_counted_days_of_a_table_with_its_past_tell_whom_time_alone_moved(
    trained_shop: Project, is_dated: bool
) -> None:
    """A day older, nobody has behaved but who has ordered; a table without its past cannot tell."""
    shop = trained_shop
    shop.sql("create table past as select * from shop")
    before = today() - timedelta(days=15)
    source = CustomerSource(table="public.shop", dated="select * from past where :as_of is not null")
    if is_dated:
        shop = shop.with_contract(table=None, source=source)
    # As nights of those dates would have read the table.
    night = {"models": ["kmeans"], "shards": 2}
    moment = datetime.combine(before, datetime.min.time(), UTC) + timedelta(days=1)
    shop.sql("update segmentation.promotions set decided_at = %s", moment - timedelta(days=1))
    shop.night(before.isoformat(), ended_at=moment, from_present_rows=not is_dated, **night)
    shop.sql("update shop set last_order = %s where customer_id %% 10 = 0", today())
    shop.night(today().isoformat(), **night)
    ((moved, by_behaviour, by_time),) = shop.sql(
        "select sum(customers) filter (where from_segment_id <> to_segment_id)::int, sum(by_behaviour)::int,"
        " sum(by_time)::int from segmentation.segment_migrations where as_of = %s",
        today(),
    )
    assert by_behaviour + (by_time or 0) == moved
    assert by_behaviour >= 50
    assert (by_time or 0) > 20 if is_dated else by_time is None
