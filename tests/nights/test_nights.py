"""Whole nights: the same customers give the same result, however they are read."""

from __future__ import annotations

import re

import pytest

from clustering.errors import DataError, NoChampionError, RunError, TooManyRejectedError, WarehouseError
from clustering.scoring.endings import abandon_run
from clustering.segments.rounding import rounded
from clustering.warehouse import Warehouse


def test_every_row_is_labelled_by_every_model_or_rejected(project):
    """Rows read = labelled + rejected, and each model has labelled each of them once."""
    result = project.night()
    assert result["status"] == "published"
    assert result["rows_read"] == project.sql("select count(*) from customers")[0][0]
    assert result["rows_read"] == result["rows_labelled"] + result["rows_rejected"]
    counts = project.sql(
        "select model, count(*), count(distinct customer_id) from segmentation.current_customer_segments group by model"
    )
    labelled = result["rows_labelled"]
    assert sorted(counts) == [(model, labelled, labelled) for model in ("dbscan", "gmm", "kmeans")]
    assert project.sql("select count(*) from segmentation.rejected_customers") == [(result["rows_rejected"],)]
    assert project.staged() == []


def test_segment_table_agrees_with_the_labels(project):
    """Counts and rounded averages of the segment table are those of its customers."""
    project.with_contract(min_group=1).night()
    rows = project.sql(
        "select segment.customers, count(label.customer_id), segment.avg_age::numeric, avg(age::numeric),"
        "       segment.avg_spending_score, avg(spending_score)"
        " from segmentation.current_segments as segment"
        " join segmentation.current_customer_segments as label using (model, segment_id)"
        " join customers using (customer_id) group by segment.model, segment.segment_id, 1, 3, 5"
    )
    assert rows
    for customers, counted, age, expected_age, score, expected_score in rows:
        assert customers == counted
        assert float(age) == rounded(float(expected_age))
        assert score == rounded(expected_score)
    shares = project.sql("select sum(share) from segmentation.current_segments group by model")
    assert [share for (share,) in shares] == pytest.approx([1, 1, 1])


def test_shuffled_rows_and_other_shards_give_identical_tables(project):
    """The physical order of the rows and the number of shards change nothing."""
    project.night(shards=1)
    labels, segments = project.labels(), project.segments()
    project.sql(
        "create table shuffled as table customers; truncate customers;"
        " insert into customers select * from shuffled order by random()"
    )
    project.night(shards=7)
    assert project.labels() == labels
    assert project.segments() == segments


def test_repeating_a_date_replaces_it(project):
    """The second run of a date holds; the first one is marked as replaced."""
    first = project.night()["run_id"]
    segments = project.sql("select * from segmentation.segments")
    second = project.night()["run_id"]
    assert len(project.sql("select * from segmentation.segments")) == len(segments)
    assert project.sql("select distinct run_id from segmentation.segments") == [(second,)]
    assert project.sql("select run_id, status from segmentation.scoring_runs order by run_id") == [
        (first, "replaced"),
        (second, "published"),
    ]


def test_run_of_one_model_moves_only_that_model(project):
    """The other models stay with the run that they had."""
    everything = project.night()["run_id"]
    one = project.night("2026-11-23", models=["kmeans"])["run_id"]
    current = project.sql("select model, as_of::text, run_id from segmentation.current_models order by model")
    assert current == [
        ("dbscan", "2026-11-22", everything),
        ("gmm", "2026-11-22", everything),
        ("kmeans", "2026-11-23", one),
    ]
    found = project.sql("select distinct model, run_id from segmentation.current_customer_segments order by model")
    assert found == [("dbscan", everything), ("gmm", everything), ("kmeans", one)]


def test_past_date_moves_nothing_that_is_current(project):
    """A run of a past date holds for that date only."""
    today = project.night("2026-11-22")["run_id"]
    project.night("2026-11-01")
    assert project.sql("select distinct run_id from segmentation.current_segments") == [(today,)]
    assert len(project.sql("select distinct as_of from segmentation.segments")) == 2


def test_dry_run_counts_and_publishes_nothing(project):
    """A dry run proves its counts and leaves nothing behind."""
    result = project.night(dry_run=True)
    assert result["status"] == "dry_run"
    assert result["rows_labelled"] > 0
    assert project.labels() == []
    assert project.sql("select * from segmentation.segments") == []
    assert project.staged() == []


def test_publishing_twice_changes_nothing(project):
    """A second publication of the same run returns the same."""
    planned = project.plan()
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    first = project.publish(planned["run_id"])
    before = project.sql("select * from segmentation.published_runs")
    assert project.publish(planned["run_id"]) == first
    assert project.sql("select * from segmentation.published_runs") == before


def test_missing_shard_is_not_published(project):
    """A run with a shard that was not scored cannot be published."""
    planned = project.plan(shards=3)
    project.score(planned["run_id"], 1)
    with pytest.raises(RunError, match=re.escape("shards [0, 2] of 3 have not been scored")):
        project.publish(planned["run_id"])
    assert project.labels() == []


def test_scoring_a_shard_twice_keeps_the_first(project):
    """A second attempt finds the shard claimed and adds nothing."""
    run_id = project.plan(shards=1)["run_id"]
    first = project.score(run_id)
    staged = project.staged()
    assert project.score(run_id) == first
    assert project.staged() == staged


def test_later_run_of_a_date_supersedes_the_one_going_on(project):
    """The earlier run is abandoned with a reason and its tables are dropped."""
    first = project.plan(shards=2)["run_id"]
    project.score(first, 0)
    second = project.plan(shards=1)["run_id"]
    assert project.staged() == []
    with pytest.raises(RunError, match=f"run {first} is abandoned .superseded by a later run of 2026-11-22"):
        project.score(first, 1)
    with pytest.raises(RunError, match="abandoned"):
        project.publish(first)
    project.score(second)
    assert project.publish(second)["status"] == "published"


def test_abandoned_run_leaves_nothing(project):
    """Abandoning drops what was staged; a published run cannot be abandoned."""
    run_id = project.plan(shards=1)["run_id"]
    project.score(run_id)
    assert abandon_run(project.warehouse, run_id=run_id, note="test")
    assert project.staged() == []
    published = project.night()["run_id"]
    assert not abandon_run(project.warehouse, run_id=published, note="test")
    assert project.sql("select count(*) from segmentation.current_customer_segments")[0][0] > 0


def test_night_before_any_training_says_so(untrained):
    """Without a champion the error names the DAG to run."""
    untrained.sql("create table customers (customer_id bigint)")
    with pytest.raises(NoChampionError, match="run the DAG retrain_models first"):
        untrained.night()


def test_too_many_rejected_rows_fail_before_publishing(after_night):
    """The error counts the reasons, and yesterday's result stays."""
    project = after_night("2026-11-21")
    before = project.labels()
    project.sql("update customers set age = 999 where customer_id % 2 = 0")
    with pytest.raises(TooManyRejectedError, match=r"out_of_range \d+.*max_rejected_share"):
        project.night("2026-11-22")
    assert project.labels() == before


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("drop table customers", "public.customers does not exist"),
        ("alter table customers drop column age", "no column for age"),
        ("truncate customers", "has no rows"),
        ("alter table customers alter customer_id type text", "has the type text, but customers.yaml says bigint"),
    ],
)
def test_source_that_is_not_as_the_contract_says(after_night, statement, message):
    """A clear error, and nothing is changed."""
    project = after_night("2026-11-21")
    before = project.labels()
    project.sql(statement)
    with pytest.raises(DataError, match=message):
        project.night("2026-11-22")
    assert project.labels() == before


def test_unreachable_warehouse(project):
    """The error names the host and is worth a retry."""
    lost = Warehouse("postgresql://someone:secret@127.0.0.1:1/nowhere")
    with pytest.raises(WarehouseError, match=r"127\.0\.0\.1") as caught:
        abandon_run(lost, run_id=1, note="test")
    assert "secret" not in str(caught.value)
