"""Audiences leave the warehouse whole or not at all, with what is declared and nobody who may not be sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow.parquet as pq
import pytest

from clustering.config import Column
from clustering.errors import ConfigurationError, DataError, DestinationError, RunError, WarehouseError
from clustering.exports import audience_rows, destinations, file_formats
from clustering.privacy.forgetting import forget
from clustering.scoring.withdrawal import withdraw_date
from tests.audiences import DATES, WAIVED, give_keys, noted, send, sending, table
from tests.projects import Project


@pytest.fixture(scope="module")
def nights_once(copy_for_module: Callable[[Project], Project], appointed_once: Project) -> Project:
    """Return a project with a night, and columns of consent and names beside the contract's; not to be changed."""
    project = copy_for_module(appointed_once)
    project.sql("alter table customers add consent text, add note text")
    project.sql("update customers set consent = ' Yes ', note = '=1+1' where customer_id % 2 = 0")
    project.night(DATES[0], models=["kmeans"])
    more = {name: Column(type="text", role="ignore") for name in ("consent", "note")}
    return project.with_contract(columns={**project.configuration.contract.columns, **more})


@pytest.fixture
def project(copy_project: Callable[[Project], Project], nights_once: Project) -> Project:
    """Return a copy of it."""
    return copy_project(nights_once)


def labels(project: Project) -> int:
    """Return how many customers have a label."""
    ((found,),) = project.sql("select count(*) from segmentation.customer_segments where model = 'kmeans'")
    return int(found)


def test_everybody_is_sent_noted_and_recorded_and_again_without_doubling(project: Project, tmp_path: Path) -> None:
    """The same date again gives the same file; the audit log has both, the list of recipients everybody once."""
    sent = sending(project)
    for _ in range(2):
        told = send(sent, tmp_path)
    rows = table(tmp_path / "shown" / f"{DATES[0]}.csv")
    assert len(rows) == told["rows"] == labels(project)
    assert list(rows[0]) == ["customer_id", "segment_name", "confidence"]
    assert [one.name for one in (tmp_path / "shown").iterdir()] == [f"{DATES[0]}.csv"]
    assert noted(project) == told["rows"]
    assert project.sql("select distinct action, actor, detail ->> 'rows' from segmentation.audit_log") == [
        ("export", "Ada", str(told["rows"]))
    ]
    assert project.sql("select status, members from segmentation.exports") == [("sent", told["rows"])] * 2


@pytest.mark.parametrize("form", ["parquet", "jsonl"])
def test_other_formats_have_the_same_rows_with_their_types(project: Project, tmp_path: Path, form: str) -> None:
    """Keys are numbers, and text is as it stands."""
    columns = ["customer_id", "annual_income", "note"]
    told = send(sending(project, path=f"now.{form}", columns=columns), tmp_path)
    path = tmp_path / f"now.{form}"
    lines = path.read_text(encoding="utf-8").splitlines() if form == "jsonl" else []
    rows = [json.loads(line) for line in lines] or pq.read_table(path).to_pylist()
    assert len(rows) == told["rows"]
    assert all(isinstance(row["customer_id"], int) and row["annual_income"] > 0 for row in rows)
    assert {row["note"] for row in rows} == {"=1+1", None}


def test_parquet_has_what_csv_has_though_names_and_date_are_put_in_here(project: Project, tmp_path: Path) -> None:
    """In the order that is declared, with the same types where nobody is in the audience."""
    columns = ["as_of", "segment_name", "customer_id", "recommended_action", "confidence", "segment_id"]
    for form in ("csv", "parquet"):
        send(sending(project, path=f"now.{form}", columns=columns), tmp_path)
    found = pq.read_table(tmp_path / "now.parquet")
    assert found.schema.names == columns
    texts = [{name: str(value) for name, value in row.items() if name != "confidence"} for row in found.to_pylist()]
    expected = table(tmp_path / "now.csv")
    assert texts == [{name: value for name, value in row.items() if name != "confidence"} for row in expected]
    assert found["confidence"].to_pylist() == pytest.approx([float(row["confidence"]) for row in expected])
    assert {row["as_of"] for row in found.to_pylist()} == {date.fromisoformat(DATES[0])}
    project.sql("create table unlisted as select customer_id from segmentation.customer_labels")
    nobody = {"suppressed": {"table": "public.unlisted", "column": "customer_id"}}
    assert send(sending(project, path="none.parquet", columns=columns, consent=nobody), tmp_path)["rows"] == 0
    assert pq.read_schema(tmp_path / "none.parquet").remove_metadata() == found.schema.remove_metadata()


def test_lines_of_json_are_those_of_the_server(project: Project, tmp_path: Path) -> None:
    """Numbers, text with every sign, dates, times, infinity, other types and nothing are as row_to_json has them."""
    project.sql(
        "alter table customers add amount numeric default 1.50, add ratio float8 default 'inf', add is_new bool,"
        " add since date default '2026-02-03', add seen timestamptz default '2026-02-03 04:05:06+00', add tags text[]"
    )
    odd = '"\\\x01\x02\n\té'
    project.sql("update customers set note = %s, is_new = true, tags = '{a,b}' where customer_id %% 3 = 0", odd)
    names = ("amount", "ratio", "is_new", "since", "seen", "tags")
    columns = {name: Column(type="number" if name in names[:2] else "text", role="ignore") for name in names}
    wanted = project.with_contract(columns={**project.configuration.contract.columns, **columns})
    asked = ["customer_id", "segment_name", "confidence", "as_of", "model", "note", *names]
    send(sending(wanted, path="now.jsonl", columns=asked), tmp_path)
    expected = project.sql(
        "set timezone to utc; select row_to_json(one)::text from ("
        "select label.customer_id, segment_name, confidence, as_of, model, note, amount, ratio, is_new, since, seen,"
        " tags::text as tags"
        " from segmentation.customer_segments as label join customers using (customer_id) where model = 'kmeans'"
        ") as one"
    )
    lines = (tmp_path / "now.jsonl").read_text(encoding="utf-8").splitlines()
    assert sorted(lines) == sorted(line for (line,) in expected)
    assert len(lines) == labels(project)


def test_cell_of_text_is_no_formula_and_number_stays_one(project: Project, tmp_path: Path) -> None:
    """A text that begins as a formula does gets a quote before it; a negative number is one."""
    project.sql("alter table customers add balance numeric default -5")
    columns = {**project.configuration.contract.columns, "balance": Column(type="number", role="ignore")}
    wanted = sending(project.with_contract(columns=columns), columns=["customer_id", "note", "balance"])
    send(wanted, tmp_path)
    rows = table(tmp_path / "shown" / f"{DATES[0]}.csv")
    assert {row["note"] for row in rows} == {"'=1+1", ""}
    assert {row["balance"] for row in rows} == {"-5"}


def test_only_who_consents_now_is_sent(project: Project, tmp_path: Path) -> None:
    """A yes in any case counts; nothing, an empty text and everything else is a no; who is gone is not sent."""
    project.sql("update customers set consent = '' where customer_id % 4 = 0")
    project.sql("delete from customers where customer_id = 10")
    send(sending(project, consent={"column": "consent"}), tmp_path)
    keys = {int(row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")}
    assert keys
    assert all(key % 4 == 2 for key in keys)
    assert 10 not in keys


def test_customer_who_stands_twice_by_now_is_not_sent(project: Project, tmp_path: Path) -> None:
    """Which row holds cannot be told."""
    project.sql("alter table customers drop constraint if exists customers_pkey")
    project.sql("insert into customers select * from customers where customer_id = 10")
    send(sending(project, consent={"column": "consent"}), tmp_path)
    assert "10" not in {row["customer_id"] for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")}


def test_suppressed_are_left_out_and_a_doubtful_list_stops_the_export(project: Project, tmp_path: Path) -> None:
    """A list that is missing, empty or full of something else is no list of nobody."""
    listed = {"table": "public.suppressed", "column": "customer"}
    sent = sending(project, consent={"suppressed": listed})
    with pytest.raises(DataError, match=r"suppressed: customer of public.suppressed cannot be read: .*does not exist"):
        send(sent, tmp_path)
    project.sql("create table suppressed (customer text)")
    with pytest.raises(DataError, match="is empty, as while it is being loaded"):
        send(sent, tmp_path)
    assert send(sending(project, consent={"suppressed": {**listed, "may_be_empty": True}}), tmp_path)["rows"]
    project.sql("insert into suppressed values (' 10 '), (null), ('0012')")
    send(sent, tmp_path)
    keys = {row["customer_id"] for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")}
    assert len(keys) == labels(project) - 2
    assert not keys & {"10", "12"}
    project.sql("insert into suppressed values ('ann@example.org')")
    with pytest.raises(DataError, match="1 entries that are no key of a customer"):
        send(sent, tmp_path)


def test_segments_confidence_and_top_choose_with_stable_ties(project: Project, tmp_path: Path) -> None:
    """Of equal confidence, the smaller keys; a segment is named as on the date, by id or name in any case."""
    ((name, number),) = project.sql(
        "select segment_name, segment_id from segmentation.customer_segments group by 1, 2"
        " order by count(*) desc limit 1"
    )
    expected = project.sql(
        "select customer_id from segmentation.customer_segments where segment_id = %s and confidence >= 0.3"
        " order by confidence desc, customer_id limit 5",
        number,
    )
    for one in (number, name.upper()):
        send(sending(project, segments=[one], min_confidence=0.3, top=5), tmp_path)
        rows = table(tmp_path / "shown" / f"{DATES[0]}.csv")
        assert [(int(row["customer_id"]),) for row in rows] == expected
    with pytest.raises(ConfigurationError, match=r"audiences.shown.segments: 'Stars' is no segment of that date"):
        send(sending(project, segments=["Stars"]), tmp_path)


def test_audience_of_nobody_is_a_file_with_a_header(project: Project, tmp_path: Path) -> None:
    """It says that nobody is in it, as no file would not."""
    told = send(sending(project, min_confidence=1), tmp_path)
    assert told["rows"] == 0
    assert (tmp_path / "shown" / f"{DATES[0]}.csv").read_text(encoding="utf-8").count("\n") == 1


def test_changes_tell_who_came_and_left_since_what_was_sent(project: Project, tmp_path: Path) -> None:
    """A date that failed is made up for by the next; the same date again tells the same."""
    sent = sending(project, rows="changes", consent={"column": "consent"}, columns=["customer_id", "segment_name"])
    first = send(sent, tmp_path)
    everybody = table(tmp_path / "shown" / f"{DATES[0]}.csv")
    assert {row["change"] for row in everybody} == {"entered"}
    project.night(DATES[1], models=["kmeans"])
    project.sql("update customers set consent = 'no' where customer_id = 10")
    project.sql("update customers set consent = 'true' where customer_id = 11")
    with pytest.raises(DestinationError, match="is no folder"):
        send(sent, tmp_path / "away")
    for _ in range(2):
        send(sent, tmp_path)
        rows = [(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[1]}.csv")]
        assert sorted(rows) == [("entered", "11"), ("left", "10")]
    assert first["rows"] == len(everybody)
    with pytest.raises(RunError, match=f"changes of shown up to {DATES[1]} were sent"):
        send(sent, tmp_path, as_of=date.fromisoformat(DATES[0]))


def test_what_fails_half_way_leaves_the_former_file(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of the attempt lies about, and the attempt is noted as failed."""
    sent = sending(project)
    send(sent, tmp_path)
    path = tmp_path / "shown" / f"{DATES[0]}.csv"
    before = path.read_bytes()

    def write(_: Any, stream: Any) -> int:
        stream.write(b"half")
        raise OSError("No space left on device, key hunter2")

    monkeypatch.setattr(file_formats, "write_rows", write)
    with pytest.raises(DestinationError, match="did not take the file: No space left"):
        send(sent, tmp_path)
    assert path.read_bytes() == before
    assert list((tmp_path / "shown").iterdir()) == [path]
    assert project.sql("select status from segmentation.exports order by export_id") == [("sent",), ("failed",)]


@pytest.mark.parametrize("is_first", [False, True])
def test_file_that_may_be_there_is_compared_with(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_first: bool
) -> None:
    """Whoever came with a date whose end was not heard of, and has left since, is told as left."""
    sent = sending(project, rows="changes", consent={"column": "consent"}, columns=["customer_id"])
    if not is_first:
        send(sent, tmp_path)
    project.sql("update customers set consent = 'yes' where customer_id = 11")
    project.night(DATES[1], models=["kmeans"])
    real = destinations.Folder._replace

    def replace(*given: Any) -> None:
        real(*given)
        raise DestinationError("the connection broke")

    with monkeypatch.context() as patch:
        patch.setattr(destinations.Folder, "_replace", replace)
        with pytest.raises(DestinationError, match="broke"):
            send(sent, tmp_path)
    assert "11" in {row["customer_id"] for row in table(tmp_path / "shown" / f"{DATES[1]}.csv")}
    project.sql("update customers set consent = 'no' where customer_id = 11")
    project.night("2026-11-22", models=["kmeans"])
    send(sent, tmp_path)
    rows = table(tmp_path / "shown" / "2026-11-22.csv")
    assert [(row["change"], row["customer_id"]) for row in rows] == [("left", "11")]
    noted_as = [status for (status,) in project.sql("select status from segmentation.exports order by export_id")]
    assert noted_as == ["sent", "started", "sent"][is_first:]


@pytest.mark.parametrize("what", ["list", "source"])
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_table_that_is_locked_is_not_waited_for(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, form: str
) -> None:
    """As while a list is being loaded: it is told so, and tried again."""
    monkeypatch.setattr(audience_rows, "LOCK_SECONDS", 0.2)
    project.sql("create table stopped as select 10 as key")
    listed = {"suppressed": {"table": "public.stopped", "column": "key"}}
    columns = ["customer_id", "annual_income"] if what == "source" else ["customer_id"]
    sent = sending(project, path=f"now.{form}", columns=columns, consent=listed if what == "list" else WAIVED)
    with closing(psycopg2.connect(project.warehouse.uri)) as loading, loading.cursor() as cursor:
        cursor.execute(f"lock table {'stopped' if what == 'list' else 'customers'}")
        told = "key of public.stopped is locked, as while it is being loaded" if what == "list" else "lock timeout"
        with pytest.raises(WarehouseError, match=told):
            send(sent, tmp_path)
    assert send(sent, tmp_path)["rows"]


def test_one_audience_is_sent_once_at_a_time(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second is told so."""
    sent, real = sending(project), file_formats.write_rows

    def write(rows: Any, stream: Any) -> int:
        with pytest.raises(DestinationError, match="is being sent to drop at this moment"):
            send(sent, tmp_path)
        return real(rows, stream)

    monkeypatch.setattr(file_formats, "write_rows", write)
    assert send(sent, tmp_path)["rows"]


def test_keys_stay_while_changes_of_them_are_sent(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the destination would keep the former one for ever: what is being sent has it, and nothing tells it."""
    sent, real = sending(project, rows="changes", columns=["customer_id"]), file_formats.write_rows

    def write(rows: Any, stream: Any) -> int:
        with pytest.raises(RunError, match="the audience shown is being sent to drop, by the former keys"):
            give_keys(project, tmp_path, (10, 90_010))
        return real(rows, stream)

    with monkeypatch.context() as patch:
        patch.setattr(file_formats, "write_rows", write)
        send(sent, tmp_path)
    give_keys(project, tmp_path, (10, 90_010))
    project.night(DATES[1], models=["kmeans"])
    send(sent, tmp_path)
    rows = {(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[1]}.csv")}
    assert rows == {("left", "10"), ("entered", "90010")}


def test_night_that_is_withdrawn_meanwhile_is_not_sent(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The former file stays, and no record says that it was sent."""
    project.night(DATES[1], models=["kmeans"])
    sent, real = sending(project, path="now.csv"), file_formats.write_rows
    send(sent, tmp_path, as_of=date.fromisoformat(DATES[0]))
    before = (tmp_path / "now.csv").read_bytes()

    def write(*given: Any) -> int:
        told: dict[str, Any] = {"as_of": date.fromisoformat(DATES[1]), "withdrawn_by": "Ada", "reason": "half of them"}
        withdraw_date(project.warehouse, project.configuration, **told)
        return real(*given)

    monkeypatch.setattr(file_formats, "write_rows", write)
    with pytest.raises(RunError, match="was withdrawn or repeated while shown was being sent; nothing was sent"):
        send(sent, tmp_path)
    assert (tmp_path / "now.csv").read_bytes() == before
    assert project.sql("select status from segmentation.exports order by export_id") == [("sent",), ("failed",)]
    assert project.sql("select count(*) from segmentation.audit_log where action = 'export'") == [(1,)]


def test_customer_with_another_key_leaves_by_the_former_and_enters_by_the_new(project: Project, tmp_path: Path) -> None:
    """The destination knows the former key alone; the same date tells it again, the next one no more."""
    sent = sending(project, rows="changes", columns=["customer_id", "segment_name"])
    send(sent, tmp_path)
    give_keys(project, tmp_path, (10, 900010), (11, 900011))
    give_keys(project, tmp_path, (900010, 910010))
    project.sql("delete from customers where customer_id = 900011")
    project.night(DATES[1], models=["kmeans"])
    for _ in range(2):
        send(sent, tmp_path)
        rows = [(row["change"], row["customer_id"]) for row in table(tmp_path / "shown" / f"{DATES[1]}.csv")]
        assert sorted(rows) == [("entered", "910010"), ("left", "10"), ("left", "11")]
    project.night("2026-11-22", models=["kmeans"])
    assert send(sent, tmp_path)["rows"] == 0
    assert project.sql("select count(*) from segmentation.export_former_keys") == [(0,)]


def test_forgetting_a_customer_with_another_key_lists_where_they_were_sent(project: Project, tmp_path: Path) -> None:
    """And removes both keys, from labels and from lists."""
    for consent in (WAIVED, {"column": "consent"}):
        send(sending(project, rows="changes", consent=consent), tmp_path)
    give_keys(project, tmp_path, (10, 900010))
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=900010, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "shown", "destination": "drop", "since": DATES[0]}]
    assert report["removed"]["segmentation.export_recipients"] == 1
    assert report["left"] == {}
    assert noted(project, 10, 900010) == 0
    assert project.sql("select count(*) from segmentation.export_former_keys") == [(0,)]


def test_withdrawn_date_tells_where_it_was_sent(project: Project, tmp_path: Path) -> None:
    """The record of what was sent says so too, and that of the date before does not."""
    sent = sending(project)
    send(sent, tmp_path)
    project.night(DATES[1], models=["kmeans"])
    for _ in range(2):
        send(sent, tmp_path)
    day = date.fromisoformat(DATES[1])
    told = withdraw_date(project.warehouse, project.configuration, as_of=day, withdrawn_by="Ada", reason="half of them")
    [where] = told["sent_to"]
    assert (where["audience"], where["destination"]) == ("shown", "drop")
    assert where["location"].endswith(f"/shown/{DATES[1]}.csv")
    marked = "select as_of::text, withdrawn_at is not null from segmentation.exports order by export_id"
    assert project.sql(marked) == [(DATES[0], False), (DATES[1], True), (DATES[1], True)]


def test_forgetting_lists_where_a_customer_was_sent(project: Project, tmp_path: Path) -> None:
    """And removes the customer from the list; the next file has them no more."""
    sent = sending(project)
    send(sent, tmp_path)
    report = forget(project.warehouse, project.configuration, project.registry, customer_id=10, requested_by="Ada")
    assert report["sent_to"] == [{"audience": "shown", "destination": "drop", "since": DATES[0]}]
    send(sent, tmp_path)
    assert "10" not in {row["customer_id"] for row in table(tmp_path / "shown" / f"{DATES[0]}.csv")}
    assert noted(project, 10) == 0
