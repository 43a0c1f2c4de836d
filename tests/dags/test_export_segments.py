"""The DAG export_segments sends audiences: by hand in this process, after a night under the real scheduler."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.dags.nights import Night, read_dags
from tests.dags.system import System, airflow_system, wait_for
from tests.days import today, yesterday
from tests.paths import CONFIGURATION
from tests.projects import Project, retrain

pytestmark = pytest.mark.timeout(240, method="thread")

COMMON = {"model": "kmeans", "columns": ["customer_id", "segment_name"], "consent": {"waived": "a test"}}
AUDIENCES = {
    "everybody": {**COMMON, "destination": "drop", "path": "everybody/{as_of}.csv"},
    "movers": {**COMMON, "destination": "drop", "path": "movers/{as_of}.jsonl", "rows": "changes"},
    "elsewhere": {**COMMON, "destination": "crm", "path": "now.csv"},
}
PASSWORD = "tulip#spade"  # noqa: S105 (of nothing)


def declare(directory: Path, **audiences: Any) -> Path:
    """Write a configuration of K-Means with these audiences, and return it."""
    shutil.copytree(CONFIGURATION, directory, ignore=lambda *_: {"gmm.yaml", "dbscan.yaml"})
    kmeans = yaml.safe_load((directory / "kmeans.yaml").read_text())
    (directory / "kmeans.yaml").write_text(yaml.safe_dump(kmeans | {"clusters": 5, "n_init": 10, "sample_rows": 3_000}))
    if audiences:
        declared = {"destinations": ["drop", "crm"], "audiences": audiences}
        (directory / "exports.yaml").write_text(yaml.safe_dump(declared))
    return directory


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder behind the connection `drop`; `crm` has a secret, and leads nowhere."""
    (found := tmp_path / "drop").mkdir()
    monkeypatch.setenv("AIRFLOW_CONN_DROP", json.dumps({"conn_type": "fs", "extra": {"path": str(found)}}))
    crm = {"conn_type": "fs", "password": PASSWORD, "extra": {"uri": f"file://{tmp_path}/crm"}}
    monkeypatch.setenv("AIRFLOW_CONN_CRM", json.dumps(crm))
    return found


@pytest.fixture
def exporting(trained_night: Night, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Night:
    """Return DAGs with three audiences, and a published night of today."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(declare(tmp_path / "models", **AUDIENCES)))
    night = replace(trained_night, bag=read_dags())
    assert night.run("segment_customers").state == "success"
    return night


def written(folder: Path) -> list[str]:
    """Return the files below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_every_audience_is_a_task_and_one_that_fails_keeps_none_back(
    exporting: Night, folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can be sent is sent; the other is tried again, tells no secret, and sends when its folder is there."""
    done = exporting.run("export_segments")
    assert (done.state, done.tasks) == ("failed", {"choose": ["success"], "send": ["failed", "success", "success"]})
    assert done.tries["send"] == [4, 1, 1]
    assert written(folder) == [f"everybody/{today()}.csv", f"movers/{today()}.jsonl"]
    told = capfd.readouterr()
    assert "is no folder" in told.out + told.err
    assert PASSWORD not in told.out + told.err
    (folder.parent / "crm").mkdir()
    again = exporting.run("export_segments", audiences=["elsewhere"], as_of=today().isoformat())
    assert (again.state, again.tasks["send"]) == ("success", ["success"])
    actors = exporting.sql("select distinct split_part(actor, ' ', 2) from segmentation.audit_log")
    assert ("(export_segments",) in actors
    counts = exporting.sql("select audience, status, count(*) from segmentation.exports group by 1, 2 order by 1, 2")
    expected = [("elsewhere", "failed", 4), ("elsewhere", "sent", 1), ("everybody", "sent", 1), ("movers", "sent", 1)]
    assert counts == expected


def test_connection_that_is_not_there_fails_at_once(
    exporting: Night, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names it, and what to do."""
    monkeypatch.delenv("AIRFLOW_CONN_CRM")
    done = exporting.run("export_segments", audiences=["elsewhere"])
    assert (done.state, done.tries["send"]) == ("failed", [1])
    told = capfd.readouterr()
    assert "Airflow has no connection 'crm', a destination of exports.yaml" in told.out + told.err


def test_date_that_is_not_published_is_not_sent(exporting: Night, folder: Path) -> None:
    """A night that is held, or was withdrawn, or never was, is no such date."""
    before = (today() - timedelta(days=3)).isoformat()
    done = exporting.run("export_segments", audiences=["everybody"], as_of=before)
    assert (done.state, done.tries["send"]) == ("failed", [1])
    assert written(folder) == []


@pytest.mark.parametrize("audiences", ["everybody", ["everyone"], ["everybody", "everybody"]])
def test_audience_that_is_not_declared_is_refused(exporting: Night, audiences: Any) -> None:
    """The form offers those that are, and a run of others never starts."""
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        exporting.bag.dags["export_segments"].params.get_param("audiences").resolve(audiences)


def test_without_audiences_nothing_starts_it_and_it_says_so(
    night: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The DAG is there, has no schedule, and a run by hand sends nothing."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(declare(tmp_path / "models")))
    without = replace(night, bag=read_dags())
    assert without.bag.import_errors == {}
    assert without.bag.dags["export_segments"].schedule is None
    done = without.run("export_segments")
    assert (done.state, done.tasks) == ("success", {"choose": ["skipped"], "send": ["skipped"]})
    told = capfd.readouterr()
    assert "nothing is sent" in told.out + told.err
    assert "has no exports.yaml" in told.out + told.err
    (tmp_path / "more").mkdir()
    monkeypatch.setenv("CLUSTERING_CONFIG", str(declare(tmp_path / "more" / "models", **AUDIENCES)))
    assert [one.name for one in read_dags().dags["export_segments"].schedule] == ["segmentation.customer_labels"]


@pytest.fixture(scope="module")
def system(configuration: Configuration, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run Airflow with one model and two audiences, whose folder is the last part of the environment."""
    place = tmp_path_factory.mktemp("exports")
    (place / "drop").mkdir()
    sent = {name: audience for name, audience in AUDIENCES.items() if audience["destination"] == "drop"}
    fixed = {"fixed": {**COMMON, "destination": "drop", "path": "now.csv"}}
    settings = {
        "CLUSTERING_CONFIG": str(declare(place / "models", **sent, **fixed)),
        "AIRFLOW_CONN_DROP": json.dumps({"conn_type": "fs", "extra": {"path": str(place / "drop")}}),
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",  # or else events of assets would start nothing
        "CLUSTERING_NIGHT_SCHEDULE": "none",
        "CLUSTERING_TRAINING_SCHEDULE": "none",
    }
    with airflow_system(configuration, _prepare, settings) as system:
        yield system


def _prepare(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(2_000, seed=1))
    retrain(project, "kmeans")


def _runs(system: System) -> list[str]:
    rows = system.sql("select audience || ' ' || as_of || ' ' || status from segmentation.exports order by export_id")
    return [text for (text,) in rows]


@pytest.mark.slow
@pytest.mark.timeout(600, method="thread")
def test_published_night_is_sent_and_a_withdrawn_one_replaced(system: System) -> None:
    """Each night starts one run, which sends what is due; after a withdrawal the fixed file is the date before."""
    before, now = yesterday(), today()
    system.sql("update segmentation.promotions set decided_at = '2020-01-01' returning 1")

    def night(day: Any) -> None:
        conf = {"as_of": day.isoformat(), "from_present_rows": day != now}
        run = system.client.trigger("segment_customers", conf)
        system.client.wait_for_run("segment_customers", run, lambda _: None)

    night(before)
    wait_for(lambda: sorted(_runs(system)) == _all(before), seconds=120)
    night(now)
    wait_for(lambda: sorted(_runs(system)[3:]) == _all(now), seconds=120)
    conf = {"as_of": now.isoformat(), "reason": "a half was missing"}
    system.client.wait_for_run("withdraw_date", system.client.trigger("withdraw_date", conf), lambda _: None)
    wait_for(lambda: _runs(system)[6:] == [f"fixed {before} sent"], seconds=120)


def _all(day: Any) -> list[str]:
    return [f"{name} {day} sent" for name in ("everybody", "fixed", "movers")]
