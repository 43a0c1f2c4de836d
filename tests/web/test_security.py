"""Nobody gets anything without the token."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

import clustering.web
from clustering.errors import ConfigurationError
from clustering.settings import ANONYMOUS, TOKEN
from clustering.web import create_app, standalone_app
from clustering.web.security import token_access
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET, backend_of

ROUTES = [
    ("POST", "/cluster"),
    ("GET", "/customers/1"),
    ("GET", "/models"),
    ("GET", "/models/kmeans"),
    ("GET", "/models/kmeans/health"),
    ("GET", "/segments"),
    ("GET", "/segments/kmeans/1"),
    ("GET", "/schema"),
    ("GET", "/health"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
]
OPEN = [("GET", "/login"), ("POST", "/login"), ("POST", "/logout")]  # what a stranger needs to be none


def test_token_that_can_be_guessed_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line tells the lengths and how to make one, and not the token."""
    monkeypatch.setenv(TOKEN, "s3cret-of-ann")
    with pytest.raises(ConfigurationError, match=f"{TOKEN} has 13 characters, .* at least 16; take that of") as refused:
        token_access()
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {SECRET}x"},
        {"Authorization": f"Basic {SECRET}"},
        {"Authorization": SECRET},
        {"Authorization": b"Bearer \xff\xfe"},
        {"Cookie": f"_token={SECRET}"},
    ],
)
def test_stranger_is_refused(api: TestClient, method: str, path: str, headers: dict[str, Any]) -> None:
    """Without the right token every route answers 401, before it looks at anything else of the request."""
    del api.headers["Authorization"]
    answer = api.request(method, path, headers=headers, content=b"\xff")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_every_route_is_guarded(api: TestClient) -> None:
    """There is no route at all that a stranger gets anything else from, apart from the log-in."""
    every = [(method, route.path) for route in api.app.routes for method in route.methods]  # type: ignore[attr-defined]
    routes = [route for route in every if route not in OPEN]
    assert len(every) - len(routes) == len(OPEN)
    assert len(routes) >= len(ROUTES)
    del api.headers["Authorization"]
    answers = {(method, path): api.request(method, re.sub("{.*?}", "1", path)).status_code for method, path in routes}
    assert answers == dict.fromkeys(routes, 401)


def test_body_of_a_stranger_is_not_read(api: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log-in comes before the limits: whoever is not let in learns nothing of them."""
    monkeypatch.setenv("CLUSTERING_API_MAX_BYTES", "1")
    assert api.post("/cluster", json=REQUEST).status_code == 413
    del api.headers["Authorization"]
    assert api.post("/cluster", json=REQUEST).status_code == 401


@pytest.mark.parametrize("token", ["Grüße an alle in der 世界", " surrounded by blanks \n"])
def test_token_may_be_any_text(unchanged: Project, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token is compared byte by byte; blanks around it, such as a file's last line end, are none of it."""
    monkeypatch.setenv(TOKEN, token)
    backend = backend_of(unchanged)
    client = TestClient(create_app(lambda: backend, token_access()))
    headers: Any = {"Authorization": f"Bearer {token.strip()}".encode()}
    assert client.get("/models", headers=headers).status_code == 200


@pytest.mark.parametrize("token", [None, "", "  "])
@pytest.mark.parametrize("anonymous", [None, "", "0", "true", "yes"])
def test_app_is_not_made_without_a_token(
    token: str | None, anonymous: str | None, unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no app that is open by mistake: `uvicorn clustering.web:app` ends with what to set."""
    monkeypatch.setenv("WAREHOUSE_URL", unchanged.warehouse.uri)
    for name, value in ((TOKEN, token), (ANONYMOUS, anonymous)):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError, match=f"{TOKEN} is not set"):
        _ = clustering.web.app


def test_app_is_open_when_told_so(unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only `CLUSTERING_API_ALLOW_ANONYMOUS=1` opens it to everybody."""
    monkeypatch.delenv(TOKEN, raising=False)
    monkeypatch.setenv(ANONYMOUS, "1")
    monkeypatch.setenv("WAREHOUSE_URL", unchanged.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(unchanged.registry.store))
    with TestClient(standalone_app()) as client:
        assert client.post("/cluster", json=REQUEST).status_code == 200


def test_token_counts_even_when_everybody_may(unchanged: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both are set, the token is needed."""
    monkeypatch.setenv(TOKEN, SECRET)
    monkeypatch.setenv(ANONYMOUS, "1")
    monkeypatch.setenv("WAREHOUSE_URL", unchanged.warehouse.uri)
    with TestClient(standalone_app()) as client:
        assert client.get("/models").status_code == 401


@pytest.mark.parametrize(
    ("variable", "value"),
    [("CLUSTERING_API_MAX_ROWS", "many"), ("CLUSTERING_API_MAX_BYTES", "0"), ("WAREHOUSE_URL", "mysql://shop")],
)
def test_wrong_setting_is_told_at_the_start(
    variable: str, value: str, unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong variable of the environment fails before the first request."""
    monkeypatch.setenv(TOKEN, SECRET)
    monkeypatch.setenv("WAREHOUSE_URL", unchanged.warehouse.uri)
    monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="warehouse's URL" if variable == "WAREHOUSE_URL" else variable):
        standalone_app()


def test_pages_of_others_get_nothing(api: TestClient) -> None:
    """No answer allows another origin to read it, and none is stored on the way."""
    answer = api.get("/models", headers={"Origin": "https://elsewhere.example"})
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
