"""A category as a feature: from a column of text in PostgreSQL to labels, rules, reasons and posted customers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clustering import Configuration, Registry, Warehouse, cluster_records, explain_customer
from clustering.config import Column
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.warehouse import migrate
from clustering.web.report import render_report
from clustering.web.samples import read_points
from clustering.web.views import read_night
from tests.logins import administer
from tests.projects import Project, retrain

ROWS = 1_200
TODAY = datetime.now(UTC).date()
CHANNEL = """
create table shop as
select
    customer_id, age, gender, annual_income, spending_score,
    case
        when customer_id % 97 = 0 then null
        when customer_id % 211 = 0 then 'fax'
        when spending_score > 60 and customer_id % 10 > 1 then 'mobile app'
        when spending_score < 30 and customer_id % 10 > 1 then 'branch'
        else 'web site'
    end as channel,
    annual_income > 70000 as business,
    customer_id % 2 = 0 as is_even
from customers
"""
FEATURES = ("annual_income", "spending_score", "channel", "business", "is_even")


@pytest.fixture
def shop(create_database: Callable[..., str], configuration: Configuration, tmp_path: Path) -> Project:
    """Return a project whose customers have a channel, and two columns of yes and no, one of which means nothing."""
    warehouse = Warehouse(create_database())
    load_customers(warehouse, configuration.contract, generate_customers(ROWS, seed=1, dirty_share=0))
    administer(warehouse.uri, CHANNEL)
    category = {"type": "text", "role": "cluster", "encode": "one_hot"}
    columns = {
        **configuration.contract.columns,
        "age": configuration.contract.columns["age"].model_copy(update={"missing": "allow"}),
        "channel": Column.model_validate({**category, "missing": "allow"}),
        "business": Column.model_validate(category),
        "is_even": Column.model_validate(category),
    }
    contract = configuration.contract.model_copy(update={"table": "public.shop", "columns": columns})
    migrate(warehouse, contract)
    models = {"kmeans": configuration.models["kmeans"].model_copy(update={"features": FEATURES, "clusters": (5, 5)})}
    whole = configuration.model_copy(update={"contract": contract, "models": models})
    return Project(warehouse, whole, Registry(warehouse, tmp_path / "store"))


def test_a_category_goes_from_the_table_to_labels_and_into_words(
    shop: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """What is learnt is kept; rules select as the model does; table, page and report say what is frequent."""
    assert [one["decision"] for one in retrain(shop, "kmeans")] == ["promoted"]
    assert "is_even has nothing to do with any other feature" in caplog.text
    scaling = shop.registry.load(shop.registry.champions(["kmeans"])["kmeans"]).scaling
    assert scaling.levels == {
        "channel": ("", "branch", "mobile app", "web site"),
        "business": ("false", "true"),
        "is_even": (),
    }
    assert shop.night(TODAY.isoformat(), models=["kmeans"])["rows_labelled"] == ROWS
    segments = shop.sql(
        "select segment_id, description, rule, rule_sql, rule_coverage from segmentation.current_segments"
    )
    assert any("business is true" in rule for _, _, rule, *_ in segments), segments
    assert not any("is even" in rule for _, _, rule, *_ in segments)
    ((segment, customers),) = shop.sql(
        "select label.segment_id, count(*) from shop"
        " join segmentation.current_customer_segments as label using (customer_id)"
        " where channel = 'mobile app' group by 1 order by 2 desc limit 1"
    )
    counted = "select customers, is_feature from segmentation.segment_groups where segment_id = %s and group_name = %s"
    assert shop.sql(counted, segment, "mobile app") == [(customers, True)]
    assert shop.sql("select distinct column_name from segmentation.segment_disparity") == [("gender",)]
    with shop.warehouse.transaction(read_only=True) as transaction:
        night = read_night(transaction, shop.configuration, "kmeans", [TODAY], TODAY)
    assert night is not None
    mostly = {(one.segment_id, one.column_name): one for one in night.categories}
    assert mostly[segment, "channel"].group_name == "mobile app"
    assert 0.5 < mostly[segment, "channel"].share <= 1
    for segment, _, _, condition, coverage in segments:
        if condition is not None:
            ((share,),) = shop.sql(
                f"select avg(({condition})::integer)::float from shop join segmentation.current_customer_segments"  # noqa: S608
                " as label using (customer_id) where label.segment_id = %s",
                segment,
            )
            assert share == pytest.approx(coverage, abs=0.01)
    report = render_report(shop.warehouse, shop.configuration, models=["kmeans"])
    assert "<dd>Mostly: mobile app, " in report


def test_posted_customers_are_labelled_as_those_of_the_night(shop: Project) -> None:
    """A yes or no may be one of JSON; a value that was never seen is labelled too."""
    retrain(shop, "kmeans")
    shop.night(TODAY.isoformat(), models=["kmeans"])
    rows = shop.sql(
        "select customer_id, annual_income, spending_score, channel, business, is_even, label.segment_id from shop"
        " join segmentation.current_customer_segments as label using (customer_id) order by customer_id limit 300"
    )
    names = ("customer_id", *FEATURES, "segment_id")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    posted = [{name: value for name, value in one.items() if name != "segment_id"} for one in records]
    told = cluster_records(shop.configuration, shop.registry, model="kmeans", records=posted, detail=True)["clusters"]
    assert [one["segment_id"] for one in told] == [one["segment_id"] for one in records]
    unseen = [{**posted[0], "channel": "carrier pigeon"}, {**posted[1], "channel": None}]
    assert len(cluster_records(shop.configuration, shop.registry, model="kmeans", records=unseen)["clusters"]) == 2


def test_reasons_speak_of_the_category(shop: Project) -> None:
    """One pull a column, which add up, with the category as its value; points are drawn of the numbers."""
    retrain(shop, "kmeans")
    shop.night(TODAY.isoformat(), models=["kmeans"])
    ((customer,),) = shop.sql("select min(customer_id) from shop where channel = 'mobile app'")
    (label,) = explain_customer(shop.configuration, shop.registry, customer_id=customer).labels
    pulls = {pull.feature: pull for pull in label.explanation.pulls}
    assert set(pulls) == set(FEATURES)
    assert pulls["channel"].value == "mobile app"
    assert pulls["is_even"].pull == 0
    ((customer,),) = shop.sql("select min(customer_id) from shop where channel is null")
    (label,) = explain_customer(shop.configuration, shop.registry, customer_id=customer).labels
    assert {pull.feature: pull.value for pull in label.explanation.pulls}["channel"] == "not given"
    points = read_points(
        shop.warehouse, shop.configuration, model="kmeans", as_of=TODAY, asked=("channel", "annual_income")
    )
    assert "channel" not in points.columns
    assert len(points.x) > 500


def test_categories_that_change_are_drift(shop: Project) -> None:
    """A level that nobody had in training is one of the others, and rises."""
    retrain(shop, "kmeans")
    administer(shop.warehouse.uri, "update shop set channel = 'kiosk' where customer_id % 3 = 0")
    shop.night(TODAY.isoformat(), models=["kmeans"])
    ((alarm, said),) = shop.sql(
        "select alarm, description from segmentation.drift_checks where subject = 'channel'"
        " and check_name = 'distribution'"
    )
    assert alarm
    assert said.startswith("channel other: ")
