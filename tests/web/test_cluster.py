"""`POST /cluster`: labels for what is valid, and every fault of what is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clustering.settings import ApiLimits
from tests.projects import Project
from tests.web.examples import REQUEST, changed


@pytest.mark.parametrize("model", ["KMeans", "kmeans", "GMM", "DBSCAN", "dbscan"])
def test_labels_equal_those_of_the_night(api: TestClient, unchanged: Project, model: str) -> None:
    """A customer who is posted gets the label, segment and confidence that the night gives."""
    expected = {
        customer: (label, segment, name, round(confidence, 6))
        for _, of, customer, label, segment, name, confidence in unchanged.labels()
        if of == model.casefold()
    }
    rows = unchanged.sql(
        "select customer_id, age, gender, annual_income, spending_score from customers"
        " where customer_id in (select customer_id from segmentation.current_customer_segments)"
    )
    columns = ("customer_id", "age", "gender", "annual_income", "spending_score")
    data = [dict(zip(columns, map(_plain, row), strict=True)) for row in rows]
    answer = api.post("/cluster?detail=true", json={"model_of_choice": model, "data": data})
    assert answer.status_code == 200
    found = answer.json()["clusters"]
    assert [row["customer_id"] for row in found] == [row["customer_id"] for row in data]
    assert {
        row["customer_id"]: (row["cluster_label"], row["segment_id"], row["segment_name"], row["confidence"])
        for row in found
    } == expected


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str | int) else float(value)


def test_answer_has_the_documented_form(api: TestClient) -> None:
    """Without `detail`, an answer is the clusters by customer and nothing else."""
    answer = api.post("/cluster", json=REQUEST).json()
    assert set(answer) == {"clusters"}
    assert [set(row) for row in answer["clusters"]] == [{"customer_id", "cluster_label"}] * 2
    assert [row["customer_id"] for row in answer["clusters"]] == [1, 2]
    assert all(isinstance(row["cluster_label"], int) for row in answer["clusters"])


def test_detail_gives_segment_version_and_reason(api: TestClient) -> None:
    """With `detail`, each customer comes with the segment and why it is this one."""
    second = api.post("/cluster?detail=true", json=REQUEST).json()["clusters"][1]
    assert {name: second[name] for name in ("segment_id", "segment_name", "version")} == {
        "segment_id": 1,
        "segment_name": "High Spenders",
        "version": 1,
    }
    assert 0.5 < second["confidence"] <= 1
    assert "rather than" in second["reason"]


@pytest.mark.parametrize("key", [7, "7", 7.0, "007", -3])
def test_key_comes_back_as_it_was_posted(api: TestClient, key: Any) -> None:
    """A key is not converted on its way, nor is its type."""
    found = api.post("/cluster", json=changed(customer_id=key)).json()["clusters"][0]["customer_id"]
    assert found == key
    assert type(found) is type(key)


def test_columns_go_by_other_headers_and_units(api: TestClient) -> None:
    """A record may use the aliases of the contract; what the contract does not know is left out."""
    aliased = {
        "Customer ID": 1,
        "AGE": "25",
        "Annual Income (k$)": 50,
        "Spending Score (1-100)": "70.0",
        "favourite colour": {"nested": [1]},
    }
    plain = api.post("/cluster", json=REQUEST).json()["clusters"][0]
    assert api.post("/cluster", json={**REQUEST, "data": [aliased]}).json()["clusters"] == [plain]


@pytest.mark.parametrize(
    ("row", "field", "value", "reason", "allowed"),
    [
        ({"age": -3}, "age", -3, "out_of_range", "a whole number from 0 to 120"),
        ({"age": 25.5}, "age", 25.5, "wrong_type", "a whole number from 0 to 120"),
        ({"age": True}, "age", True, "wrong_type", "a whole number from 0 to 120"),
        ({"age": [[1]]}, "age", "a list", "wrong_type", "a whole number from 0 to 120"),
        ({"gender": {"a": 1}}, "gender", "an object", "wrong_type", "a text, or nothing"),
        ({"annual_income": "much"}, "annual_income", "much", "wrong_type", "a number, 0 or more"),
        ({"annual_income": "1e400"}, "annual_income", "1e400", "not_convertible", "a number, 0 or more"),
        ({"annual_income": "NaN"}, "annual_income", "NaN", "not_finite", "a number, 0 or more"),
        ({"annual_income": None}, "annual_income", None, "missing_value", "a number, 0 or more"),
        ({"spending_score": 0}, "spending_score", 0, "out_of_range", "a number from 1 to 100"),
        ({"customer_id": None}, "customer_id", None, "missing_key", "a whole number"),
        ({"customer_id": " 7"}, "customer_id", " 7", "wrong_type", "a whole number"),
        ({"customer_id": 2**80}, "customer_id", str(2**80), "not_convertible", "a whole number"),
        (
            {"gender": "\ud800", "age": "\ud800" * 300},
            "age",
            "\ud800" * 200,
            "wrong_type",
            "a whole number from 0 to 120",
        ),
    ],
)
def test_fault_names_row_field_value_and_what_is_allowed(
    api: TestClient, row: dict[str, Any], field: str, value: Any, reason: str, allowed: str
) -> None:
    """One bad value refuses the request, and the answer says which it is."""
    content = json.dumps(changed(**row))
    answer = api.post("/cluster", content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"row": 0, "field": field, "value": value, "reason": reason, "allowed": allowed}]
    assert answer.json()["detail"].startswith(f"1 of 2 rows cannot be labelled: row 0, {field} ")


def test_every_fault_is_told(api: TestClient) -> None:
    """The faults of all rows come back at once, by row and then in the order of the contract."""
    bad = {"customer_id": "one", "age": 200, "annual_income": 1}
    answer = api.post("/cluster", json={**REQUEST, "data": [REQUEST["data"][0], bad]}).json()
    assert [(error["row"], error["field"], error["reason"]) for error in answer["errors"]] == [
        (1, "customer_id", "wrong_type"),
        (1, "age", "out_of_range"),
        (1, "spending_score", "missing_value"),
    ]
    assert answer["errors_found"] == 3


@pytest.mark.parametrize("again", [1, "1", 1.0])
def test_customer_who_is_posted_twice_is_refused(api: TestClient, again: Any) -> None:
    """A key stands for one customer, however it is written: both rows are at fault."""
    first, second = REQUEST["data"]
    answer = api.post("/cluster", json={**REQUEST, "data": [first, {**second, "customer_id": again}]})
    assert answer.status_code == 422
    assert [(error["row"], error["reason"]) for error in answer.json()["errors"]] == [
        (0, "duplicate_key"),
        (1, "duplicate_key"),
    ]


def test_list_of_faults_is_short(api: TestClient) -> None:
    """Of thousands of faults the first hundred are listed and all are counted."""
    data = [{**REQUEST["data"][0], "customer_id": row, "age": -1} for row in range(ApiLimits.read().rows)]
    answer = api.post("/cluster", json={**REQUEST, "data": data}).json()
    assert len(answer["errors"]) == 100
    assert answer["errors_found"] == len(data)
    assert len(answer["detail"]) < 1000


def test_column_that_is_named_twice_is_refused(api: TestClient) -> None:
    """Two headers of one column leave open which of them counts."""
    answer = api.post("/cluster", json=changed(Age=25))
    assert (answer.status_code, answer.json()["detail"]) == (
        422,
        "record 0 has age twice: as 'age' and as 'Age'; remove one",
    )


def test_unknown_model_gets_the_list(api: TestClient) -> None:
    """A model that is not configured is not found, and the answer says which are."""
    answer = api.post("/cluster", json={**REQUEST, "model_of_choice": "Ward"})
    assert answer.status_code == 404
    assert answer.json() == {
        "detail": "model 'Ward' is not configured; there are dbscan, gmm, kmeans",
        "models": ["dbscan", "gmm", "kmeans"],
    }


def test_model_without_champion_says_what_to_run(serve: Callable[[Project], TestClient], untrained: Project) -> None:
    """Before any training there is nothing to label with."""
    answer = serve(untrained).post("/cluster", json=REQUEST)
    assert answer.status_code == 409
    assert "run the DAG retrain_models first" in answer.json()["detail"]


def test_nothing_is_written(api: TestClient, unchanged: Project) -> None:
    """Labels for posted customers leave no trace in the warehouse."""
    tables = ("customer_labels", "scoring_runs", "rejected_customers", "segments")
    count = " union all ".join(f"select count(*) from segmentation.{table}" for table in tables)  # noqa: S608
    before = unchanged.sql(count)
    assert api.post("/cluster?detail=true", json=REQUEST).status_code == 200
    assert unchanged.sql(count) == before
