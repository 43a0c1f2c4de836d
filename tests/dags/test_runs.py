"""Both DAGs from end to end, task by task in this process."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.dags.nights import Night, read_dags
from tests.object_stores import Bucket
from tests.paths import CONFIGURATION

# Airflow uses the alarm that pytest-timeout would, for its tasks' own limits.
pytestmark = pytest.mark.timeout(240, method="thread")


def test_night_after_training_publishes_every_model(night: Night) -> None:
    """Train, then segment: every model's segments are current, every row labelled or rejected, nothing left staged."""
    trained = night.run("retrain_models")
    assert trained.state == "success"
    assert trained.tasks["each_model.announce"] == ["success"] * 3
    today = datetime.now(UTC).date().isoformat()
    segmented = night.run("segment_customers", shards=3, as_of=today)
    assert segmented.state == "success"
    assert segmented.tasks["score"] == ["success"] * 3
    assert night.sql("select distinct model, as_of::text from segmentation.current_segments order by 1") == [
        ("dbscan", today),
        ("gmm", today),
        ("kmeans", today),
    ]
    assert night.sql("select rows_read = (select count(*) from customers) from segmentation.scoring_runs") == [(True,)]
    told = segmented.results["summary"]
    assert (told["as_of"], told["status"]) == (today, "published")
    assert told["line"].startswith("dbscan, gmm, kmeans published: ")
    assert segmented.links["summary"].endswith(f"/plugin/segments/segmentation/page?model=dbscan&as_of={today}")
    assert night.staged() == []


@pytest.mark.slow
def test_versions_in_an_object_store_need_no_folder(night: Night, bucket: Bucket, tmp_path: Path) -> None:
    """Tasks write and read the bucket by Airflow's connection; a night without it is tried again, and says why."""
    assert night.run("retrain_models", models=["kmeans"]).state == "success"
    (version,) = bucket.names()
    assert version.startswith("kmeans/1-")
    assert not (tmp_path / "store").exists()
    assert night.run("segment_customers", models=["kmeans"]).state == "success"
    shutil.rmtree(tmp_path / "kept")
    bucket.system.delete_dir(bucket.name)
    lost = night.run("segment_customers", models=["kmeans"])
    assert (lost.state, lost.tries["plan"]) == ("failed", [4])
    assert "there is no such bucket; make it, or correct CLUSTERING_STORE" in lost.results["summary"]["line"]
    assert night.sql("select version from segmentation.model_versions where status = 'champion'") == [(1,)]


def test_night_before_any_training_fails_clearly(night: Night, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a champion the plan fails at its first try, says what to run first, and nothing else starts."""
    segmented = night.run("segment_customers")
    assert "run the DAG retrain_models first" in "".join(capfd.readouterr())
    assert segmented.state == "failed"
    assert segmented.tasks == {
        "plan": ["failed"],
        "score": ["upstream_failed"],
        "check": ["upstream_failed"],
        "publish": ["upstream_failed"],
        "ask": ["upstream_failed"],
        "clean_up": ["upstream_failed"],
        "retention": ["success"],
        "watch": ["skipped"],
        "summary": ["success"],
    }
    assert segmented.results["summary"]["line"].startswith("nothing published: plan: ")
    assert "run the DAG retrain_models first" in segmented.results["summary"]["line"]
    assert night.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


@pytest.mark.slow
def test_failed_shard_abandons_the_run(trained_night: Night) -> None:
    """When a shard fails for good the run is abandoned, its staged tables are dropped, and the DAG run is failed."""
    trained_night.sql("alter table segmentation.run_shards rename profiles to gone")
    segmented = trained_night.run("segment_customers", shards=2)
    assert segmented.state == "failed"
    assert segmented.tasks["score"] == ["failed", "failed"]
    assert segmented.tasks["publish"] == ["upstream_failed"]
    assert segmented.tasks["clean_up"] == ["success"]
    assert trained_night.sql("select status from segmentation.scoring_runs") == [("abandoned",)]
    assert trained_night.staged() == []


def test_refused_night_abandons_the_run(trained_night: Night) -> None:
    """More rejected rows than allowed: nothing is published, what was staged is dropped, the DAG run is failed."""
    trained_night.sql("update customers set annual_income = -1 where customer_id % 2 = 0")
    segmented = trained_night.run("segment_customers")
    assert segmented.state == "failed"
    assert (segmented.tasks["check"], segmented.tasks["publish"]) == (["failed"], ["upstream_failed"])
    assert trained_night.sql("select status from segmentation.scoring_runs") == [("abandoned",)]
    assert trained_night.sql("select * from segmentation.current_segments") == []
    assert trained_night.staged() == []


def test_model_that_fails_does_not_stop_the_others(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that cannot be trained fails by itself: the other one is promoted, the run fails, no sample stays."""
    directory = tmp_path / "models"
    shutil.copytree(CONFIGURATION, directory)
    customers = directory / "customers.yaml"
    customers.write_text(customers.read_text().replace("role: profile", "role: cluster"))
    (directory / "constant.yaml").write_text("algorithm: kmeans\nfeatures: [annual_income, age]\n")
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))
    night.sql("update customers set age = '40'")
    trained = replace(night, bag=read_dags()).run("retrain_models", models=["constant", "kmeans"])
    assert trained.state == "failed"
    assert trained.tasks["each_model.train"] == ["failed", "success"]
    assert trained.tasks["each_model.announce"] == ["upstream_failed", "success"]
    assert trained.tasks["clean_up"] == ["success"]
    champions = "select model, version from segmentation.model_versions where status = 'champion'"
    assert night.sql(champions) == [("kmeans", 1)]
    assert night.staged() == []


def test_dry_run_publishes_nothing_and_announces_nothing(trained_night: Night) -> None:
    """A dry run counts, ends well, and its publishing is shown as skipped."""
    segmented = trained_night.run("segment_customers", dry_run=True)
    assert segmented.state == "success"
    assert segmented.tasks["publish"] == ["skipped"]
    assert trained_night.sql("select status, rows_read > 0 from segmentation.scoring_runs") == [("dry_run", True)]
    assert trained_night.sql("select * from segmentation.current_segments") == []


@pytest.mark.slow
def test_past_date_is_refused_unless_its_rows_may_be_the_present_ones(
    trained_night: Night, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a dated source the plan says what to do; from the present rows it is published under its own champion."""
    trained_night.sql("update segmentation.promotions set decided_at = '2026-01-15'")
    trained_night.run("segment_customers")
    current = trained_night.sql("select * from segmentation.current_segments order by 1, 2, 3")
    refused = trained_night.run("segment_customers", as_of="2026-01-31")
    assert refused.tasks["plan"] == ["failed"]
    assert "2026-01-31 is past, and the source in customers.yaml has no past dates" in "".join(capfd.readouterr())
    done = trained_night.run("segment_customers", as_of="2026-01-31", from_present_rows=True)
    assert done.state == "success"
    assert trained_night.sql("select as_of::text, source_time from segmentation.scoring_runs order by 1 limit 1") == [
        ("2026-01-31", "substituted")
    ]
    assert trained_night.sql("select * from segmentation.current_segments order by 1, 2, 3") == current


@pytest.mark.parametrize("as_of", ["2062-11-27", "9999-12-31", None])
def test_date_that_is_still_to_come_is_refused(
    trained_night: Night, capfd: pytest.CaptureFixture[str], as_of: str | None
) -> None:
    """A mistyped year fails the plan at its first try, before anything is recorded; the next night is current."""
    as_of = as_of or (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    refused = trained_night.run("segment_customers", as_of=as_of)
    assert (refused.state, refused.tasks["plan"], refused.tries["plan"]) == ("failed", ["failed"], [1])
    assert f"as_of is {as_of}, which is still to come" in "".join(capfd.readouterr())
    assert trained_night.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_model_without_a_champion_is_skipped(trained_night: Night) -> None:
    """Models that were never promoted are left out while the others run."""
    segmented = trained_night.run("segment_customers", models=None)
    assert segmented.state == "success"
    assert trained_night.sql("select distinct model from segmentation.current_segments") == [("kmeans",)]


def test_failed_retention_does_not_fail_the_night(trained_night: Night) -> None:
    """The night is published and successful, and the retention's failure is there to be seen."""
    trained_night.sql("alter table segmentation.scoring_runs rename labels_dropped_at to gone")
    segmented = trained_night.run("segment_customers")
    assert segmented.tasks["retention"] == ["failed"]
    assert segmented.state == "success"


def test_empty_table_changes_nothing(trained_night: Night) -> None:
    """An empty table fails the plan, and what was published stays."""
    trained_night.run("segment_customers")
    before = trained_night.sql("select * from segmentation.current_segments order by 1, 2, 3")
    trained_night.sql("truncate customers")
    assert trained_night.run("segment_customers").state == "failed"
    assert trained_night.sql("select * from segmentation.current_segments order by 1, 2, 3") == before
