"""What the DAGs share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clustering.errors import ConfigurationError

LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Run:
    """What a task sees of its DAG run."""

    run_after: datetime
    run_type: str = "scheduled"
    logical_date: datetime | None = None


@dataclass(frozen=True)
class Event:
    """What a task sees of an event of an asset."""

    extra: dict[str, Any] | None


@pytest.mark.parametrize(
    ("asked", "partition_key", "zone", "expected"),
    [
        (None, None, "UTC", date(2026, 11, 21)),
        (None, None, "Europe/Berlin", date(2026, 11, 22)),
        (None, "2026-11-01", "Europe/Berlin", date(2026, 11, 1)),
        ("2026-10-31", "2026-11-01", "Europe/Berlin", date(2026, 10, 31)),
    ],
)
def test_business_date(asked: str | None, partition_key: str | None, zone: str, expected: date) -> None:
    """The date asked for comes first, then the partition, then the day on which the run began, where the DAG lives."""
    from segmentation_days import business_date

    assert business_date(asked, partition_key, Run(LATE), ZoneInfo(zone)) == expected


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("UTC", date(2026, 11, 19)),
        ("Pacific/Tongatapu", date(2026, 11, 20)),  # UTC+13
        ("America/Los_Angeles", date(2026, 11, 19)),
    ],
)
def test_day_of_the_logical_date_is_the_one_where_the_dag_lives(zone: str, day: date) -> None:
    """What the form's first field says chooses the day, unless a date is asked for, and words say which it was."""
    from segmentation_days import business_date, named_day

    noon = datetime(2026, 11, 19, 23, 0, tzinfo=UTC)  # 20 November, 12:00, in a browser of Tonga
    run = Run(LATE, "manual", noon)
    assert business_date(None, None, run, ZoneInfo(zone)) == day
    assert named_day(day, None, None, run, ZoneInfo(zone)).endswith(f"({day}): the day of the logical date in {zone}")
    asked = business_date("2026-11-21", None, run, ZoneInfo(zone))
    assert asked == date(2026, 11, 21)
    told = named_day(asked, "2026-11-21", None, run, ZoneInfo(zone))
    assert told == f"Saturday, 21 November 2026 (2026-11-21): as_of, which goes before the logical date, {day}"


@pytest.mark.parametrize(
    ("logical", "as_of", "past"),
    [
        (LATE - timedelta(days=1), date(2026, 11, 20), True),  # a day that a person has picked
        (LATE - timedelta(days=1), date(2026, 11, 21), False),  # asked for: the day on which the run began
        (datetime(2026, 11, 21, 23, 50, tzinfo=UTC), date(2026, 11, 21), False),
    ],
)
def test_how_fresh_a_night_is_counts_from_when_it_ran(logical: datetime, as_of: date, past: bool) -> None:
    """A picked day is past although its run has just begun; a form that was opened before midnight is not."""
    from segmentation_days import end_of_past_date

    began = LATE if logical < LATE else datetime(2026, 11, 22, 0, 10, tzinfo=UTC)
    found = end_of_past_date(as_of, Run(began, "manual", logical), timezone=UTC, now=began + timedelta(hours=1))
    assert (found is not None) is past


def test_partition_that_is_no_date_is_refused() -> None:
    """A partition key of another kind names itself."""
    from segmentation_days import business_date

    with pytest.raises(ConfigurationError, match="the partition key is 'north'"):
        business_date(None, "north", Run(LATE), UTC)


def test_one_date_for_a_whole_backfill_is_refused() -> None:
    """Runs of a backfill with the same date would take one another's place."""
    from segmentation_days import business_date

    with pytest.raises(ConfigurationError, match="as_of is '2026-11-01', but each run of a backfill has its own date"):
        business_date("2026-11-01", None, Run(LATE, "backfill"), UTC)


@pytest.mark.parametrize(
    ("as_of", "run_type", "hours_later", "zone", "ended"),
    [
        ("2026-11-22", "scheduled", 0, "Europe/Berlin", None),
        ("2026-11-22", "scheduled", 23.9, "Europe/Berlin", None),
        ("2026-11-22", "scheduled", 24, "Europe/Berlin", "2026-11-23T00:00:00+01:00"),
        ("2026-11-21", "scheduled", 23.9, "UTC", None),
        ("2026-11-21", "manual", 1, "UTC", None),
        ("2026-11-21", "backfill", 1, "UTC", "2026-11-22T00:00:00+00:00"),
        ("2026-11-21", "backfill", 0, "UTC", None),
        ("2026-11-20", "manual", 0, "UTC", "2026-11-21T00:00:00+00:00"),
        ("2026-11-21", "manual", 0, "Europe/Berlin", "2026-11-22T00:00:00+01:00"),
    ],
)
def test_dates_that_are_past(as_of: str, run_type: str, hours_later: float, zone: str, ended: str | None) -> None:
    """A late night keeps its own date for a day; a date that is asked for, or backfilled, is past when it has ended."""
    from segmentation_days import end_of_past_date

    now = LATE + timedelta(hours=hours_later)
    found = end_of_past_date(date.fromisoformat(as_of), Run(LATE, run_type), timezone=ZoneInfo(zone), now=now)
    assert (found and found.isoformat()) == ended


def test_date_that_has_not_begun_in_the_zone_of_the_dag_is_refused() -> None:
    """It is tomorrow where the DAG lives, whatever date it is elsewhere."""
    from segmentation_days import end_of_past_date

    with pytest.raises(ConfigurationError, match="as_of is 2026-11-22, which is still to come: it is 2026-11-21"):
        end_of_past_date(date(2026, 11, 22), Run(LATE, "manual"), timezone=ZoneInfo("UTC"), now=LATE)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Asia/Tokyo"])
def test_backfilled_runs_have_the_dates_of_their_nights(bag: Any, zone: str) -> None:
    """Airflow's backfill makes a run a night, which stands for its local date, also where the clocks change."""
    from airflow.sdk import CronTriggerTimetable
    from airflow.serialization.serialized_objects import DagSerialization

    from segmentation_days import business_date

    night = bag.dags["segment_customers"]
    night.timetable = CronTriggerTimetable(night.timetable.expression, timezone=zone)
    dag = DagSerialization.from_dict(DagSerialization.to_dict(night))
    first, end = (datetime(2026, 3, day, tzinfo=ZoneInfo(zone)) for day in (28, 31))
    runs = [Run(info.run_after, "backfill") for info in dag.iter_dagrun_infos_between(first, end)]
    assert [business_date(None, None, run, ZoneInfo(zone)).day for run in runs] == [28, 29, 30]


@pytest.mark.parametrize(
    ("connection", "url"),
    [
        ("postgres://ann:s%2Fe@db.example:5433/dwh", "postgresql://ann:s%2Fe@db.example:5433/dwh"),
        ("postgresql://postgres@/shop?host=/run/postgresql", "postgresql://postgres@/shop?host=%2Frun%2Fpostgresql"),
        (
            '{"conn_type": "postgres", "host": "/run/postgresql", "login": "ann", "schema": "shop"}',
            "postgresql://ann@/shop?host=%2Frun%2Fpostgresql",
        ),
        (
            '{"conn_type": "postgres", "host": "db", "schema": "shop", "extra": {"sslmode": "require"}}',
            "postgresql://db/shop?sslmode=require",
        ),
    ],
)
def test_connection_becomes_a_url(connection: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow's connection is read whole: special characters, a directory with a socket, further settings."""
    from segmentation_definitions import warehouse_url

    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", connection)
    assert warehouse_url() == url


def test_connection_of_another_kind_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is not one of PostgreSQL says what it is, and not its password."""
    from segmentation_definitions import warehouse_url

    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", "mysql://ann:secret@db/dwh")
    with pytest.raises(ConfigurationError, match="'mysql'") as caught:
        warehouse_url()
    assert "secret" not in str(caught.value)


def test_workers_are_no_more_than_the_cores_of_one_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """LocalExecutor shares one machine; with Celery, Airflow's own limits hold."""
    from segmentation_schedules import workers

    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    assert workers() == 4
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert workers() == 16
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "9")
    assert workers() == 9


@pytest.mark.parametrize("extra", [None, {}, {"from_rest_api": True}, {"models": []}])
def test_event_of_drift_made_by_hand_trains_all(extra: Any, caplog: pytest.LogCaptureFixture) -> None:
    """An event that names no model is no error, and the log says what it leads to."""
    from segmentation_assets import DRIFT
    from segmentation_definitions import alarmed_models

    with caplog.at_level("INFO"):
        assert alarmed_models({DRIFT: [Event(extra)]}) == []
    assert "names no model: all of them are trained" in caplog.text


def test_event_of_drift_that_names_unknown_models_alone_trains_nothing() -> None:
    """The task is skipped, with the names; one model that is configured suffices to train that one."""
    from airflow.sdk.exceptions import AirflowSkipException

    from segmentation_assets import DRIFT
    from segmentation_definitions import alarmed_models

    gone = Event({"models": ["gone", "former"]})
    with pytest.raises(AirflowSkipException, match="drift was told of former, gone, and no such model is configured"):
        alarmed_models({DRIFT: [gone]})
    assert alarmed_models({DRIFT: [gone, Event({"models": ["kmeans"]})]}) == ["kmeans"]


@pytest.mark.parametrize("path", ["", "/airflow"])
def test_link_of_a_run_has_the_whole_path_of_the_page_in_airflows_frame(
    path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind less than that, Airflow shows what holds now in the place of the run's date."""
    from segmentation_links import page_address

    monkeypatch.setenv("AIRFLOW__API__BASE_URL", f"https://jobs.example.com{path}/")
    place = f"https://jobs.example.com{path}/plugin/segments"
    assert page_address({"models": ["dbscan", "gmm"], "as_of": "2026-11-21"}) == (
        f"{place}{path}/segmentation/page?model=dbscan&as_of=2026-11-21"
    )
    assert page_address({"models": [], "as_of": "2026-11-21"}) == place
