"""What can be read of models and segments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from fastapi.testclient import TestClient

from tests.projects import Project
from tests.web.examples import REQUEST


def test_models_are_listed_with_their_champions(api: TestClient) -> None:
    """Every configured model is there, and the version that labels."""
    models = api.get("/models").json()["models"]
    assert [(model["model"], model["champion"]["version"]) for model in models] == [
        ("dbscan", 1),
        ("gmm", 1),
        ("kmeans", 1),
    ]
    assert models[2]["features"] == ["annual_income", "spending_score"]
    assert models[2]["champion"]["settings"] == {"n_clusters": 5}


def test_model_without_champion_is_listed(serve: Callable[[Project], TestClient], untrained: Project) -> None:
    """Before any training the models are there, without champions."""
    api = serve(untrained)
    assert [model["champion"] for model in api.get("/models").json()["models"]] == [None] * 3
    assert api.get("/segments").json() == {"segments": [], "units": {}}
    assert api.get("/health").json() == {
        "status": "no champions",
        "champions": {"dbscan": None, "gmm": None, "kmeans": None},
    }


def test_model_comes_with_versions_and_decisions(api: TestClient) -> None:
    """One model: its versions and who decided what about them."""
    model = api.get("/models/KMeans").json()
    assert model["model"] == "kmeans"
    assert [(version["version"], version["status"]) for version in model["versions"]] == [(1, "champion")]
    assert [(one["version"], one["decision"], one["decided_by"]) for one in model["decisions"]] == [
        (1, "promoted", "test")
    ]


def test_segments_are_those_of_the_current_night(api: TestClient, unchanged: Project) -> None:
    """The segments of every model, with the averages that the contract asks for."""
    found = api.get("/segments").json()["segments"]
    assert {segment["as_of"] for segment in found} == {"2026-11-22"}
    expected = [
        (model, segment, name, customers, share, income)
        for _, model, segment, name, customers, share, _, income, _ in unchanged.segments()
    ]
    assert [
        (row["model"], row["segment_id"], row["segment_name"], row["customers"], row["share"], row["avg_annual_income"])
        for row in found
    ] == expected


def test_segment_comes_with_its_history(api: TestClient) -> None:
    """One segment: as it is now, and its size on every date."""
    found = api.get("/segments/KMeans/1").json()
    assert found["segment"]["segment_name"] == "High Spenders"
    assert [size["as_of"] for size in found["history"]] == ["2026-11-21", "2026-11-22"]
    assert found["history"][1]["customers"] == found["segment"]["customers"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/models/ward", 404),
        ("/models/%00", 404),
        ("/models/' or true --", 404),
        ("/segments/ward/1", 404),
        ("/segments/kmeans/99", 404),
        ("/segments/kmeans/-1", 422),
        ("/segments/kmeans/2147483648", 422),
        (f"/segments/kmeans/{'9' * 5000}", 422),
        ("/segments/kmeans/one", 422),
        ("/nothing", 404),
    ],
)
def test_what_is_not_there_is_said(api: TestClient, path: str, status: int) -> None:
    """A wrong address is the caller's mistake, whatever it is."""
    answer = api.get(path)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_schema_comes_from_the_contract(api: TestClient) -> None:
    """The schema is JSON Schema, takes the documented customers, and refuses what the contract does."""
    schema = api.get("/schema").json()
    validator = jsonschema.Draft202012Validator(schema)
    validator.check_schema(schema)
    first = REQUEST["data"][0]
    good: list[dict[str, Any]] = [first, {**first, "age": "25"}, {**first, "gender": None}, *schema["examples"]]
    assert [list(validator.iter_errors(row)) for row in good] == [[]] * len(good)
    bad: list[dict[str, Any]] = [{}, {**first, "age": 121}, {**first, "age": "old"}, {**first, "annual_income": None}]
    assert all(list(validator.iter_errors(row)) for row in bad)
    assert schema["properties"]["age"]["description"] == "A whole number from 0 to 120. Age in years."


def test_openapi_describes_every_route(api: TestClient) -> None:
    """The document has all routes, the body from the contract, and an example that is answered."""
    document = api.get("/openapi.json").json()
    assert set(document["paths"]) == {
        "/cluster",
        "/customers/{key}",
        "/models",
        "/models/{model}",
        "/models/{model}/health",
        "/segments",
        "/segments/{model}/{segment}",
        "/schema",
        "/health",
    }
    content = document["paths"]["/cluster"]["post"]["requestBody"]["content"]["application/json"]
    jsonschema.validate(REQUEST, content["schema"])
    assert api.post("/cluster", json=content["example"]).status_code == 200


def test_health_names_the_versions_in_use(api: TestClient) -> None:
    """All is well when there is something to label with."""
    assert api.get("/health").json() == {"status": "ok", "champions": {"dbscan": 1, "gmm": 1, "kmeans": 1}}


def test_health_of_a_model_has_reasons_for_each_answer(api: TestClient) -> None:
    """The same as the page's strip; a date that was not published is none."""
    found = api.get("/models/KMeans/health").json()
    assert (found["model"], found["as_of"]) == ("kmeans", "2026-11-22")
    assert [one["name"] for one in found["aspects"]] == ["fresh", "complete", "drifted", "trusted"]
    assert all(one["reason"].endswith(".") for one in found["aspects"])
    assert [one["segment_id"] for one in found["segments"]] == [1, 2, 3, 4, 5]
    former = api.get("/models/kmeans/health?as_of=2026-11-21").json()
    assert former["aspects"][0]["verdict"] == "A former date"
    assert api.get("/models/kmeans/health?as_of=2026-11-20").status_code == 404
    assert api.get("/models/kmeans/health?as_of=2026-11-31").status_code == 422
    assert api.get("/models/none/health").status_code == 404
