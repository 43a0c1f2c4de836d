"""Drift and alarms under the real scheduler: what starts a retraining, what does not, and who is told of what."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
import yaml

from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.dags.system import System, airflow_system, nobody_writes, wait_for
from tests.paths import CONFIGURATION
from tests.projects import Project, retrain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900, method="thread")]

SHIFT = (
    "update customers set annual_income = annual_income + 0.5 * (select stddev(annual_income) from customers"
    " where annual_income between 0 and 1e9)"
)
FIRST = datetime.now(UTC).date() - timedelta(days=10)


@dataclass
class Chat:
    """A webhook that keeps what it is told."""

    said: list[str] = field(default_factory=list)
    port: int = 0

    def about(self, subject: str) -> list[str]:
        """Return the messages whose subject begins so."""
        return [text for text in self.said if text.startswith(subject)]


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    """Listen on a port of this machine."""
    chat = Chat()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/hooks/secret":
                chat.said.append(json.loads(body)["text"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing on stderr."""

    server = HTTPServer(("127.0.0.1", 0), Hook)
    chat.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield chat
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def system(configuration: Configuration, chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run Airflow with one model, its triggerer, and the chat to tell of alarms."""
    directory = Path(
        shutil.copytree(CONFIGURATION, tmp_path_factory.mktemp("configuration") / "models", ignore=_only_kmeans)
    )
    kmeans = yaml.safe_load((directory / "kmeans.yaml").read_text())
    (directory / "kmeans.yaml").write_text(yaml.safe_dump(kmeans | {"clusters": 5, "n_init": 10, "sample_rows": 3_000}))
    address = {"conn_type": "http", "host": f"http://127.0.0.1:{chat.port}", "password": "hooks/secret"}
    settings = {
        "CLUSTERING_CONFIG": str(directory),
        "CLUSTERING_NOTIFIER": json.dumps({"classpath": "segmentation_notifier.Webhook"}),
        "AIRFLOW_CONN_SEGMENTATION_ALERTS": json.dumps(address),
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",  # or else events of assets would start nothing
        # Soon after its time a schedule starts a run at once, of today, and the nights of the tests would be past ones.
        "CLUSTERING_NIGHT_SCHEDULE": "none",
        "CLUSTERING_TRAINING_SCHEDULE": "none",
    }
    with airflow_system(configuration, _prepare, settings) as system:
        system.components.start("triggerer", "--skip-serve-logs")
        yield system


def _prepare(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(20_000, seed=1))
    retrain(project, "kmeans")


def _only_kmeans(_: Any, names: list[str]) -> set[str]:
    return {"gmm.yaml", "dbscan.yaml"} & set(names)


def trigger(system: System, days: int) -> str:
    """Start the night of a date so many days after the first, on the customers and with the champion of now."""
    system.sql("update segmentation.promotions set decided_at = '2020-01-01' returning 1")
    conf = {"as_of": (FIRST + timedelta(days=days)).isoformat(), "from_present_rows": True}
    return str(system.client.trigger("segment_customers", conf))


def night(system: System, days: int) -> None:
    """Run such a night to its end."""
    system.client.wait_for_run("segment_customers", trigger(system, days), lambda _: None)


def retrainings(system: System) -> list[tuple[str, str]]:
    """Return id and state of the retraining runs that an asset has started."""
    rows = metadata(system, "select run_id, state, run_type from dag_run where dag_id = 'retrain_models' order by id")
    return [row[:2] for row in rows if row[2] == "asset_triggered"]


def metadata(system: System, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run a statement on Airflow's own records, and return its rows."""
    url = urlsplit(system.project.warehouse.uri)
    own = urlunsplit(url._replace(path=f"{url.path}_airflow"))
    with closing(psycopg2.connect(own)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall()) if cursor.description else []


def test_an_alarm_starts_one_retraining_in_the_interval(system: System, chat: Chat) -> None:
    """A quiet night starts nothing; drift retrains the model that drifted; the next night's alarm only tells of it."""
    night(system, 0)
    assert system.sql("select bool_or(alarm), count(*) > 5 from segmentation.drift_checks") == [(False, True)]
    assert retrainings(system) == []
    assert chat.said == []

    system.sql(SHIFT)
    night(system, 1)
    wait_for(lambda: [state for _, state in retrainings(system) if state in ("success", "failed")], seconds=120)
    [(run, state)] = retrainings(system)
    assert state == "success"
    [(began,)] = metadata(system, "select start_date from dag_run where run_id = %s", run)
    trained = "select model from segmentation.model_versions where trained_at >= %s"
    assert system.project.sql(trained, began) == [("kmeans",)]
    [told] = chat.about("customers have drifted")
    assert f"as of {FIRST + timedelta(days=1)}" in told
    assert "distribution of annual_income" in told
    assert "retraining kmeans (run " in told

    system.sql("update customers set annual_income = annual_income / 2")
    night(system, 2)
    alarms = "select bool_or(alarm) from segmentation.drift_checks where as_of = %s"
    assert system.project.sql(alarms, FIRST + timedelta(days=2)) == [(True,)]
    time.sleep(5)  # the scheduler looks for new events several times a second
    assert retrainings(system) == [(run, "success")]
    assert "nothing is retrained now" in chat.about("customers have drifted")[-1]

    night(system, 8)
    wait_for(lambda: len(retrainings(system)) == 2, seconds=30)


def test_a_late_night_is_told_of(system: System, chat: Chat) -> None:
    """When the deadline passes while the night runs, the triggerer tells of it, and the night goes on."""
    with nobody_writes(system.project.warehouse.uri, "segments"):  # which publishing does
        run = trigger(system, 9)
        wait_for(lambda: system.sql("select run_id from segmentation.scoring_runs where status = 'running'"))
        (left,) = metadata(system, "select round(extract(epoch from deadline_time - now()) / 3600) from deadline")[0]
        assert left == 4
        metadata(system, "update deadline set deadline_time = now() - interval '1 second'")
        wait_for(lambda: chat.about("segment_customers is late"))
    assert run in chat.about("segment_customers is late")[0]
    system.client.wait_for_run("segment_customers", run, lambda _: None)


def test_a_failed_night_is_told_of(system: System, chat: Chat) -> None:
    """A run that fails for good is told of once, by its id."""
    system.sql("update customers set annual_income = -1")
    run = trigger(system, 10)
    wait_for(lambda: system.client.run_state("segment_customers", run).state == "failed", seconds=120)
    wait_for(lambda: chat.about("segment_customers failed"))
    [told] = chat.about("segment_customers failed")
    assert run in told
