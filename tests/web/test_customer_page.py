"""One customer on the Segments page, and the life of one in the API."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient

from clustering.scoring import customer_lives
from clustering.web import create_app
from clustering.web.security import Access, recognise
from tests.projects import Project
from tests.web.examples import SECRET, backend_of


@pytest.fixture
def moved(appointed_project: Project) -> tuple[Project, int]:
    """Return a project with three nights, on whose second one a customer moved, and who left on the third."""
    project = appointed_project
    project.night("2026-11-20", models=["kmeans"])
    [(key, segment)] = project.sql("select customer_id, segment_id from segmentation.customer_segments limit 1")
    others = "select customer_id from segmentation.customer_segments where segment_id <> %s limit 1"
    [(other,)] = project.sql(others, segment)
    project.sql(
        "update customers as one set annual_income = other.annual_income, spending_score = other.spending_score"
        " from customers as other where one.customer_id = %s and other.customer_id = %s",
        key,
        other,
    )
    project.night("2026-11-21", models=["kmeans"])
    return project, key


def test_life_of_a_customer_is_told_with_causes(moved, access) -> None:
    """Where, since when, and by which cause; of one who has left too, until they are forgotten."""
    project, key = moved
    api = TestClient(create_app(lambda: backend_of(project), access), headers={"Authorization": f"Bearer {SECRET}"})
    told = api.get(f"/customers/{key}").json()
    assert [one["since"] for one in told["labels"]] == ["2026-11-21"]
    [life] = told["history"]
    first, second = life["periods"]
    assert (first["valid_from"], first["valid_to"], first["came_by"], first["went_by"]) == (
        "2026-11-20",
        "2026-11-21",
        None,
        "behaviour",
    )
    assert (second["came_by"], second["valid_to"]) == ("behaviour", None)
    page = api.get(f"/customer?key={key}")
    assert page.status_code == 200
    assert "the customer changed" in page.text
    assert "21 Nov 2026" in page.text
    assert "<svg" in page.text
    project.sql("delete from customers where customer_id = %s", key)
    project.night("2026-11-22", models=["kmeans"])
    told = api.get(f"/customers/{key}").json()
    assert (told["customer_id"], told["labels"]) == (key, [])
    assert told["history"][0]["periods"][-1]["went_by"] == "left"
    assert "In no segment now" in api.get(f"/customer?key={key}").text


def test_life_and_labels_are_of_one_moment(moved, access, monkeypatch: pytest.MonkeyPatch) -> None:
    """A night that is published while a customer is looked up is in neither or in both."""
    project, key = moved
    real = customer_lives.read_lives

    def read(*given: Any, **more: Any) -> Any:
        found = real(*given, **more)
        project.sql("delete from customers where customer_id = %s", key)
        project.night("2026-11-22", models=["kmeans"])
        return found

    monkeypatch.setattr(customer_lives, "read_lives", read)
    found = customer_lives.look_up(project.configuration, project.registry, customer_id=key)
    assert [str(label.as_of) for label in found.labels] == ["2026-11-21"]
    assert found.lives[0].periods[-1].valid_to is None


def test_page_asks_for_a_key_and_says_who_is_not_known(api: TestClient) -> None:
    """Nobody is looked up without a key; a wrong one is a sentence, and never markup."""
    assert "Find a customer" in api.get("/customer").text
    missing = api.get("/customer", params={"key": "<b>nobody</b>"})
    assert missing.status_code == 404
    assert "<b>" not in missing.text
    assert "is no key of a customer" in missing.text
    assert 'action="customer"' in api.get("/page").text


def test_whoever_may_not_look_customers_up_is_offered_no_search() -> None:
    """One who reads the page and may not trigger `cluster_customers`, as a viewer of Airflow."""

    def refuse(*_: Any) -> None:
        raise HTTPException(403, "not allowed")

    caller = recognise(lambda: "Ada", name=str, require=lambda *_: None, looks_up=refuse)
    known = caller(None, "Ada")
    assert (known.may_change, known.may_look_up) == (True, False)
    access = Access(reads=lambda: None, customers=lambda: refuse(), caller=lambda: known)
    closed = TestClient(create_app(lambda: pytest.fail("the warehouse was opened"), access))
    assert closed.get("/customer?key=1").status_code == 403
