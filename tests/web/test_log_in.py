"""A browser reads the standalone page after a log-in by the API's token, and nothing else with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from clustering.web import Access, create_app, sessions
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET, backend_of

BROWSING = {"Accept": "text/html"}
Visit = Callable[..., TestClient]


@pytest.fixture
def visit(unchanged: Project, access: Access) -> Visit:
    """Return a function that opens the app at an address, as a browser that follows nothing by itself."""

    def visit(address: str = "http://localhost:8000") -> TestClient:
        backend = backend_of(unchanged)
        return TestClient(create_app(lambda: backend, access), base_url=address, follow_redirects=False)

    return visit


def log_in(client: TestClient, token: str = SECRET, **options: Any) -> Any:
    """Send the form."""
    return client.post("/login", data={"token": token}, **options)


def test_browser_without_a_session_is_led_to_the_form_and_back(visit: Visit) -> None:
    """What was asked for is shown after the log-in."""
    client = visit()
    led = client.get("/page?model=gmm&as_of=2026-11-21", headers=BROWSING)
    assert (led.status_code, led.headers["location"]) == (303, "login?next=page%3Fmodel%3Dgmm%26as_of%3D2026-11-21")
    form = client.get("/" + led.headers["location"], headers=BROWSING)
    assert form.status_code == 200
    assert 'action="login?next=page%3Fmodel%3Dgmm%26as_of%3D2026-11-21"' in form.text
    assert "form-action 'self'" in form.headers["content-security-policy"]
    assert "unsafe" not in form.headers["content-security-policy"]
    done = client.post("/login?next=page%3Fmodel%3Dgmm", data={"token": f" {SECRET}\n"})
    assert (done.status_code, done.headers["location"]) == (303, "page?model=gmm")
    assert "Gaussian mixture" in client.get("/page?model=gmm", headers=BROWSING).text


def test_session_reads_and_does_nothing_else(visit: Visit) -> None:
    """Single customers and their values take the token; champions are changed inside Airflow alone."""
    client = visit()
    log_in(client)
    for path in ("/page", "/docs", "/models", "/segments", "/page/charts", "/models/kmeans/health"):
        assert client.get(path).status_code == 200, path
    assert client.get("/customers/1").status_code == 401
    assert client.post("/cluster", json=REQUEST).status_code == 401
    assert client.post("/page/champion", json={}).status_code == 403
    assert "change-champion" not in client.get("/page?model=kmeans").text
    assert client.get("/models", headers={"Authorization": "Bearer wrong"}).status_code == 401


@pytest.mark.parametrize(
    ("address", "secure"),
    [
        ("http://localhost:8000", False),
        ("http://127.0.0.1:8000", False),
        ("https://localhost", True),
        ("https://segments.example", True),
        ("http://segments.example", True),
        ("http://localhost.segments.example", True),
    ],
)
def test_cookie_is_safe_by_default(visit: Visit, address: str, secure: bool) -> None:
    """Scripts and other sites do not get it, and it goes over TLS alone, but for plain HTTP on this very computer."""
    cookie = log_in(visit(address)).headers["set-cookie"]
    parts = [part.strip().casefold() for part in cookie.split(";")]
    assert {"httponly", "samesite=lax", "path=/", "max-age=28800"} <= set(parts)
    assert ("secure" in parts) == secure
    assert SECRET not in cookie


def test_plain_http_from_elsewhere_is_warned_of(visit: Visit) -> None:
    """The browser would not keep the log-in, and the form says why."""
    assert "plain HTTP" in visit("http://segments.example").get("/login").text
    assert "plain HTTP" not in visit().get("/login").text


@pytest.mark.parametrize("token", ["", "wrong", SECRET[:-1], "x" * 4000, "\u202e\x00é"])
def test_wrong_token_gives_no_session(visit: Visit, token: str) -> None:
    """It is refused in a sentence, and not repeated."""
    client = visit()
    answer = log_in(client, token)
    assert answer.status_code == 401
    assert "That is not the token" in answer.text
    assert "set-cookie" not in answer.headers
    assert client.get("/page").status_code == 401


def test_body_that_is_no_form_gives_no_session(visit: Visit) -> None:
    """Whatever is sent is answered."""
    client = visit()
    assert client.post("/login", content=b"\xff\xfe&&==").status_code == 401
    assert client.post("/login", json={"token": SECRET}).status_code == 401
    assert client.post("/login", content=b"token=" + b"x" * 10_000).status_code == 413
    assert client.post("/login", content=b"a=1&" * 100).status_code == 401


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://elsewhere.example"}, {"Origin": "null"}]
)
def test_forms_of_other_sites_are_refused(visit: Visit, headers: dict[str, str]) -> None:
    """Nobody is logged in, or out, by another site's page."""
    client = visit()
    assert log_in(client, headers=headers).status_code == 403
    log_in(client, headers={"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"})
    assert client.post("/logout", headers=headers).status_code == 403
    assert client.get("/page").status_code == 200


def test_log_in_and_out_behind_a_proxy_that_puts_its_own_name_for_the_host(visit: Visit) -> None:
    """The browser says that the form is the server's own; without its word, the origin has to be the host's."""
    client = visit("https://internal:8080")
    origin = {"Origin": "https://segments.example.com"}
    headers = {**origin, "Sec-Fetch-Site": "same-origin"}
    assert log_in(client, headers=headers).status_code == 303
    assert client.post("/logout", headers=headers).status_code == 303
    assert log_in(client, headers=origin).status_code == 403
    assert log_in(client, headers={**origin, "Sec-Fetch-Site": "same-site"}).status_code == 403


@pytest.mark.parametrize(
    "wanted", ["https://elsewhere.example", "//elsewhere.example", "page//x", "/\\elsewhere", "page\r\nX: y", "logout"]
)
def test_log_in_leads_nowhere_else(visit: Visit, wanted: str) -> None:
    """An address in the form's link is one of ours, or it is left out."""
    answer = visit().post("/login", params={"next": wanted}, data={"token": SECRET})
    assert (answer.status_code, answer.headers["location"]) == (303, "page")


def test_log_out_ends_the_session_in_the_browser(visit: Visit) -> None:
    """The page offers it; afterwards the form is asked for again."""
    client = visit()
    log_in(client)
    assert 'action="logout"' in client.get("/page").text
    assert client.post("/logout").headers["location"] == "login"
    assert client.get("/page", headers=BROWSING).status_code == 303


def test_session_ends_by_itself_and_with_the_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight hours later, and under another token, it holds no longer; nor does one that was changed."""
    session = sessions.new_session(SECRET)
    assert sessions.holds(SECRET, session)
    assert not sessions.holds(SECRET + "x", session)
    end, nonce, signature = session.split(".")
    for changed in (
        f"{int(end) + 9}.{nonce}.{signature}",
        f"{end}.{nonce[::-1]}.{signature}",
        f"{end}.{nonce}",
        "",
        "é..",
    ):
        assert not sessions.holds(SECRET, changed)
    assert sessions.new_session(SECRET) != session
    later = time.time() + sessions.SECONDS + 1
    monkeypatch.setattr("clustering.web.sessions.time.time", lambda: later)
    assert not sessions.holds(SECRET, session)


def test_docs_show_every_route_of_the_api(visit: Visit) -> None:
    """Each with its parameters, and the example body that the contract asks for; nothing is fetched elsewhere."""
    client = visit()
    log_in(client)
    text = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in text
    assert "annual_income" in text
    assert "clusters[].segment_name" in text
    assert "https://" not in text
    assert client.get("/docs").headers["content-security-policy"].startswith("default-src 'none'")
