"""Airflow's own backfill under the real scheduler: several past dates side by side, and tonight's beside them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from client import RunFailedError
from clustering import end_of_past
from clustering.config import Configuration, CustomerSource
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.appointing import appoint
from tests.dags.system import System, airflow_system, nobody_writes, wait_for
from tests.paths import CONFIGURATION
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600, method="thread")]

DATED = "select * from customers_history where valid_from <= :as_of and (valid_to > :as_of or valid_to is null)"
HISTORY = """
create table customers_history as
select *, date '2026-03-01' + (customer_id % 4)::integer as valid_from, null::date as valid_to from customers
"""
VERSIONS = """
select run.as_of::text, version.version, run.source_time, run.rows_read
from segmentation.published_runs as published
join segmentation.scoring_runs as run using (run_id)
join segmentation.model_versions as version using (model_version_id)
where run.as_of < '2026-04-01'
order by 1
"""
LABELS = """
select published.as_of, label.customer_id, label.cluster_label, label.segment_id, label.confidence
from segmentation.published_runs as published
join segmentation.customer_labels as label using (run_id, model_version_id)
where published.as_of < '2026-04-01'
order by 1, 2
"""
VALID_FROM = """
select count(*) from customers_history where valid_from is not null group by valid_from order by valid_from
"""
GOING_ON = "select distinct as_of::text from segmentation.scoring_runs where status = 'running' order by 1"


@pytest.fixture(scope="module")
def dated(configuration: Configuration) -> Configuration:
    """Return the configuration with a dated source."""
    source = CustomerSource(table="public.customers", dated=DATED)
    contract = configuration.contract.model_copy(update={"table": None, "source": source})
    return configuration.model_copy(update={"contract": contract})


@pytest.fixture(scope="module")
def system(dated: Configuration, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run Airflow with a dated source, two champions of K-Means one after the other, and a night of today."""
    directory = tmp_path_factory.mktemp("configuration") / "models"
    shutil.copytree(CONFIGURATION, directory)
    contract = directory / "customers.yaml"
    source = f'source: {{table: public.customers, dated: "{DATED}"}}'
    document = contract.read_text(encoding="utf-8").replace("table: public.customers", source, 1)
    contract.write_text(document, encoding="utf-8")
    with airflow_system(dated, _prepare, {"CLUSTERING_CONFIG": str(directory)}) as system:
        run = system.client.trigger("segment_customers", {"models": ["kmeans"]})
        system.client.wait_for_run("segment_customers", run, lambda _: None)
        yield system


def test_dates_of_a_backfill_are_scored_side_by_side(system: System) -> None:
    """Three dates at a time, and tonight's run beside them: each date has its champion and its rows, today stays."""
    current, today = system.published(), datetime.now(UTC).date().isoformat()
    with nobody_writes(system.project.warehouse.uri, "segments"):
        _backfill(system, "2026-03-01", "2026-03-06", at_once=3)
        tonight = system.client.trigger("segment_customers", {"models": ["kmeans"]})
        expected = ["2026-03-01", "2026-03-02", "2026-03-03", today]
        wait_for(lambda: [day for (day,) in system.sql(GOING_ON)] == expected, seconds=90)
    system.client.wait_for_run("segment_customers", tonight, lambda _: None)
    wait_for(lambda: len(system.sql(VERSIONS)) == 5, seconds=120)
    wait_for(lambda: not system.sql(GOING_ON))
    rows = [count for (count,) in system.sql(VALID_FROM)]
    assert system.sql(VERSIONS) == [
        ("2026-03-01", 1, "dated", sum(rows[:1])),
        ("2026-03-02", 1, "dated", sum(rows[:2])),
        ("2026-03-03", 2, "dated", sum(rows[:3])),
        ("2026-03-04", 2, "dated", sum(rows)),
        ("2026-03-05", 2, "dated", sum(rows)),
    ]
    assert system.published() == current
    assert system.project.staged() == []
    assert {status for (status,) in system.sql("select distinct status from segmentation.scoring_runs")} == {
        "published",
        "replaced",
    }
    labels = system.sql(LABELS)
    for day in ("2026-03-02", "2026-03-05", "2026-03-01", "2026-03-04", "2026-03-03"):
        ended = end_of_past(date.fromisoformat(day), UTC, now=datetime.now(UTC))
        system.project.night(day, models=["kmeans"], ended_at=ended)
    assert system.sql(LABELS) == labels


def test_date_is_taken_back_by_its_dag(system: System) -> None:
    """The date is gone for readers once the run has ended well; a second run fails, and both say who asked."""
    today = datetime.now(UTC).date().isoformat()
    conf = {"as_of": today, "reason": "half of the customers were missing"}
    run = system.client.trigger("withdraw_date", conf)
    system.client.wait_for_run("withdraw_date", run, lambda _: None)
    published = f"select count(*) from segmentation.published_runs where as_of = '{today}'"  # noqa: S608
    assert system.sql(published) == [(0,)]
    assert system.sql("select count(*) from segmentation.segments where as_of > '2026-04-01'") == [(0,)]
    assert system.sql("select distinct model, as_of::text from segmentation.current_segments") in (
        [],
        [("kmeans", "2026-03-05")],
    )
    again = system.client.trigger("withdraw_date", conf)
    with pytest.raises(RunFailedError, match=rf"not published any more .*{re.escape(run)}.*so nothing was withdrawn"):
        system.client.wait_for_run("withdraw_date", again, lambda _: None)
    [(actor,)] = system.sql("select distinct actor from segmentation.audit_log where action = 'withdraw'")
    assert actor.endswith(f"(withdraw_date {run})")
    night = system.client.trigger("segment_customers", {"models": ["kmeans"]})
    system.client.wait_for_run("segment_customers", night, lambda _: None)
    assert system.sql(published) == [(1,)]


def _prepare(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(5_000, seed=1))
    project.sql(HISTORY)
    for clusters, decided_at in ((5, "2026-03-01 12:00Z"), (4, "2026-03-03 12:00Z")):
        version = appoint(project, "kmeans", n_clusters=clusters)
        project.sql(
            "update segmentation.promotions set decided_at = %s where model_version_id = %s",
            decided_at,
            version.model_version_id,
        )


def _backfill(system: System, first: str, end: str, *, at_once: int) -> None:
    dates = ("--from-date", first, "--to-date", end, "--max-active-runs", str(at_once))
    system.components.start("backfill", "create", "--dag-id", "segment_customers", *dates)
    system.components.finish("backfill")
