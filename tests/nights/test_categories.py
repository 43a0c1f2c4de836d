"""A category as a feature: from a column of text in PostgreSQL to labels, rules, reasons and posted customers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score

from clustering import cluster_records, explain_customer
from clustering.cli.label import label_customers
from clustering.files.text_columns import FileOptions
from clustering.web.report import render_report
from clustering.web.samples import read_points
from clustering.web.views import read_night
from tests.days import today
from tests.logins import administer
from tests.projects import CATEGORY_FEATURES, CATEGORY_ROWS, Project, retrain


def test_a_category_goes_from_the_table_to_labels_and_into_words(
    mixed_shop: Project, caplog: pytest.LogCaptureFixture
) -> None:
    """What is learnt is kept; rules select as the model does; table, page and report say what is frequent."""
    assert [one["decision"] for one in retrain(mixed_shop, "kmeans")] == ["promoted"]
    assert "is_even has nothing to do with any other feature" in caplog.text
    champion = mixed_shop.registry.champions(["kmeans"])["kmeans"]
    assert "; is_even counts as none, since it" in str(champion.metrics.verdict)
    scaling = mixed_shop.registry.load(champion).scaling
    assert scaling.levels == {
        "channel": ("", "branch", "mobile app", "web site"),
        "business": ("false", "true"),
        "is_even": (),
    }
    assert mixed_shop.night(today().isoformat(), models=["kmeans"])["rows_labelled"] == CATEGORY_ROWS
    segments = mixed_shop.sql(
        "select segment_id, description, rule, rule_sql, rule_coverage from segmentation.current_segments"
    )
    assert any("business is true" in rule for _, _, rule, *_ in segments), segments
    assert not any("is even" in rule for _, _, rule, *_ in segments)
    ((segment, customers),) = mixed_shop.sql(
        "select label.segment_id, count(*) from shop"
        " join segmentation.current_customer_segments as label using (customer_id)"
        " where channel = 'mobile app' group by 1 order by 2 desc limit 1"
    )
    counted = "select customers, is_feature from segmentation.segment_groups where segment_id = %s and group_name = %s"
    assert mixed_shop.sql(counted, segment, "mobile app") == [(customers, True)]
    assert mixed_shop.sql("select distinct column_name from segmentation.segment_disparity") == [("gender",)]
    with mixed_shop.warehouse.transaction(read_only=True) as transaction:
        night = read_night(transaction, mixed_shop.configuration, "kmeans", [today()], today())
    assert night is not None
    mostly = {(one.segment_id, one.column_name): one for one in night.categories}
    assert mostly[segment, "channel"].group_name == "mobile app"
    assert 0.5 < mostly[segment, "channel"].share <= 1
    for segment, _, _, condition, coverage in segments:
        if condition is not None:
            ((share,),) = mixed_shop.sql(
                f"select avg(({condition})::integer)::float from shop join segmentation.current_customer_segments"  # noqa: S608
                " as label using (customer_id) where label.segment_id = %s",
                segment,
            )
            assert share == pytest.approx(coverage, abs=0.01)
    report = render_report(mixed_shop.warehouse, mixed_shop.configuration, models=["kmeans"])
    assert "<dd>Mostly: mobile app, " in report


def test_posted_customers_are_labelled_as_those_of_the_night(mixed_shop: Project) -> None:
    """A yes or no may be one of JSON; a value that was never seen is labelled too."""
    retrain(mixed_shop, "kmeans")
    mixed_shop.night(today().isoformat(), models=["kmeans"])
    rows = mixed_shop.sql(
        "select customer_id, annual_income, spending_score, channel, business, is_even, label.segment_id from shop"
        " join segmentation.current_customer_segments as label using (customer_id) order by customer_id limit 300"
    )
    names = ("customer_id", *CATEGORY_FEATURES, "segment_id")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    posted = [{name: value for name, value in one.items() if name != "segment_id"} for one in records]
    told = cluster_records(mixed_shop.configuration, mixed_shop.registry, model="kmeans", records=posted, detail=True)[
        "clusters"
    ]
    assert [one["segment_id"] for one in told] == [one["segment_id"] for one in records]
    unseen = [{**posted[0], "channel": "carrier pigeon"}, {**posted[1], "channel": None}]
    assert (
        len(cluster_records(mixed_shop.configuration, mixed_shop.registry, model="kmeans", records=unseen)["clusters"])
        == 2
    )


def test_reasons_speak_of_the_category(mixed_shop: Project) -> None:
    """One pull a column, which add up, with the category as its value; points are drawn of the numbers."""
    retrain(mixed_shop, "kmeans")
    mixed_shop.night(today().isoformat(), models=["kmeans"])
    ((customer,),) = mixed_shop.sql("select min(customer_id) from shop where channel = 'mobile app'")
    (label,) = explain_customer(mixed_shop.configuration, mixed_shop.registry, customer_id=customer).labels
    pulls = {pull.feature: pull for pull in label.explanation.pulls}
    assert set(pulls) == set(CATEGORY_FEATURES)
    assert pulls["channel"].value == "mobile app"
    assert pulls["is_even"].pull == 0
    ((customer,),) = mixed_shop.sql("select min(customer_id) from shop where channel is null")
    (label,) = explain_customer(mixed_shop.configuration, mixed_shop.registry, customer_id=customer).labels
    assert {pull.feature: pull.value for pull in label.explanation.pulls}["channel"] == "not given"
    points = read_points(
        mixed_shop.warehouse,
        mixed_shop.configuration,
        model="kmeans",
        as_of=today(),
        asked=("channel", "annual_income"),
    )
    assert "channel" not in points.columns
    assert len(points.x) > 500


def test_categories_that_change_are_drift(mixed_shop: Project) -> None:
    """A level that nobody had in training is one of the others, and rises."""
    retrain(mixed_shop, "kmeans")
    administer(mixed_shop.warehouse.uri, "update shop set channel = 'kiosk' where customer_id % 3 = 0")
    mixed_shop.night(today().isoformat(), models=["kmeans"])
    ((alarm, said),) = mixed_shop.sql(
        "select alarm, description from segmentation.drift_checks where subject = 'channel'"
        " and check_name = 'distribution'"
    )
    assert alarm
    assert said.startswith("channel other: ")


def test_a_file_is_labelled_by_its_categories(mixed_shop: Project, tmp_path: Path) -> None:
    """A training on a file learns its levels as one on a table does."""
    retrain(mixed_shop, "kmeans")
    mixed_shop.night(today().isoformat(), models=["kmeans"])
    rows = mixed_shop.sql(
        "select customer_id, age, gender, annual_income, spending_score, channel, business, is_even, label.segment_id"
        " from shop join segmentation.current_customer_segments as label using (customer_id) order by customer_id"
    )
    names = ["customer_id", "age", "gender", "annual_income", "spending_score", "channel", "business", "is_even"]
    frame = pd.DataFrame([row[:-1] for row in rows], columns=names)
    frame.to_csv(tmp_path / "shop.csv", index=False)
    found = label_customers(tmp_path / "shop.csv", mixed_shop.configuration, "kmeans", FileOptions())
    assert found.rejected == {}
    assert adjusted_rand_score(found.labels["segment_id"], [row[-1] for row in rows]) > 0.95
