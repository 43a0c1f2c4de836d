"""Watching, alarms and alerts in the DAGs, task by task in this process."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import yaml
from airflow.sdk import BaseNotifier

from clustering.config import PROJECT
from tests.dags.nights import Night
from tests.paths import CONFIGURATION

pytestmark = pytest.mark.timeout(240, method="thread")

SHIFT = (
    "update customers set annual_income = annual_income + 0.8 * (select stddev(annual_income) from customers"
    " where annual_income between 0 and 1e9)"
)
EVENTS = """
select event.extra from asset_event as event join asset on asset.id = event.asset_id
where asset.name = 'segmentation.drift'
"""


SPREAD = """
update customers
set annual_income = 10000 + customer_id * 7919 % 80000, spending_score = 1 + customer_id * 104729 % 97
where annual_income is not null
"""


class Told(BaseNotifier):
    """Keeps what it is told, as a class of an operator's own would send it."""

    template_fields = ("subject", "text")
    messages: ClassVar[list[tuple[str, str]]] = []

    def __init__(
        self, subject: str = "{{ alert.subject }}", text: str = "{{ alert.text }}", fail: bool = False
    ) -> None:
        super().__init__()
        self.subject, self.text, self.fail = subject, text, fail

    def notify(self, context: Any) -> None:
        """Keep the message, or fail to."""
        if self.fail:
            raise ConnectionError("nobody there")
        self.messages.append((self.subject, self.text))


class ToldLater(Told):
    """The same for the triggerer's loop."""

    async def async_notify(self, context: Any) -> None:
        """Keep the message."""
        self.messages.append((f"later: {self.subject}", self.text))


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, str]]]:
    """Return the list of what was told."""
    use(monkeypatch, "Told")
    Told.messages.clear()
    yield Told.messages
    Told.messages.clear()


def use(monkeypatch: pytest.MonkeyPatch, name: str, **kwargs: Any) -> None:
    """Configure a notifier of this module."""
    monkeypatch.setenv("CLUSTERING_NOTIFIER", json.dumps({"classpath": f"{__name__}.{name}", "kwargs": kwargs}))


def drift_events() -> list[Any]:
    """Return what came with the events of the asset drift."""
    from airflow.utils.session import create_session
    from sqlalchemy import text

    with create_session() as session:
        return [row[0] for row in session.execute(text(EVENTS))]


def test_quiet_night_tells_nothing(trained_night: Night, told: list[tuple[str, str]]) -> None:
    """The checks are written, no event is sent, nobody is told."""
    before = len(drift_events())
    segmented = trained_night.run("segment_customers")
    assert segmented.state == "success"
    assert segmented.tasks["watch"] == ["success"]
    assert trained_night.sql("select bool_or(alarm), count(*) > 5 from segmentation.drift_checks") == [(False, True)]
    assert len(drift_events()) == before
    assert told == []


def test_drift_is_told_and_sends_an_event(trained_night: Night, told: list[tuple[str, str]]) -> None:
    """One event with the models, one message; the next day there is a message and no event."""
    before = len(drift_events())
    trained_night.sql(SHIFT)
    trained_night.sql("update segmentation.promotions set decided_at = '2020-01-01'")
    today = datetime.now(UTC).date()
    first, second = (today - timedelta(days=2)).isoformat(), (today - timedelta(days=1)).isoformat()
    past = trained_night.run("segment_customers", as_of=first, from_present_rows=True)
    assert past.tasks["watch"] == ["success"]
    sent = drift_events()[before:]
    assert len(sent) == 1
    event = json.loads(sent[0]) if isinstance(sent[0], str) else sent[0]
    assert event["models"] == ["kmeans"]
    assert event["as_of"] == first
    past = trained_night.run("segment_customers", as_of=second, from_present_rows=True)
    assert past.tasks["watch"] == ["success"]
    assert len(drift_events()) == before + 1
    assert [subject for subject, _ in told] == [f"customers have drifted as of {day}" for day in (first, second)]
    assert "retraining kmeans (run " in told[0][1]


def test_model_that_is_left_out_is_told(trained_night: Night, told: list[tuple[str, str]]) -> None:
    """The files of one champion are gone: the other model is published, the run succeeds, and one message says why."""
    trained_night.sql(
        "insert into segmentation.model_versions (model, version, status, structure, algorithm, features, settings,"
        " metrics, clusters, artifact, artifact_sha256, sample_rows, sample_sha256, library_versions)"
        " select 'gmm', 1, 'champion', structure, algorithm, features, settings, metrics, clusters,"
        " 'gmm/1-000000000000', repeat('0', 64), sample_rows, sample_sha256, library_versions"
        " from segmentation.model_versions"
    )
    segmented = trained_night.run("segment_customers", models=None)
    assert segmented.state == "success"
    assert trained_night.sql("select distinct model from segmentation.current_segments") == [("kmeans",)]
    [(subject, text)] = told
    assert subject.startswith("gmm not labelled as of ")
    assert "cannot be read" in text


def test_dry_run_is_not_watched(trained_night: Night, told: list[tuple[str, str]]) -> None:
    """Whatever the customers are like, a dry run tells nothing and sends no event."""
    before = len(drift_events())
    trained_night.sql(SHIFT)
    segmented = trained_night.run("segment_customers", dry_run=True)
    assert segmented.state == "success"
    assert segmented.tasks["watch"] == ["skipped"]
    assert len(drift_events()) == before
    assert told == []


def test_failed_watch_does_not_fail_the_night(trained_night: Night, told: list[tuple[str, str]]) -> None:
    """The night is published and successful; that nobody was told of its drift is there to be seen, and told."""
    trained_night.sql(SHIFT)
    trained_night.sql("alter table segmentation.retraining_requests rename as_of to gone")
    segmented = trained_night.run("segment_customers")
    assert segmented.tasks["watch"] == ["failed"]
    assert segmented.state == "success"
    assert trained_night.sql("select distinct model from segmentation.current_segments") == [("kmeans",)]
    [(subject, text)] = told
    assert subject == "segment_customers: watch failed"
    assert "as_of" in text


def test_alert_that_cannot_be_sent_fails_nothing(trained_night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chat is down: the watch succeeds, and the retraining is asked for all the same."""
    use(monkeypatch, "Told", fail=True)
    before = len(drift_events())
    trained_night.sql(SHIFT)
    assert trained_night.run("segment_customers").tasks["watch"] == ["success"]
    assert len(drift_events()) == before + 1


def test_alert_says_what_it_has_to_say(
    monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str]], caplog: pytest.LogCaptureFixture
) -> None:
    """By a notifier of its own templates, in the triggerer's loop by either face, or in the log alone."""
    from segmentation_notifier import Alert

    context = {"dag_run": {"dag_run_id": "manual__1"}}
    Alert("late", "not {{ done }}")(dict(context))
    assert told == [("late", "not {{ done }} (run manual__1)")]

    async def wait(alert: Alert) -> None:
        await alert

    asyncio.run(wait(Alert("late", "again", context=dict(context))))
    assert told[1:] == [("late", "again (run manual__1)")]
    use(monkeypatch, "ToldLater")
    asyncio.run(wait(Alert("late", "again", context=dict(context))))
    assert told[2:] == [("later: late", "again (run manual__1)")]
    monkeypatch.delenv("CLUSTERING_NOTIFIER")
    Alert("late", "unsent")({})
    assert told[3:] == []


@pytest.mark.slow
def test_first_version_of_all_that_is_refused_is_told(
    night: Night,
    told: list[tuple[str, str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Customers without groups: the log of the training and the alert say why in one line, with the way to it.

    The next week the log alone says so.
    """
    shutil.copytree(CONFIGURATION, tmp_path / "models")
    kmeans = tmp_path / "models" / "kmeans.yaml"
    declared = yaml.safe_load(kmeans.read_text()) | {"clusters": [2, 3], "when_no_structure": "refuse"}
    kmeans.write_text(yaml.safe_dump(declared))
    monkeypatch.setenv("CLUSTERING_CONFIG", str(tmp_path / "models"))
    night.sql(SPREAD)
    trained = night.run("retrain_models", models=["kmeans"])
    assert (trained.state, trained.tasks["each_model.announce"]) == ("success", ["skipped"])
    link = "/plugin/segments/segmentation/compare?model=kmeans&latter=1"
    [(subject, text)] = told
    assert subject == "kmeans version 1 was refused"
    assert text.startswith("no cluster structure")
    assert "declares clusters: " in text
    assert "So no version is in use; the same cause is not told of again (run " in text
    assert text.endswith(link)
    printed = capfd.readouterr()
    lines = [line for line in f"{printed.out}{printed.err}{caplog.text}".splitlines() if "version 1 finds" in line]
    assert lines
    assert all("finds no cluster structure" in line and link in line for line in lines)
    night.sql("delete from customers where customer_id % 50 = 0")
    assert night.run("retrain_models", models=["kmeans"]).state == "success"
    assert night.sql("select count(distinct reason) from segmentation.promotions where decision = 'refused'") == [(2,)]
    assert len(told) == 1


def test_refused_version_beside_a_champion_says_that_it_stays(told: list[tuple[str, str]]) -> None:
    """Whoever reads it knows what the next night labels with."""
    from segmentation_alerts import alert_of_refusal

    decided = {"model": "gmm", "version": 3, "reason": "too small"}
    alert_of_refusal(decided, {"champion_version_id": 7}, "http://airflow/compare", {})
    assert told == [
        (
            "gmm version 3 was refused",
            "too small. So the version in use stays; the same cause is not told of again http://airflow/compare",
        ),
    ]


@pytest.mark.parametrize(
    ("connection", "address"),
    [
        (
            {"conn_type": "http", "host": "https://hooks.example.com", "password": "services/T0/B0"},
            "https://hooks.example.com/services/T0/B0",
        ),
        ({"conn_type": "http", "host": "http://127.0.0.1:81/"}, "http://127.0.0.1:81/"),
    ],
)
def test_address_of_a_webhook(connection: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The secret path is kept as the connection's password."""
    from airflow.sdk import Connection

    from segmentation_notifier import webhook_address

    monkeypatch.setenv("AIRFLOW_CONN_SEGMENTATION_ALERTS", json.dumps(connection))
    assert webhook_address(Connection.get("segmentation_alerts")) == address


def test_night_has_a_deadline_and_both_dags_tell_of_failures() -> None:
    """What Airflow needs to know of late and failed runs is declared."""
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(PROJECT / "dags")
    deadlines: Any = bag.dags["segment_customers"].deadline
    [late] = deadlines
    assert late.interval.total_seconds() == 4 * 3600
    assert late.callback.path == "segmentation_notifier.Alert"
    for dag in ("segment_customers", "retrain_models"):
        assert bag.dags[dag].on_failure_callback


def failed_run(*left: dict[str, Any] | None, ask: str = "success") -> dict[str, Any]:
    """Return what a callback sees of a failed run whose tasks have left these notes."""
    from airflow.sdk import DAG

    began = {"run_type": "manual", "run_after": datetime.now(UTC), "logical_date": None}
    run = SimpleNamespace(dag_id="segment_customers", run_id="manual__2", **began)
    states = {"plan": "success", "score": "failed", "ask": ask}
    task = SimpleNamespace(xcom_pull=lambda **_: list(left), get_task_states=lambda **_: {run.run_id: states})
    dag = DAG(run.dag_id, schedule=None)
    params = {"as_of": "2026-01-31", "models": ["kmeans"]}
    return {"dag": dag, "dag_run": run, "run_id": run.run_id, "ti": task, "params": params}


def note(line: str, *, held: bool = False, part: str | None = None) -> dict[str, Any]:
    """Return what a failed task leaves."""
    return {"task": "score", "line": line, "held": held, "part": part, "link": "http://airflow/log"}


def test_failed_run_is_told_by_its_errors(told: list[tuple[str, str]]) -> None:
    """One message has each error's own line once, the task, the day, the models, and a link to the log."""
    from segmentation_alerts import alert_of_run

    alert_of_run(failed_run(None, note("a shard is gone"), note("a shard is gone"), note("no file", part="gmm")))
    [(subject, text)] = told
    assert subject == "segment_customers failed"
    assert text.startswith("score: a shard is gone; score of gmm: no file (as of 2026-01-31; models: kmeans)")
    assert text.endswith(" http://airflow/log")


def test_held_night_is_not_told_of_as_failed(told: list[tuple[str, str]]) -> None:
    """The task that asks a person has told of it; a second error is told of all the same."""
    from segmentation_alerts import alert_of_run

    alert_of_run(failed_run(note("half are missing", held=True)))
    assert told == []
    alert_of_run(failed_run(note("half are missing", held=True), note("no memory")))
    assert len(told) == 1


@pytest.mark.parametrize("left", [["the warehouse is away"], []])
def test_held_night_that_nobody_was_asked_about_is_told_of(left: list[str], told: list[tuple[str, str]]) -> None:
    """The task that asks failed by an error of its own, or was killed: the run's one message says that it is held."""
    from airflow.dag_processing.dagbag import DagBag

    from segmentation_alerts import alert_of_run, note_failure

    ask = DagBag(PROJECT / "dags").dags["segment_customers"].task_dict["ask"]
    assert ask.on_failure_callback == [note_failure]
    alert_of_run(failed_run(note("half are missing", held=True), *map(note, left), ask="failed"))
    [(subject, text)] = told
    assert subject == "segment_customers failed"
    assert all(line in text for line in ("half are missing", *left))


def test_run_whose_tasks_left_nothing_is_told_of(told: list[tuple[str, str]]) -> None:
    """A worker that was killed has no error: the message names the task and the run's page."""
    from segmentation_alerts import alert_of_run

    alert_of_run(failed_run())
    [(_, text)] = told
    assert text.startswith("score was ended from outside")
    assert text.endswith("/dags/segment_customers/runs/manual__2")
    told.clear()
    bare = failed_run()
    alert_of_run({"dag": bare["dag"], "run_id": "manual__2"})  # what Airflow has where no task began
    assert told[0][1].startswith("a task was ended from outside or never started")


def test_summary_of_a_run_without_a_right_date_has_none(bag: Any) -> None:
    """Whoever reads what the task returns gets a date or nothing, and no word in the place of a date."""
    from airflow.sdk.execution_time.context import set_current_context

    context: Any = {**failed_run(), "params": {"as_of": "today"}}
    with set_current_context(context):
        told = bag.dags["segment_customers"].task_dict["summary"].python_callable(ti=context["ti"])
    assert told == {
        "as_of": None,
        "status": "failed",
        "models": [],
        "line": "nothing published: nothing was planned",
    }


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ("ConfigurationError", "the file is wrong"),
        ("ValueError", "ValueError: the file is wrong"),
        (None, "ended from outside: see its log"),
    ],
)
def test_error_is_told_in_one_line(error: str | None, line: str) -> None:
    """Ours as they are, others with their kind, and of none more than the first line."""
    from clustering import errors
    from segmentation_alerts import line_of

    kind = getattr(errors, error, ValueError) if error else None
    assert line_of(kind("\n  the file is wrong\nDETAIL: a customer's row") if kind else None) == line


def test_alert_of_rejected_rows_has_no_value_of_a_customer() -> None:
    """Chat, mail and XCom are told the column, the reason and how many rows; the error itself has the examples."""
    from clustering.config import Column, Contract
    from clustering.customers import Rejection
    from clustering.scoring.refused_runs import too_many_rejected
    from segmentation_alerts import line_of

    columns = {"id": Column(type="bigint", role="key"), "age": Column(type="integer", role="cluster")}
    found = [Rejection("age", "wrong_type", 70, "secretive"), Rejection("id", "duplicate_key", 20, "4711")]
    shard: Any = SimpleNamespace(rejections=found)
    error = too_many_rejected(Contract(table="shop", columns=columns), [shard], read=100, rejected=90)
    assert all(example in str(error) for example in ("secretive", "4711"))
    line = line_of(error)
    assert not any(example in line for example in ("secretive", "4711"))
    assert line.startswith(
        "90 of 100 rows were rejected: age has the wrong type (allowed: a whole number), wrong_type 70 rows; id "
    )
    assert line.endswith("rejected_customers has the rows: correct the source or the contract")


def test_severities_have_notifiers_of_their_own(monkeypatch: pytest.MonkeyPatch, told: list[tuple[str, str]]) -> None:
    """What can wait goes elsewhere than what readers wait for."""
    from segmentation_alerts import alert

    kwargs = {"subject": "page: {{ alert.subject }}", "text": "{{ alert.severity }}"}
    told_by = json.dumps({"classpath": f"{__name__}.Told", "kwargs": kwargs})
    monkeypatch.setenv("CLUSTERING_NOTIFIER_CRITICAL", told_by)
    alert("late", "not done", {})
    alert("drift", "moved", {}, severity="warning")
    assert told == [("page: late", "critical"), ("drift", "moved")]


def test_only_configured_models_are_retrained() -> None:
    """What an event names and is no longer configured is left out; without an event, all are chosen."""
    from segmentation_assets import CHAMPIONS, DRIFT
    from segmentation_definitions import alarmed_models

    events = [SimpleNamespace(extra={"models": ["kmeans", "gone"]}), SimpleNamespace(extra={"models": ["gmm"]})]
    assert alarmed_models({DRIFT: events}) == ["gmm", "kmeans"]
    assert alarmed_models({CHAMPIONS: events}) == []


def test_lineage_leads_from_customers_to_segments(bag: Any) -> None:
    """Each step of the night names what it reads and what it writes."""

    def ours(*names: str) -> set[str]:
        return {f"segmentation.{name}" for name in names}

    tasks = bag.dags["segment_customers"].task_dict
    named = {
        name: ({asset.name for asset in tasks[name].inlets}, {asset.name for asset in tasks[name].outlets})
        for name in ("plan", "publish", "watch")
    }
    assert named == {
        "plan": (ours("customers", "champions"), set()),
        "publish": (
            ours("customers", "customer_labels"),
            ours("customer_labels", "segments", "segment_history"),
        ),
        "watch": (ours("customer_labels", "segments"), ours("drift_alarms")),
    }
