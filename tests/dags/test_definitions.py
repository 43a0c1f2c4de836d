"""What the DAGs share."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from clustering.errors import ConfigurationError

LATE = datetime(2026, 11, 21, 23, 30, tzinfo=UTC)


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
    """The date asked for comes first, then the partition, then the run's own date where the DAG lives."""
    from segmentation_definitions import business_date

    assert business_date(asked, partition_key, LATE, ZoneInfo(zone)) == expected


def test_partition_that_is_no_date_is_refused() -> None:
    """A partition key of another kind names itself."""
    from segmentation_definitions import business_date

    with pytest.raises(ConfigurationError, match="the partition key is 'north'"):
        business_date(None, "north", LATE, UTC)


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
    from segmentation_definitions import workers

    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "LocalExecutor")
    assert workers() == 4
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    assert workers() == 16
    monkeypatch.setenv("AIRFLOW__CORE__PARALLELISM", "9")
    assert workers() == 9
