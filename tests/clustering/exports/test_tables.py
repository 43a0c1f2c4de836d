"""Rows of an audience in a table of another database: all of them or the former ones, and nobody else's."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from clustering.config import Audience, Exports
from clustering.errors import ConfigurationError, DestinationError
from clustering.exports import tables
from clustering.exports.exporting import export_audience
from clustering.exports.tables import url_of_database
from clustering.privacy.forgetting import forget
from clustering.storage.named_connections import NamedConnection
from tests.projects import Project

DATES = ("2026-11-20", "2026-11-21")
COLUMNS = ["customer_id", "segment_name", "confidence", "annual_income"]


@dataclass(frozen=True)
class Crm:
    """Another database, and the connection to it."""

    uri: str
    connection: NamedConnection

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement and return its rows."""
        with closing(psycopg2.connect(self.uri)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []


@pytest.fixture
def crm(create_database: Callable[..., str]) -> Crm:
    """Return an empty database."""
    uri = create_database()
    url = make_url(uri)
    extra = {name: str(value) for name, value in url.query.items()}
    host = url.host or extra.pop("host", None)
    given = NamedConnection("postgres", url.username, "tulip#spade", host, url.port, url.database, extra)
    return Crm(uri, given)


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with a night."""
    appointed_project.night(DATES[0], models=["kmeans"])
    return appointed_project


def send(project: Project, connection: Any, *, audience: str = "shown", **settings: Any) -> dict[str, Any]:
    """Send an audience into the table `loyalists`."""
    told: dict[str, Any] = {"model": "kmeans", "columns": COLUMNS, "destination": "crm", "table": "loyalists"}
    told |= {"consent": {"waived": "a test"}}
    exports = Exports(destinations=("crm",), audiences={audience: Audience.model_validate(told | settings)})
    configuration = project.configuration.model_copy(update={"exports": exports})
    return export_audience(
        project.warehouse,
        configuration,
        audience=audience,
        connections=lambda _: connection,
        requested_by="Ada",
    )


def test_table_is_made_and_replaced_without_doubling(project: Project, crm: Crm) -> None:
    """The types are those of the columns; the same date again has the same rows; another's rows stay."""
    for _ in range(2):
        told = send(project, crm.connection)
    rows = crm.sql("select audience, customer_id, segment_name, confidence, annual_income from loyalists order by 2")
    expected = project.sql("select customer_id from segmentation.customer_segments where model = 'kmeans' order by 1")
    assert [(row[1],) for row in rows] == expected
    assert told["rows"] == len(rows)
    assert told["location"].endswith("loyalists")
    assert {row[0] for row in rows} == {"shown"}
    assert all(isinstance(row[1], int) and isinstance(row[3], float) and row[4] > 0 for row in rows)
    send(project, crm.connection, audience="few", top=3)
    assert crm.sql("select audience, count(*) from loyalists group by 1 order by 1") == [
        ("few", 3),
        ("shown", len(rows)),
    ]
    send(project, crm.connection, min_confidence=1)
    assert crm.sql("select audience, count(*) from loyalists group by 1 order by 1") == [("few", 3)]


def test_dates_stay_where_the_table_has_them(project: Project, crm: Crm) -> None:
    """With as_of each date is replaced by itself; changes have it of those who left too."""
    dated: dict[str, Any] = {"columns": ["customer_id", "as_of", "segment_id"], "table": "crm.dated"}
    crm.sql("create schema crm")
    send(project, crm.connection, **dated)
    send(project, crm.connection, audience="movers", rows="changes", **dated | {"table": "moved"})
    project.sql("delete from customers where customer_id = 10")
    project.night(DATES[1], models=["kmeans"])
    send(project, crm.connection, **dated)
    first, second = crm.sql("select as_of::text, count(*) from crm.dated group by 1 order by 1")
    assert (first[0], second) == (DATES[0], (DATES[1], first[1] - 1))
    for _ in range(2):
        send(project, crm.connection, audience="movers", rows="changes", **dated | {"table": "moved"})
    moved = crm.sql("select as_of::text, change, customer_id, segment_id from moved where change <> 'entered'")
    assert moved == [(DATES[1], "left", 10, None)]


def test_table_with_types_of_its_own_is_kept(project: Project, crm: Crm) -> None:
    """Its columns, types, further columns and rights are the owner's."""
    crm.sql(
        "create table loyalists (id bigserial, audience varchar(20), customer_id text, segment_name text,"
        " confidence numeric(4, 2), annual_income integer)"
    )
    told = send(project, crm.connection)
    counts = "select count(*), max(confidence) <= 1, max(id) from loyalists"
    assert crm.sql(counts) == [(told["rows"], True, told["rows"])]
    crm.sql("alter table loyalists alter segment_name type integer using null")
    with pytest.raises(DestinationError, match=r"did not take the rows: .*integer"):
        send(project, crm.connection)


def test_somebody_elses_table_is_left_alone(project: Project, crm: Crm) -> None:
    """A table without the column that says whose a row is cannot be ours."""
    crm.sql("create table loyalists as select 1 as customer_id")
    with pytest.raises(
        ConfigurationError, match="loyalists has no column audience; it has to have audience, customer_id"
    ):
        send(project, crm.connection)
    assert crm.sql("select * from loyalists") == [(1,)]


def test_what_fails_half_way_leaves_the_former_rows(project: Project, crm: Crm) -> None:
    """A row that the table refuses: the attempt is failed, its values are in no message, and nothing has changed."""
    send(project, crm.connection)
    before = crm.sql("select * from loyalists order by customer_id")
    middle = before[len(before) // 2][1]
    crm.sql(f"alter table loyalists add check (customer_id <> {middle}) not valid")
    with pytest.raises(DestinationError, match=r"crm did not take the rows: .*violates check constraint") as caught:
        send(project, crm.connection)
    assert "Failing row" not in str(caught.value)
    assert crm.sql("select * from loyalists order by customer_id") == before
    assert project.sql("select status from segmentation.exports order by export_id") == [("sent",), ("failed",)]
    assert project.sql("select count(*) from segmentation.audit_log where action = 'export'") == [(1,)]


def test_table_that_is_locked_is_not_waited_for(project: Project, crm: Crm, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds it may do so for hours; the former rows stay."""
    send(project, crm.connection)
    monkeypatch.setattr(tables, "LOCK_SECONDS", 0.2)
    with closing(psycopg2.connect(crm.uri)) as holding, holding.cursor() as cursor:
        cursor.execute("select * from loyalists for update")
        with pytest.raises(DestinationError, match=r"did not take the rows: .*lock timeout"):
            send(project, crm.connection)
    assert send(project, crm.connection)["rows"]


def test_database_that_is_away_is_told_without_its_password(project: Project, crm: Crm) -> None:
    """It may be there a minute later."""
    away = replace(crm.connection, host="127.0.0.1", port=1)
    with pytest.raises(DestinationError, match="the destination crm did not take the rows: ") as caught:
        send(project, away)
    assert "tulip" not in str(caught.value)


def test_other_databases_are_reached_by_sqlalchemy(project: Project, tmp_path: Path) -> None:
    """SQLite takes the same rows; a type without a driver is refused with what to do."""
    told = send(project, NamedConnection("sqlite", host=str(tmp_path / "crm.db")))
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection:
        assert connection.execute("select count(*) from loyalists").fetchall() == [(told["rows"],)]
    with pytest.raises(ConfigurationError, match="of the type 'aws', for which no driver of SQLAlchemy is installed"):
        url_of_database("crm", NamedConnection("aws"))
    url = url_of_database("crm", NamedConnection("x", "ann", "p", "db", 3, "shop", {"sqlalchemy_scheme": "sqlite"}))
    assert url.get_backend_name() == "sqlite"


def test_forgetting_lists_tables_too(project: Project, crm: Crm) -> None:
    """Where the customer was sent is said by audience and destination."""
    send(project, crm.connection)
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=10, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "shown", "destination": "crm", "since": DATES[0]}]
    send(project, crm.connection)
    assert crm.sql("select count(*) from loyalists where customer_id = 10") == [(0,)]
