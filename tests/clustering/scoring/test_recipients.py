"""Who was sent is known for as long as the customer is, whether labels are kept or not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from psycopg2 import sql

from clustering import forget, migrate
from clustering.config import Column
from clustering.scoring.retention import drop_expired
from tests.audiences import DATES, WAIVED, give_keys, noted, send, sending, table
from tests.projects import Project

LATER = ("2026-11-22", "2026-11-23", "2026-11-24")
CONSENTS = [WAIVED, {"column": "consent"}, {"suppressed": {"table": "public.suppressed", "column": "customer_id"}}]
BLOCKS = "select export_id is null, count(*) from segmentation.export_recipients group by 1 order by 1"


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with a night, a column of consent and a list, whose labels are kept for one date."""
    appointed_project.sql("alter table customers add consent text")
    appointed_project.sql("update customers set consent = 'yes' where customer_id % 2 = 0")
    appointed_project.sql("create table suppressed as select customer_id from customers where customer_id % 10 = 3")
    appointed_project.night(DATES[0], models=["kmeans"])
    columns = {**appointed_project.configuration.contract.columns, "consent": Column(type="text", role="ignore")}
    return appointed_project.with_contract(columns=columns, label_runs=1)


def drop(project: Project, day: str) -> None:
    """Have a further night, and drop the labels of those before."""
    project.night(day, models=["kmeans"])
    assert drop_expired(project.warehouse, project.configuration)["left"] == []


@pytest.mark.parametrize("consent", CONSENTS)
def test_who_was_sent_is_known_after_the_labels_are_dropped(
    project: Project, tmp_path: Path, consent: dict[str, Any]
) -> None:
    """Each customer once however often they are sent, with the first date; who gets another key keeps it."""
    sent = sending(project, consent=consent)
    for _ in range(2):
        told = send(sent, tmp_path)
    drop(project, DATES[1])
    send(sent, tmp_path)
    drop(project, LATER[0])
    assert noted(project) == told["rows"]
    ((listed,),) = project.sql("select sum(cardinality(customer_ids)) from segmentation.export_recipients")
    assert listed == told["rows"]
    assert project.sql("select count(*) from segmentation.exports where label_set is not null") == [(0,)]
    give_keys(project, tmp_path, (10, 900010))
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=900010, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "shown", "destination": "drop", "since": DATES[0]}]
    assert report["removed"]["segmentation.export_recipients"] == 1
    assert noted(project) == told["rows"] - 1


@pytest.mark.parametrize("consent", CONSENTS)
def test_changes_are_told_since_a_date_whose_labels_are_gone(
    project: Project, tmp_path: Path, consent: dict[str, Any]
) -> None:
    """The lists of the latest two dates stay apart, for these are what changes are compared with."""
    sent = sending(project, rows="changes", consent=consent)
    send(sent, tmp_path)
    for day in (DATES[1], *LATER[:2]):
        drop(project, day)
    project.sql("delete from customers where customer_id = 10")
    drop(project, LATER[2])
    for _ in range(2):
        send(sent, tmp_path)
        rows = [(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{LATER[2]}.csv")]
        assert rows == [("left", "10")]
    assert noted(project, 10) == 1


@pytest.mark.parametrize("columns", [["customer_id"], ["customer_id", "annual_income"]])
def test_who_is_left_out_is_listed_in_place_of_who_is_sent(
    project: Project, tmp_path: Path, columns: list[str]
) -> None:
    """Nobody who was left out is told as sent, by a list or since the source has them no more, under any key."""
    project.sql("delete from customers where customer_id = 10")
    told = send(sending(project, columns=columns, consent=CONSENTS[2]), tmp_path)
    sent = {int(row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")}
    assert {3, 12} & sent == {12}
    assert noted(project) == len(sent) == told["rows"]
    listed = "select is_left_out, sum(cardinality(customer_ids)) from segmentation.export_recipients group by 1"
    ((labels,),) = project.sql("select count(*) from segmentation.customer_segments where model = 'kmeans'")
    assert project.sql(listed) == [(True, labels - len(sent))]
    assert (10 in sent) is (columns == ["customer_id"])
    give_keys(project, tmp_path, (13, 900011), (14, 900014))
    assert (noted(project, 900011), noted(project, 900014)) == (0, 1)
    for key, places in ((900011, []), (900014, ["shown"])):
        report = forget(project.warehouse, project.configuration, project.registry, customer_id=key, requested_by="Ada")
        assert [one["audience"] for one in report["sent_to"]] == places
        assert report["left"] == {}
    assert project.sql(listed) == [(True, labels - len(sent) - 1)]


def test_recipients_of_an_earlier_schema_stay_known(project: Project, tmp_path: Path) -> None:
    """A row a customer becomes lists, and the changes go on from what their destination was told."""
    sent = sending(project, rows="changes")
    send(sent, tmp_path)
    members = [int(row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")]
    project.night(DATES[1], models=["kmeans"])
    send(sent, tmp_path)
    as_before(project)
    project.sql(
        "insert into segmentation.export_recipients select one, 'shown', 'drop', %s, %s from unnest(%s) as one",
        *(DATES[0], DATES[0], members),
    )
    project.sql(
        "insert into segmentation.export_recipients values (900001, 'shown', 'drop', %s, %s, %s),"
        " (900002, 'shown', 'drop', %s, %s, null), (900003, 'other', 'drop', %s, null, null)",
        *(DATES[0], DATES[0], DATES[1], DATES[1], DATES[1], DATES[0]),
    )
    with project.warehouse.transaction() as transaction:
        for name in ("0008_export_recipients", "0011_left_out"):
            transaction.execute(f"migrations/{name}", {"key_type": sql.SQL("bigint")})
    migrate(project.warehouse, project.configuration.contract)  # which gives the rights
    assert noted(project) == len(members) + 3
    send(sent, tmp_path)
    rows = [(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[1]}.csv")]
    assert rows == [("left", "900001")]
    project.night(LATER[0], models=["kmeans"])
    send(sent, tmp_path)
    rows = [(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{LATER[0]}.csv")]
    assert rows == [("left", "900002")]
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=900003, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "other", "destination": "drop", "since": DATES[0]}]


def as_before(project: Project) -> None:
    """Bring the schema of exports back to where it was, with the attempts that there are."""
    former = (
        "create table public.kept as select audience, destination, location, model, as_of, run_id, contents, status,"
        " members, started_at, sent_at from segmentation.exports order by export_id"
    )
    for statement in (former, "drop table segmentation.exports, segmentation.export_recipients"):
        project.sql(statement)
    project.sql("drop table segmentation.export_former_keys")
    with project.warehouse.transaction() as transaction:
        for name in ("0005_exports", "0006_withdrawn_exports"):
            transaction.execute(f"migrations/{name}", {"key_type": sql.SQL("bigint")})
    columns = "audience, destination, location, model, as_of, run_id, contents, status, members, started_at, sent_at"
    project.sql(f"insert into segmentation.exports ({columns}) select {columns} from public.kept")  # noqa: S608
    project.sql("drop table public.kept")
