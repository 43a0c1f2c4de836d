"""A segment's own page: who is in it, who came and left and why, and files of customers for who may have them."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from clustering import Warehouse
from clustering.demo.generator import generate_customers
from clustering.errors import RunError
from clustering.web import create_app, downloads
from clustering.web.security import Access, Caller
from tests.lakes import with_label_files
from tests.projects import Project
from tests.web.examples import SECRET, Visit, backend_of

DAYS = ("2026-11-20", "2026-11-21")
SWAP = """
    update customers as one set annual_income = other.annual_income, spending_score = other.spending_score
    from customers as other where one.customer_id = any(%s) and other.customer_id = %s
"""


@pytest.fixture
def moved(appointed_project: Project) -> tuple[Project, int, int, list[int]]:
    """Return a project with two nights between which five customers went from one segment to another, and these."""
    project = appointed_project
    project.night(DAYS[0], models=["kmeans"])
    [(former,)] = project.sql("select min(segment_id) from segmentation.customer_segments where segment_id > 0")
    movers = [
        key
        for (key,) in project.sql(
            "select customer_id from segmentation.customer_segments where segment_id = %s order by 1 limit 5", former
        )
    ]
    [(other, latter)] = project.sql(
        "select customer_id, segment_id from segmentation.customer_segments where segment_id > %s limit 1", former
    )
    project.sql(SWAP, movers, other)
    project.night(DAYS[1], models=["kmeans"])
    return project, former, latter, movers


def test_page_tells_who_came_and_left_and_why(moved, visit: Visit) -> None:
    """By cause and by where, with each customer, and the profile and the sample of the members."""
    project, former, latter, movers = moved
    page = visit(project).get("/segment", params={"model": "kmeans", "segment": former})
    assert page.status_code == 200
    assert "Who left <small>5</small>" in page.text
    assert "the customer changed" in page.text
    assert all(f'<a href="customer?key={key}">{key}</a>' in page.text for key in movers)
    assert "Against all customers" in page.text
    assert "Some of its members" in page.text
    assert "labels for the first time" in page.text
    came = visit(project).get("/segment", params={"segment": latter, "since": DAYS[1], "cause": "model"})
    assert "Who came <small>5</small>" in came.text
    assert "No further ones for this cause" in came.text
    assert "labels for the first time" not in came.text
    linked = f'href="segment?model=kmeans&amp;segment={former}&amp;as_of={DAYS[1]}"'
    assert linked in visit(project).get("/page").text


def test_lists_go_on_below_a_place(moved, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every customer is on one of the pages of a list, and the numbers on top are those of all."""
    project, former, _, movers = moved
    monkeypatch.setattr("clustering.web.segment_page.LISTED", 2)
    client, seen = visit(project), list[int]()
    place: str | None = ""
    while place is not None:
        told = client.get("/segment", params={"segment": former, "left": place}).text
        assert "Who left <small>5</small>" in told
        listed = told.split('aria-label="Who left, by customer"')[1].split("</table>")[0]
        seen += [int(one.split('"')[0]) for one in listed.split("customer?key=")[1:]]
        following = told.partition(f"since={'2026-11-15'}&amp;left=")[2].partition("#")[0]
        place = following or None
    assert sorted(seen) == movers


def test_download_has_everybody_once_and_is_in_the_audit_log(moved, visit: Visit, monkeypatch) -> None:
    """Of many pages, without a column of the source; who took what is in the trail before the first row is sent."""
    project, former, latter, movers = moved
    monkeypatch.setattr(downloads, "ROWS", 2)
    client = visit(project)
    answer = client.get("/segment/download", params={"model": "kmeans", "segment": latter, "what": "members"})
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="kmeans-segment-{latter}-members-{DAYS[1]}.csv"'
    )
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    members = "select customer_id from segmentation.customer_segments where segment_id = %s order by 1"
    assert [int(row["customer_id"]) for row in rows] == [key for (key,) in project.sql(members, latter)]
    assert set(rows[0]) == {"customer_id", "model", "segment_id", "segment_name", "confidence", "as_of"}
    left = client.get("/segment/download", params={"segment": former, "what": "left"}).text
    assert sorted(int(row["customer_id"]) for row in csv.DictReader(io.StringIO(left))) == movers
    trail = (
        "select actor, model, description, detail ->> 'what' from segmentation.audit_trail where action = 'download'"
    )
    told = project.sql(f"{trail} order by occurred_at")
    assert [(actor, model, what) for actor, model, _, what in told] == [
        ("Ada", "kmeans", "members"),
        ("Ada", "kmeans", "left"),
    ]
    assert "who left from 2026-11-15 to 2026-11-21, with keys" in told[1][2]


def test_download_fails_rather_than_end_early(moved, visit: Visit, monkeypatch) -> None:
    """Where retention drops the labels between two pages, the file does not look complete."""
    project, _, latter, _ = moved
    monkeypatch.setattr(downloads, "ROWS", 2)
    view = backend_of(project)
    from clustering.web.segment_reads import read_segment

    with view.reading() as transaction:
        found = read_segment(transaction, project.configuration, model="kmeans", segment_id=latter, as_of=None)
    pages = downloads._members(project.warehouse, found)
    assert len(next(pages)) == 2
    project.sql("update segmentation.scoring_runs set labels_dropped_at = now() where run_id = %s", found.run.run_id)
    with pytest.raises(RunError, match="no longer retained"):
        next(pages)


def test_whoever_may_not_look_up_sees_numbers_and_no_keys(moved) -> None:
    """A viewer of Airflow has causes and sizes; no key, no sample, no file."""
    project, former, _, _ = moved

    def refuse() -> None:
        raise HTTPException(403, "not allowed")

    viewer = Caller("Vi", may_change=False, may_look_up=False)
    access = Access(reads=lambda: None, customers=refuse, caller=lambda: viewer)
    backend = backend_of(project)
    client = TestClient(create_app(lambda: backend, access))
    page = client.get("/segment", params={"segment": former}).text
    assert "Who left <small>5</small>" in page
    assert "customer?key=" not in page
    assert "segment/download" not in page
    assert client.get("/segment/download", params={"segment": former, "what": "members"}).status_code == 403
    assert project.sql("select count(*) from segmentation.audit_log where action = 'download'") == [(0,)]


def test_what_is_not_there_is_a_sentence(api: TestClient) -> None:
    """A model, a date, a segment, a place or a cause that is not known."""
    for params in ({"segment": 99}, {"segment": 1, "model": "<b>"}, {"segment": 1, "as_of": "2020-01-01"}):
        missing = api.get("/segment", params=params)
        assert (missing.status_code, "<b>" in missing.text) == (404, False)
    odd = {"segment": 1, "came": "x.y", "left": "2026-11-20.99999999999999999999", "since": "never", "cause": "weather"}
    assert api.get("/segment", params=odd).status_code == 200
    assert api.get("/segment").status_code == 422
    assert api.get("/segment/download", params={"segment": 99, "what": "members"}).status_code == 404
    assert SECRET not in api.get("/segment", params=odd).text


def test_lists_are_read_by_an_index(project: Project) -> None:
    """Neither a list nor the numbers by cause read the changes of other segments."""
    plan = "explain select * from segmentation.segment_changes where kind = 'change' and model = 'kmeans'"
    plan += " and {}_segment_id = 1 and as_of between '2026-11-01' and '2026-11-20' order by as_of desc, change_id desc"
    with Warehouse(project.warehouse.uri).transaction() as transaction:
        transaction.connection.exec_driver_sql("set local enable_seqscan = off")
        for side in ("to", "from"):
            rows = transaction.connection.exec_driver_sql(plan.format(side)).scalars().all()
            assert any(f"_{side}_segment_id" in row for row in rows), rows


def test_labels_that_are_files_are_said_to_be(
    appointed_project: Project, visit: Visit, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No page takes nobody for the truth, and each draws what there is."""
    project = with_label_files(appointed_project, tmp_path, generate_customers(2_000, seed=2))
    for day in DAYS:
        project.night(day, models=["kmeans"])
    client = visit(project)
    [(segment,)] = project.sql("select min(segment_id) from segmentation.current_segments where segment_id > 0")
    page = client.get("/segment", params={"model": "kmeans", "segment": segment})
    assert page.status_code == 200
    assert "Labels of this night are files: who came is not known." in page.text
    assert "read the files that segmentation.current_label_files names" in page.text
    file = client.get("/segment/download", params={"model": "kmeans", "segment": segment, "what": "members"})
    assert file.status_code == 404
    assert "are files below" in file.text
    assert client.get("/page", params={"model": "kmeans"}).status_code == 200
    movement = client.get("/page/movement", params={"model": "kmeans", "former": DAYS[0], "latter": DAYS[1]}).json()
    assert "are files, and who moved is not counted" in movement["reason"]
    told = client.get("/customers/17").json()
    assert (told["labels"][0]["has_history"], told["labels"][0]["since"], told["history"]) == (False, None, [])
    assert "Labels of this model are files" in client.get("/customer?key=17").text
    (tmp_path / "labels").rename(tmp_path / "away")
    for path in ("/customers/17", "/customer?key=17"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert "he files of customers, or of their labels, cannot be read at this moment; the server" in answer.text
        assert str(tmp_path) not in answer.text
    logged = [record.message for record in caplog.records if "are not whole" in record.message]
    assert len(logged) == 2
