"""Bodies that no honest caller sends are answered with 4xx, whatever is in them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast

import httpx
import hypothesis
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clustering.settings import ApiLimits
from clustering.web import body
from tests.web.examples import REQUEST, changed

JSON = {"Content-Type": "application/json"}
TEXT = json.dumps(REQUEST)


def with_age(literal: str) -> bytes:
    """Return the request with some text in place of the first customer's age."""
    return TEXT.replace('"age": 25', f'"age": {literal}', 1).encode()


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        (b"", 400, "is not JSON"),
        (b"{", 400, "is not JSON"),
        (b"\xff\xfe{}", 400, "is not JSON"),
        (TEXT.encode("utf-16"), 400, "is not JSON"),
        (with_age("NaN"), 400, "NaN is not a value of JSON"),
        (with_age("-Infinity"), 400, "-Infinity is not a value of JSON"),
        (with_age("9" * 5000), 400, "is not JSON"),
        (with_age("9" * 4000), 422, "cannot be held"),
        (with_age("1e999"), 422, "is not finite"),
        (with_age('25, "age": 26'), 400, "the name 'age' twice"),
        (with_age("[" * 200 + "]" * 200), 422, "age 'a list' has the wrong type"),
        (with_age("[" * 100_000 + "]" * 100_000), 400, "nested too deeply"),
        (with_age('{"a":' * 50_000 + "1" + "}" * 50_000), 400, "nested too deeply"),
        (b"[]", 422, "valid dictionary"),
        (b"null", 422, "valid dictionary"),
        (b"1", 422, "valid dictionary"),
        (
            json.dumps({**REQUEST, "detial": True}).encode(),
            422,
            "'detial' is no field of the body; did you mean detail? There are model_of_choice, data, detail",
        ),
        (b'{"data": []}', 422, "model_of_choice: Field required"),
        (b'{"model_of_choice": "KMeans"}', 422, "data: Field required"),
        (b'{"model_of_choice": "KMeans", "data": []}', 422, "data: List should have at least 1 item"),
        (b'{"model_of_choice": "KMeans", "data": [1]}', 422, "data.0: Input should be a valid dictionary"),
        (b'{"model_of_choice": "KMeans", "data": {"a": 1}}', 422, "data: Input should be a valid list"),
        (b'{"model_of_choice": 7, "data": [{}]}', 422, "model_of_choice: Input should be a valid string"),
        (b'{"model_of_choice": "\\ud800", "data": [{}]}', 404, "is not configured"),
        (b'{"model_of_choice": "KMeans", "data": [{}]}', 422, "row 0, customer_id is missing"),
    ],
)
def test_odd_body_is_refused(api: TestClient, body: bytes, status: int, detail: str) -> None:
    """What is not JSON is 400, JSON of another form is 422, and both say what is wrong."""
    answer = api.post("/cluster", content=body, headers=JSON)
    assert answer.status_code == status
    assert detail in answer.json()["detail"]
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/xml"])
def test_other_content_is_refused(api: TestClient, kind: str) -> None:
    """Only a body that is declared as JSON is read: what a foreign web page can send without asking is none."""
    answer = api.post("/cluster", content=TEXT, headers={"Content-Type": kind})
    assert answer.status_code == 415


def test_character_set_may_be_named(api: TestClient) -> None:
    """Parameters of the content type do not matter."""
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert api.post("/cluster", content=TEXT, headers=headers).status_code == 200


def test_too_many_rows_are_refused_with_a_way_on(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the answer names it, and the DAG that takes more."""
    monkeypatch.setenv("CLUSTERING_API_MAX_ROWS", "2")
    assert api.post("/cluster", json=REQUEST).status_code == 200
    data = [{**REQUEST["data"][0], "customer_id": row} for row in range(3)]
    answer = api.post("/cluster", json={**REQUEST, "data": data})
    assert answer.status_code == 413
    assert answer.json()["most_rows"] == 2
    assert "the DAG cluster_customers" in answer.json()["detail"]


@pytest.mark.parametrize("announced", [True, False])
def test_too_many_bytes_are_refused(api: TestClient, announced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large body is refused by its announced length, or as soon as so much has arrived."""
    monkeypatch.setenv("CLUSTERING_API_MAX_BYTES", str(len(TEXT)))
    assert api.post("/cluster", content=TEXT, headers=JSON).status_code == 200
    content: Any = f"{TEXT} " if announced else iter([TEXT.encode(), b" "])
    answer = api.post("/cluster", content=content, headers=JSON)
    assert answer.status_code == 413
    assert answer.json()["most_bytes"] == len(TEXT)
    assert "the DAG cluster_customers" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({str(number): 0 for number in range(250_000)})[:-1] + ', "0": 1}',
        json.dumps({"model_of_choice": "KMeans", "data": [{"age": "9" * 4_000_000 + "x"}]}),
        json.dumps({"model_of_choice": "KMeans", "data": [{"age": " " * 4_000_000 + "x"}]}),
        '{"model_of_choice": "KMeans", "data": [' + ",".join(["9" * 4_000] * 1_000) + "]}",
        json.dumps({"model_of_choice": "KMeans", "data": [dict.fromkeys(map(str, range(400_000)))]}),
        json.dumps({"model_of_choice": "KMeans", "data": [{"CustomerID": -row, "AGE": -row} for row in range(5_000)]}),
    ],
    ids=["names", "digits", "blanks", "integers", "fields", "faults"],
)
def test_cost_grows_with_the_size_alone(api: TestClient, body: str) -> None:
    """No body within the limits takes the server longer than its size explains."""
    started = time.monotonic()
    assert api.post("/cluster", content=body, headers=JSON).status_code in (400, 413, 422)
    assert time.monotonic() - started < 5


def test_texts_are_given_back_as_data(api: TestClient) -> None:
    """Markup and SQL in a value come back as JSON that no browser takes for a page."""
    hostile = "<script>alert(1)</script>'; drop table segmentation.segments; --"
    answer = api.post("/cluster", json=changed(age=hostile))
    assert answer.json()["errors"][0]["value"] == hostile
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=-(10**4000), max_value=10**4000),
    st.floats(),
    st.sampled_from([2**63, -(2**63) - 1, 2**53 + 1, 1e308, -0.0, 5e-324]),
)
TEXTS = st.one_of(
    st.text(st.characters(categories=None), max_size=40),
    st.sampled_from(
        [
            "'; drop table segmentation.customer_labels; --",
            "<img src=x onerror=alert(1)>",
            "{{ 7 * 7 }}",
            "%(model)s %s {query} \\",
            "\x00",
            "1e400",
            "NaN",
            "-Infinity",
            "٣",
            "\ud800",
            "customer_id",
        ]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)
HEADERS = st.one_of(
    st.sampled_from(["customer_id", "age", "gender", "annual_income", "spending_score", "Age", " AGE ", "Customer ID"]),
    TEXTS,
)
RECORDS = st.dictionaries(HEADERS, VALUES, max_size=6)
COLUMNS = sorted(REQUEST["data"][0])


@st.composite
def contents(draw: st.DrawFn) -> Any:
    """Return anything, or the documented request with up to two values that are anything."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.one_of(VALUES, st.dictionaries(st.sampled_from(["model_of_choice", "data"]), VALUES)))
    content: dict[str, Any] = json.loads(TEXT)
    content["model_of_choice"] = draw(st.sampled_from(["KMeans", "GMM", "DBSCAN"]))
    for _ in range(draw(st.integers(0, 2))):
        match draw(st.integers(0, 5)):
            case 0:
                content["model_of_choice"] = draw(st.one_of(st.just("Ward"), VALUES))
            case 1:
                content["data"] = draw(st.one_of(VALUES, st.lists(RECORDS, max_size=3)))
            case 2:
                content["data"] = [*REQUEST["data"], draw(st.one_of(RECORDS, VALUES))]
            case _:
                content["data"] = changed(**{draw(st.sampled_from(COLUMNS)): draw(VALUES)})["data"]
    return content


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Return the bytes of a hostile body: JSON of any content, cut or damaged JSON, or JSON that is nested deeply."""
    text = json.dumps(draw(contents()), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            place = draw(st.integers(0, len(text)))
            return text[:place] + draw(st.binary(max_size=8)) + text[place + draw(st.integers(0, 3)) :]
        case 1:
            depth = draw(st.integers(1, 3000))
            return with_age("[" * depth + "]" * depth)
        case _:
            return text


def attack(api: TestClient, count: int, seed: int) -> dict[int, int]:
    """Post so many hostile bodies and return how many answers had each status."""
    statuses: dict[int, int] = {}

    @hypothesis.seed(seed)
    @settings(max_examples=count, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(body=bodies(), detail=st.sampled_from(["", "?detail=true", "?detail=2"]))
    def post(body: bytes, detail: str) -> None:
        answer = api.post(f"/cluster{detail}", content=body, headers=JSON)
        statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
        assert answer.status_code in (200, 400, 404, 413, 422), (answer.status_code, answer.text, body)
        json.loads(answer.content, parse_constant=pytest.fail)

    post()
    return statuses


def test_hostile_bodies_are_refused(api: TestClient) -> None:
    """A hundred and fifty hostile bodies: labels or a reason, never a failure of the server."""
    assert {200, 400, 404, 422} <= set(attack(api, 150, seed=1))


@pytest.mark.parametrize(
    ("count", "seed"),
    [
        pytest.param(500, 1, marks=pytest.mark.slow),
        pytest.param(2_000, 2, marks=pytest.mark.slow),
        pytest.param(
            10_000, 2, marks=[pytest.mark.soak, pytest.mark.timeout(1500)]
        ),  # three minutes on a quiet machine
    ],
)
def test_many_hostile_bodies_are_refused(api: TestClient, count: int, seed: int) -> None:
    """The same with thousands."""
    assert sum(attack(api, count, seed=seed).values()) >= count


def test_misspelt_parameter_of_an_address_is_refused(api: TestClient) -> None:
    """What the address asks for and nobody knows is told with the nearest name."""
    answer = api.post("/cluster?detial=true", json=REQUEST)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "'detial' is no parameter of POST /cluster; did you mean detail? There are detail"
    assert (
        api.get("/segments?modle=kmeans").json()["detail"].endswith("is no parameter of GET /segments; there are none")
    )


def test_detail_is_asked_for_in_the_body_as_in_the_configuration_of_the_dag(api: TestClient) -> None:
    """The same body goes to the API and to the DAG."""
    whole = api.post("/cluster?detail=true", json=REQUEST).json()
    assert api.post("/cluster", json={**REQUEST, "detail": True}).json() == whole
    assert "segment_id" in whole["clusters"][0]


def test_no_route_reads_a_body_by_itself(api: TestClient) -> None:
    """One reader stands before every body: it has a limit, and comes after the log-in."""
    routes = [route for route in cast(FastAPI, api.app).routes if isinstance(route, APIRoute)]
    assert {route.path for route in routes} >= {"/cluster", "/page/champion"}
    assert [route.path for route in routes if route.body_field is not None] == []


@pytest.mark.parametrize("path", ["/cluster", "/page/champion"])
def test_body_is_limited_whoever_sends_it_and_not_read_before_the_log_in(api: TestClient, path: str) -> None:
    """Whether or not it says how much is coming, no more than the limit is taken; of a stranger nothing is."""
    taken = []

    def endless() -> Iterator[bytes]:
        for _ in range(4 * ApiLimits.read().bytes // 65_536):
            taken.append(65_536)
            yield b" " * 65_536

    answer = api.post(path, content=endless(), headers=JSON)
    assert (answer.status_code, "the body is larger than" in answer.json()["detail"]) == (413, True)
    announced = api.post(path, content=b" ", headers={**JSON, "Content-Length": str(1_500_000_000)})
    assert announced.status_code == 413
    stranger = {**JSON, "Authorization": "Bearer wrong"}
    assert api.post(path, content=b"[" * 100, headers=stranger).status_code == 401


def test_body_that_does_not_arrive_is_not_waited_for(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever serves the app, inside Airflow too."""
    monkeypatch.setattr(body, "BODY_SECONDS", 0.5)

    async def halting() -> AsyncIterator[bytes]:
        yield b'{"data": ['
        await asyncio.sleep(20)

    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(cast(FastAPI, api.app))
        async with httpx.AsyncClient(transport=transport, base_url="http://host", headers=api.headers) as http:
            return await http.post("/cluster", content=halting(), headers=JSON)

    started = time.monotonic()
    with ThreadPoolExecutor(1) as thread:
        answer = thread.submit(lambda: asyncio.run(post())).result()
    assert (answer.status_code, answer.json()["detail"]) == (408, "the body did not arrive within 0.5 seconds")
    assert time.monotonic() - started < 5
