"""Beside another team's DAG in one Airflow, with the real scheduler: assets, events, and what people are told."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest

from clustering.config import PROJECT, Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.configurations import copy_that_holds
from tests.dags.system import System, airflow_system, wait_for
from tests.dags.test_drift import Chat, metadata
from tests.dags.test_drift import chat as chat  # the fixture
from tests.paths import CONFIGURATION
from tests.projects import Project, retrain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500, method="thread")]

THEIRS = """from airflow.sdk import Asset, dag, task

NAMES = ("customers", "customer_labels", "segments", "champions", "segment_history", "held_nights", "drift")


@dag(schedule=None)
def crm():
    @task(outlets=[Asset(name, f"s3://crm/{name}") for name in NAMES])
    def load(): ...

    load()


crm()
"""
BUNDLE = "airflow.dag_processing.bundles.local.LocalDagBundle"


@pytest.fixture(scope="module")
def system(configuration: Configuration, chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run Airflow with both teams' DAGs; an event of theirs starts our night, and nothing else does."""
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "crm.py").write_text(THEIRS, encoding="utf-8")
    target = tmp_path_factory.mktemp("configuration") / "models"
    models = copy_that_holds(CONFIGURATION, target, without=("gmm", "dbscan"))
    folders = {"theirs": folder, "segmentation": PROJECT / "dags"}
    settings = {
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [{"name": name, "classpath": BUNDLE, "kwargs": {"path": str(path)}} for name, path in folders.items()]
        ),
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",  # or else events of assets would start nothing
        "AIRFLOW_CONN_SEGMENTATION_ALERTS": json.dumps(
            {"conn_type": "http", "host": f"http://127.0.0.1:{chat.port}", "password": "hooks/secret"}
        ),
        "CLUSTERING_CONFIG": str(models),
        "CLUSTERING_NIGHT_ASSETS": "s3://crm/customers",
        "CLUSTERING_NOTIFIER": json.dumps({"classpath": "segmentation_notifier.Webhook"}),
        "CLUSTERING_TRAINING_SCHEDULE": "none",
    }
    with airflow_system(configuration, _prepare, settings) as system:
        system.client.wait_until_ready(("scheduler", "dag-processor"), ("crm", "segment_customers"))
        yield system


def _prepare(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(2_000, seed=1))
    retrain(project, "kmeans")


def nights(system: System) -> list[tuple[str, str]]:
    """Return id and state of our runs that an asset has started, and that have ended."""
    query = "select run_id, state from dag_run where dag_id = 'segment_customers' and run_type = 'asset_triggered'"
    return [row for row in metadata(system, f"{query} order by id") if row[1] in ("success", "failed")]


def load(system: System) -> tuple[str, str]:
    """Run their DAG to its end, and wait for the end of the night that it starts."""
    before = len(nights(system))
    system.client.wait_for_run("crm", system.client.trigger("crm", {}), lambda _: None)
    wait_for(lambda: len(nights(system)) > before, seconds=300)
    return nights(system)[-1]


def test_their_asset_starts_our_night_and_both_work(system: System, chat: Chat) -> None:
    """Their task and ours name assets as anybody would; a setting alone starts the night after theirs."""
    system.sql("update segmentation.promotions set decided_at = '2020-01-01' returning 1")
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    first = system.client.trigger("segment_customers", {"as_of": yesterday, "from_present_rows": True})
    system.client.wait_for_run("segment_customers", first, lambda _: None)
    run, state = load(system)
    assert state == "success"
    today = datetime.now(UTC).date().isoformat()
    links = system.client._get(f"/api/v2/dags/segment_customers/dagRuns/{run}/taskInstances/summary/links")
    assert links["extra_links"]["Segments"].endswith(f"/plugin/segments/segmentation/page?model=kmeans&as_of={today}")
    assert system.sql("select distinct as_of::text from segmentation.current_segments") == [(today,)]
    assert chat.said == []


def test_held_night_is_told_of_once(system: System, chat: Chat) -> None:
    """The task that asks tells of it; the run that ends as failed because of it does not tell so again."""
    chat.said.clear()
    system.sql("delete from customers where customer_id % 2 = 0 returning 1")
    _, state = load(system)
    assert state == "failed"
    wait_for(lambda: chat.about("the night as of "))
    time.sleep(10)  # the DAG processor tells of failed runs within seconds
    assert len(chat.said) == 1, chat.said


def test_failed_night_is_told_of_by_its_own_error(system: System, chat: Chat) -> None:
    """One message has the error's line, its task, the day and the models, and a link to the log."""
    chat.said.clear()
    system.sql("update customers set annual_income = -1 returning 1")
    run, state = load(system)
    assert state == "failed"
    wait_for(lambda: chat.said)
    [told] = chat.said
    assert told.startswith("segment_customers failed: check: ")
    assert "annual_income" in told
    assert f"(as of {datetime.now(UTC).date()}; models: kmeans)" in told
    assert f"/dags/segment_customers/runs/{run}/tasks/check" in unquote(told)
