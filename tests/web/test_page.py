"""The Segments page: what it shows, what it keeps out, and who may change what."""

from __future__ import annotations

import html
import json
import re
from contextlib import closing
from datetime import date
from typing import Any

import psycopg2
import pytest
from fastapi.testclient import TestClient

from clustering import name_segment
from clustering.web import samples
from clustering.web.assets import PLOTLY, assets, style_marks
from clustering.web.own_page import COOKIE, HEADER
from clustering.web.report import render_report
from clustering.web.templating import embedded
from tests.appointing import appoint
from tests.projects import Project
from tests.web.examples import Visit

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{7*7}}</style>"
YESTERDAY, TODAY = "2026-11-21", "2026-11-22"


def change(client: TestClient, *, version: int, champion: int | None, **headers: str) -> Any:
    """Ask for another champion of K-Means, as the page does."""
    client.get("/page")
    token = {HEADER: client.cookies[COOKIE], "Sec-Fetch-Site": "same-origin"}
    body = {"model": "kmeans", "version": version, "champion": champion}
    return client.post("/page/champion", json=body, headers={**token, **headers})


def test_page_needs_the_permission_to_read(api: TestClient, serve: Any, unchanged: Project) -> None:
    """Without a log-in nothing of the page is given, not even a script."""
    script = assets()["page.js"].address
    paths = ["/page", "/page/charts", f"/page/customers?as_of={TODAY}", f"/{script}"]
    assert [api.get(path).status_code for path in paths] == [200] * 4
    anonymous = serve(unchanged)
    del anonymous.headers["Authorization"]
    assert [anonymous.get(path).status_code for path in paths] == [401] * 4
    assert anonymous.post("/page/champion", json={}).status_code == 401


def test_shows_a_night(visit: Visit, unchanged: Project) -> None:
    """The cards hold the segments with their share, its change and what to do."""
    text = visit(unchanged).get("/page", params={"model": "KMeans", "as_of": TODAY}).text
    rows = unchanged.sql(
        "select segment_name, customers, recommended_action from segmentation.segments"
        " where model = 'kmeans' and as_of = %s",
        TODAY,
    )
    assert len(rows) == 5
    for name, customers, action in rows:
        assert name in text
        assert f"{customers:,} customers" in text
        assert action in text
    assert "compared with 21 Nov 2026" in text
    assert text.count("±0.0") == 5


def test_shows_another_date_and_model(visit: Visit, unchanged: Project) -> None:
    """Model and date come from the address; a date that was not published is said to be none."""
    client = visit(unchanged)
    text = client.get("/page", params={"model": "dbscan", "as_of": YESTERDAY}).text
    assert "<title>DBSCAN, 21 Nov 2026" in text
    assert "the first published date" in text
    assert "Outliers" in text
    assert "Nothing was published for DBSCAN as of &lt;b&gt;" in client.get("/page?model=dbscan&as_of=<b>").text


def test_unknown_model_is_named(visit: Visit, unchanged: Project) -> None:
    """A model that is not configured is an answer of its own, with the list of those that are."""
    answer = visit(unchanged).get("/page", params={"model": "<b>x"})
    assert answer.status_code == 404
    assert "&lt;b&gt;x" in answer.text
    assert "kmeans" in answer.text


def test_before_any_training(visit: Visit, untrained: Project) -> None:
    """Without versions the page says what to run."""
    answer = visit(untrained).get("/page")
    assert answer.status_code == 200
    assert "has not been trained yet" in answer.text
    assert "retrain_models" in answer.text


def test_before_the_first_night(visit: Visit, project: Project) -> None:
    """With a champion but no night the page says what to run, and lists the versions."""
    text = visit(project).get("/page?model=kmeans").text
    assert "has not labelled anybody yet" in text
    assert "segment_customers" in text
    assert "Version 1 <span" in text
    assert visit(project).get("/page/charts?model=kmeans").json() == {}


def test_without_the_schema(visit: Visit, empty_warehouse: Any, untrained: Project) -> None:
    """A warehouse that is not migrated is explained, not an error of the server."""
    answer = visit(Project(empty_warehouse, untrained.configuration, untrained.registry)).get("/page")
    assert answer.status_code == 503
    assert "clustering migrate" in answer.text


def test_policy_lets_nothing_in(visit: Visit, unchanged: Project) -> None:
    """No inline or evaluated script, no inline style, no other host, no foreign frame; the cookie is the site's own."""
    answer = visit(unchanged).get("/page")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == "'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "SAMEORIGIN"
    cookie = answer.headers["set-cookie"].casefold()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?://", answer.text)


def test_scripts_are_checked_and_kept(visit: Visit, unchanged: Project) -> None:
    """Every script has an integrity that its content fulfils, and is cached under an address of its content."""
    client = visit(unchanged)
    text = client.get("/page").text
    scripts = re.findall(r'<script src="([^"]+)" integrity="([^"]+)"', text)
    assert [address.rpartition("/")[2] for address, _ in scripts] == ["theme.js", PLOTLY, "charts.js", "page.js"]
    for address, integrity in scripts:
        answer = client.get(f"/{address}")
        asset = assets()[address.rpartition("/")[2]]
        assert answer.content == asset.content
        assert integrity == asset.integrity
        assert answer.headers["content-encoding"] == "gzip"
        assert "immutable" in answer.headers["cache-control"]
    assert client.get("/page/static/0000000000000000/page.js").status_code == 404


def test_plotly_finds_its_styles(visit: Visit, unchanged: Project) -> None:
    """The page has the elements that keep plotly.js from adding styles that the policy refuses."""
    text = visit(unchanged).get("/page").text
    assert style_marks()
    assert all(f'id="{mark}"' in text for mark in style_marks())


def test_hostile_names_stay_text(visit: Visit, project: Project) -> None:
    """Whatever people write into names, it is neither markup in the page, nor in its charts, nor in the report."""
    name_segment(
        project.warehouse,
        model="kmeans",
        segment_id=1,
        name=HOSTILE,
        description=HOSTILE,
        recommended_action=HOSTILE,
        set_by=HOSTILE,
    )
    project.night(YESTERDAY)
    project.night(TODAY)
    client = visit(project)
    text = client.get("/page?model=kmeans").text
    assert "&lt;script&gt;alert(1)" in text
    assert "{{7*7}}" in text
    assert not re.search(r"<script>|<img|</style>", text)
    charts = client.get("/page/charts?model=kmeans").json()
    project.sql(
        "update segmentation.segment_migrations set to_segment_id = 2, by_behaviour = customers"
        " where from_segment_id = 1 and model = 'kmeans'"
    )
    movement = client.get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()
    customers = client.get(f"/page/customers?model=kmeans&as_of={TODAY}").json()
    for figure in (charts["sizes"], movement["figure"], customers["figure"]):
        assert "&lt;script&gt;" in json.dumps(figure)
        assert "<script>" not in json.dumps(figure)
    report = render_report(project.warehouse, project.configuration, models=["kmeans"])
    assert "<script>alert" not in report
    assert "<img src=x" not in report


def test_embedded_values_cannot_leave_their_script() -> None:
    """Values inside of a script element keep their meaning without a character that HTML knows."""
    text = embedded({"name": "</script><!--&"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"name": "</script><!--&"}


def test_charts_hold_what_the_tables_hold(visit: Visit, unchanged: Project) -> None:
    """Sizes over time and rejected rows are the published ones."""
    figures = visit(unchanged).get("/page/charts", params={"model": "kmeans"}).json()
    first = figures["sizes"]["data"][0]
    assert first["x"] == [YESTERDAY, TODAY]
    rows = unchanged.sql(
        "select customers from segmentation.segments where model = 'kmeans' and segment_id = 1 order by as_of"
    )
    assert [(size,) for size in first["customdata"]] == rows
    [(rejected,)] = unchanged.sql("select rows_rejected from segmentation.scoring_runs where as_of = %s", TODAY)
    assert sum(figures["rejected"]["data"][0]["x"]) == rejected > 0


def test_sample_is_bounded_and_always_the_same(visit: Visit, unchanged: Project) -> None:
    """The scatter plot shows at most a thousand customers, the same ones every time, by the columns asked for."""
    client = visit(unchanged)
    asked = {"model": "kmeans", "as_of": TODAY, "x": "age", "y": "spending_score"}
    first, second = (client.get("/page/customers", params=asked).json() for _ in range(2))
    assert first == second
    assert (first["x"], first["y"]) == ("age", "spending_score")
    assert sum(len(trace["x"]) for trace in first["figure"]["data"]) == 1000
    found = client.get("/page/customers", params={**asked, "x": "customer_id; drop table", "y": None}).json()
    assert (found["x"], found["y"]) == ("annual_income", "spending_score")


def test_movement_between_two_dates(visit: Visit, project: Project) -> None:
    """Movement counts who changed segment, who is new and who is gone."""
    project.night(YESTERDAY)
    labels = project.sql(
        "select customer_id from segmentation.current_customer_segments"
        " where model = 'kmeans' and segment_id = 1 order by customer_id limit 3"
    )
    moved, gone = [labels[0][0], labels[1][0]], labels[2][0]
    project.sql(
        "update customers set annual_income = '26000', spending_score = '79' where customer_id = any(%s)", moved
    )
    project.sql("delete from customers where customer_id = %s", gone)
    project.sql("insert into customers values (999999999, '30', 'Male', '26000', '21')")
    project.night(TODAY)
    answer = visit(project).get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()
    changes = {(row["from"], row["to"]): row["customers"] for row in answer["rows"] if row["moved"]}
    assert changes == {
        ("High Spenders", "Occasional Buyers"): 2,
        ("High Spenders", "Gone"): 1,
        ("Joined", "Low Spenders"): 1,
    }
    assert answer["note"].startswith("2 moved: 2 changed themselves, of ")
    assert "1 joined and 1 are gone" in answer["note"]
    nodes = answer["figure"]["data"][0]["node"]
    segments = unchanging_order(project)
    assert nodes["label"] == [*segments, "Joined", *segments, "Gone"]
    assert all(0 < place < 1 for place in nodes["y"])


def unchanging_order(project: Project) -> list[str]:
    """Return the names of the segments of K-Means in the order of the cards."""
    rows = project.sql(
        "select segment_name from segmentation.segments where model = 'kmeans' and as_of = %s order by segment_id",
        TODAY,
    )
    return [name for (name,) in rows]


def test_movement_between_dates_further_apart_is_read_from_the_history(visit: Visit, project: Project) -> None:
    """Who went and came back has not moved; the labels of both dates may be gone; a new version is named."""
    before = "2026-11-20"
    project.night(before, models=["kmeans"])
    rows = project.sql(
        "select customer_id from segmentation.current_customer_segments"
        " where model = 'kmeans' and segment_id = 1 order by customer_id limit 2"
    )
    back, moved = (key for (key,) in rows)
    there = "update customers set annual_income = '26000', spending_score = '79' where customer_id = %s"
    [kept] = project.sql("select annual_income, spending_score from customers where customer_id = %s", back)
    project.sql(there, back)
    project.night(YESTERDAY, models=["kmeans"])
    project.sql("update customers set annual_income = %s, spending_score = %s where customer_id = %s", *kept, back)
    project.sql(there, moved)
    project.night(TODAY, models=["kmeans"])
    project.sql("update segmentation.scoring_runs set labels_dropped_at = now() where as_of < %s", TODAY)
    client = visit(project)
    answer = client.get(f"/page/movement?model=kmeans&former={before}&latter={TODAY}").json()
    assert [(row["from"], row["to"], row["customers"]) for row in answer["rows"] if row["moved"]] == [
        ("High Spenders", "Occasional Buyers", 1)
    ]
    assert answer["note"].startswith("1 moved, of ")
    assert "came back has not moved" in answer["note"]
    step = client.get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()
    assert step["note"].startswith("2 moved: 2 changed themselves, of ")


def test_movement_says_what_the_version_did(visit: Visit, project: Project) -> None:
    """Where another version labelled the date, its part is told, even if it is nobody."""
    project.night(YESTERDAY, models=["kmeans"])
    project.sql("update customers set annual_income = '26000', spending_score = '79' where customer_id < 100")
    project.night(TODAY, models=["kmeans"])
    project.sql(
        "update segmentation.segment_migrations set by_behaviour = by_behaviour - 1, by_model = 1"
        " where by_behaviour > 0 and from_segment_id = 1"
    )
    note = visit(project).get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()["note"]
    assert re.match(r"\d+ moved: \d+ changed themselves, \d because of version 1, of ", note)
    project.sql(
        "update segmentation.segment_migrations set by_behaviour = null, by_model = null where by_behaviour > 0"
    )
    note = visit(project).get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()["note"]
    assert "because of the version is not known" in note


def test_nobody_moved_is_a_sentence_and_no_empty_diagram(visit: Visit, unchanged: Project) -> None:
    """Two nights of the same customers have nothing to draw."""
    answer = visit(unchanged).get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()
    assert answer["figure"] is None
    assert answer["note"].startswith("Nobody moved, of ")


def test_labels_that_are_no_longer_there(visit: Visit, project: Project) -> None:
    """Where labels were dropped, the page says so instead of drawing nothing; movement does not need them."""
    project.night(YESTERDAY)
    project.night(TODAY)
    project.sql("update segmentation.scoring_runs set labels_dropped_at = now() where as_of = %s", YESTERDAY)
    client = visit(project)
    movement = client.get(f"/page/movement?model=kmeans&former={YESTERDAY}&latter={TODAY}").json()
    customers = client.get(f"/page/customers?model=kmeans&as_of={YESTERDAY}").json()
    assert movement["note"].startswith("Nobody moved")
    assert "no longer retained" in customers["reason"]
    backwards = client.get(f"/page/movement?model=kmeans&former={TODAY}&latter={YESTERDAY}").json()
    assert "is not before" in backwards["reason"]


def test_large_nights_are_sampled(visit: Visit, unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of more labels than can be read while somebody waits, some are."""
    monkeypatch.setattr(samples, "SAMPLED_ABOVE", 500)
    monkeypatch.setattr(samples, "SAMPLED_FROM", 1_000)
    client = visit(unchanged)
    customers = client.get(f"/page/customers?model=kmeans&as_of={TODAY}").json()
    assert 500 < sum(len(trace["x"]) for trace in customers["figure"]["data"]) <= 1000


def test_slow_questions_are_stopped(visit: Visit, unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes too long is ended in the warehouse, and the page says so."""
    monkeypatch.setattr(samples, "SECONDS", 0.05)
    client = visit(unchanged)
    with closing(psycopg2.connect(unchanged.warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute("lock table segmentation.customer_labels in access exclusive mode")
        answer = client.get(f"/page/customers?model=kmeans&as_of={TODAY}").json()
    assert "was stopped" in answer["reason"]


def test_no_structure_is_said(visit: Visit, project: Project) -> None:
    """Where no cluster structure was found, the page says so above the cards and on each of them."""
    project.sql("update segmentation.model_versions set structure = 'none' where model = 'kmeans'")
    project.night(TODAY)
    text = visit(project).get("/page?model=kmeans").text
    assert "No cluster structure was found" in text
    assert text.count("no structure</span>") == 6  # five cards and the version


def test_strip_says_whether_the_segments_can_be_relied_on(visit: Visit, project: Project) -> None:
    """On top of page and report, each answer has its reason and since when; a card has what is its segment's own."""
    project.night(YESTERDAY, models=["kmeans"])
    project.night(TODAY, models=["kmeans"])
    project.sql("update segmentation.segments set stability_band = 'pattern' where segment_id = 2")
    project.sql(
        "update segmentation.drift_checks set alarm = true where subject = 'annual_income' and as_of = %s", TODAY
    )
    pages = [
        visit(project).get("/page?model=kmeans").text,
        render_report(project.warehouse, project.configuration, models=["kmeans"]),
    ]
    for text in pages:
        assert re.findall(r'data-aspect="(\w+)"', text) == ["fresh", "complete", "drifted", "trusted"]
        assert re.search(r"Drifted</dt>\s*<dd>1 of 10 checks: .*<small>Since 22 Nov 2026</small>", text)
        assert text.count("<dt>Trust</dt>") == 1
        assert "<b>With care</b>: other samples show this segment only roughly" in text
    before = visit(project).get(f"/page?model=kmeans&as_of={YESTERDAY}").text
    assert "A former date; the latest one published is 22 Nov 2026." in before
    assert "No drift" in before


def test_strip_is_there_before_the_first_night(visit: Visit, project: Project) -> None:
    """Nothing is claimed of a model that has labelled nobody."""
    assert "No night of this model was published yet." in visit(project).get("/page?model=kmeans").text


def test_rolls_back(visit: Visit, project: Project) -> None:
    """Whoever may can go back to a former champion, and is recorded with it."""
    appoint(project, "kmeans")
    client = visit(project)
    assert 'data-version="1" data-action="roll_back" data-champion="2"' in client.get("/page?model=kmeans").text
    answer = change(client, version=1, champion=2)
    assert answer.status_code == 200, answer.text
    assert "rolled back to version 1" in answer.json()["message"]
    assert project.registry.champions(["kmeans"])["kmeans"].version == 1
    last = "select decision, decided_by from segmentation.promotions order by promotion_id desc limit 1"
    assert project.sql(last) == [("rolled_back", "Ada")]


def test_readers_change_nothing(visit: Visit, project: Project) -> None:
    """Whoever may only read sees no buttons, and is refused."""
    appoint(project, "kmeans")
    client = visit(project, may_change=False)
    assert "change-champion" not in client.get("/page?model=kmeans").text
    assert change(client, version=1, champion=2).status_code == 403
    assert project.registry.champions(["kmeans"])["kmeans"].version == 2


@pytest.mark.parametrize(
    "headers",
    [{HEADER: "guessed"}, {HEADER: ""}, {"Sec-Fetch-Site": "cross-site"}, {"Cookie": ""}],
    ids=["wrong token", "no token", "another site", "no cookie"],
)
def test_forged_requests_are_refused(visit: Visit, project: Project, headers: dict[str, str]) -> None:
    """A request that does not come from the page changes nothing, whoever sends it."""
    appoint(project, "kmeans")
    client = visit(project)
    if "Cookie" in headers:
        client.get("/page")
        headers = {HEADER: client.cookies[COOKIE]}
        client.cookies.clear()
        body = {"model": "kmeans", "version": 1, "champion": 2}
        answer = client.post("/page/champion", json=body, headers=headers)
    else:
        answer = change(client, version=1, champion=2, **headers)
    assert answer.status_code == 403
    assert project.registry.champions(["kmeans"])["kmeans"].version == 2


def test_another_champion_by_now(visit: Visit, project: Project) -> None:
    """Nothing is changed on the word of a page that has not seen the present champion."""
    appoint(project, "kmeans")
    answer = change(visit(project), version=1, champion=1)
    assert answer.status_code == 409
    assert "another champion by now" in answer.json()["detail"]


def test_report_stands_alone(unchanged: Project) -> None:
    """The report carries a script for its colours, draws without it, allows nothing else, names no other address."""
    text = render_report(unchanged.warehouse, unchanged.configuration)
    assert PLOTLY not in text
    assert text.count("<script") == 1
    assert text.count('<div class="drawn"') == 7  # sizes and customers of three models, and the rejected rows once
    assert text.count("The table <code>rejected_customers</code>") == 1
    assert text.count("Nobody moved, of ") == 3
    assert text.count('<use href="#shape-') > 3_000
    assert len(text) < 400_000
    assert not re.findall(r'<(?:script|link|img)[^>]*\s(?:src|href)="', text)
    assert not re.search(r"\sstyle=|\son\w+=|https?://", text)
    [policy] = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    assert html.unescape(policy).startswith("default-src 'none'; script-src 'sha256-")


def test_report_draws_movement_and_the_first_date_has_none(project: Project) -> None:
    """Bands between the segments, and the same rows as a table."""
    project.night(YESTERDAY, models=["kmeans"])
    project.sql("update customers set annual_income = '26000', spending_score = '79' where customer_id < 100")
    project.night(TODAY, models=["kmeans"])
    text = render_report(project.warehouse, project.configuration, models=["kmeans"])
    assert re.search(r"\d+ moved: \d+ changed themselves, of ", text)
    assert text.count('<path class="band segment-') >= 1
    assert '<tr class="moved">' in text
    first = render_report(project.warehouse, project.configuration, models=["kmeans"], as_of=date(2026, 11, 21))
    assert "This is the first published date" in first
