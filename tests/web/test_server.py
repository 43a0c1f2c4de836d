"""The standalone app under uvicorn, with what its documentation says to type."""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from clustering.config import PROJECT
from clustering.settings import ApiLimits, DagLimits
from clustering.web import server
from tests.projects import Project
from tests.web.examples import REQUEST, SECRET
from tests.web.served import serving, settings

DOCUMENT = (PROJECT / "docs" / "api.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```bash\n(curl .*?)```\n+```json\n(.*?)```", DOCUMENT, re.DOTALL)
HEADERS = {"Authorization": f"Bearer {SECRET}"}


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file in which the running server logs."""
    return tmp_path_factory.mktemp("server") / "log"


@pytest.fixture(scope="module")
def address(unchanged: Project, log: Path) -> Iterator[str]:
    """Return the address of a running server."""
    with serving(unchanged, log) as found:
        yield found


def form(value: Any) -> Any:
    """Return what a value is made of, without the figures that another training changes."""
    if isinstance(value, dict):
        return {name: form(part) for name, part in value.items()}
    return [form(part) for part in value] if isinstance(value, list) else type(value).__name__


@pytest.mark.parametrize(("command", "answer"), EXAMPLES)
def test_documented_command_gets_the_documented_answer(address: str, command: str, answer: str) -> None:
    """What the document says to type works as it is, and what comes back looks as it says."""
    environment = {**os.environ, "API": address, "TOKEN": SECRET, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(["bash", "-euc", command], env=environment, capture_output=True, text=True, check=True)
    assert form(json.loads(done.stdout)) == form(json.loads(answer))


def test_document_has_examples_of_labels_faults_and_health() -> None:
    """The test above is about something."""
    assert len(EXAMPLES) == 4


def test_documented_routes_are_those_of_the_app(address: str) -> None:
    """The table of routes is complete."""
    paths = httpx.get(f"{address}/openapi.json", headers=HEADERS, trust_env=False).json()["paths"]
    documented = set(re.findall(r"^\| `GET (\S+)`", DOCUMENT, re.MULTILINE))
    assert documented == {path for path, methods in paths.items() if "get" in methods} | {"/openapi.json"}


def test_documented_limits_are_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """The defaults in the table of variables are those of the code, and each of them can be set."""
    table = dict(re.findall(r"^\| `(CLUSTERING_\w+_MAX_\w+)` \| (\d+) \|", DOCUMENT, re.MULTILINE))
    assert set(table) == {"CLUSTERING_API_MAX_ROWS", "CLUSTERING_API_MAX_BYTES", "CLUSTERING_DAG_MAX_ROWS"}
    for variable in table:
        monkeypatch.delenv(variable, raising=False)
    assert [ApiLimits.read().rows, ApiLimits.read().bytes, DagLimits.read().rows] == [
        int(value) for value in table.values()
    ]
    for variable in table:
        monkeypatch.setenv(variable, "7")
    assert [ApiLimits.read().rows, ApiLimits.read().bytes, DagLimits.read().rows] == [7, 7, 7]


def test_server_does_not_start_without_a_token(
    unchanged: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server ends by itself and says what to set."""
    for name, value in settings(unchanged).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("CLUSTERING_API_TOKEN")
    monkeypatch.setattr(sys, "argv", ["server", "--port", "0"])
    assert server.main() != 0
    assert "CLUSTERING_API_TOKEN is not set" in capsys.readouterr().err.splitlines()[-1]


def test_large_body_is_refused_by_the_server(address: str) -> None:
    """A client that sends far too much reads the refusal, whether or not it says how much is coming."""
    size = 3 * ApiLimits.read().bytes
    headers = {**HEADERS, "Content-Type": "application/json"}
    chunks = (b" " * 65_536 for _ in range(size // 65_536))
    for content in (b" " * size, chunks):
        answer = httpx.post(f"{address}/cluster", headers=headers, content=content, trust_env=False)
        assert answer.status_code == 413


def test_half_sent_requests_lock_nobody_out(address: str) -> None:
    """With 1,100 connections that never send the rest of a request, others are served at once; so it is with bodies."""
    host, port = address.removeprefix("http://").split(":")
    for start in (b"GET /health HTTP/1.1\r\nHost: a\r\n", HALF_A_BODY):
        held = []
        try:
            for _ in range(1_100):
                held.append(socket.create_connection((host, int(port)), timeout=10))
                held[-1].sendall(start)
            started = time.monotonic()
            answer = httpx.get(f"{address}/health", headers=HEADERS, timeout=10, trust_env=False)
            assert (answer.status_code, answer.json()["status"]) == (200, "ok")
            assert time.monotonic() - started < 5
        finally:
            for one in held:
                one.close()


HALF_A_BODY = (
    f"POST /cluster HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\nContent-Type: application/json\r\n"
    'Content-Length: 1000\r\n\r\n{"data": ['
).encode()


@pytest.mark.parametrize(
    ("seconds", "answers"),
    [pytest.param(15, 100, marks=pytest.mark.slow), pytest.param(60, 1_000, marks=pytest.mark.soak)],
)
def test_fifty_clients_at_once(address: str, seconds: int, answers: int) -> None:
    """Fifty clients at once get nothing but labels, second after second."""
    # In a thread of its own: tests with a browser leave an event loop running in this one.
    with ThreadPoolExecutor(1) as thread:
        statuses = thread.submit(lambda: asyncio.run(crowd(address, clients=50, seconds=seconds))).result()
    assert set(statuses) == {200}
    assert statuses[200] > answers


async def crowd(address: str, *, clients: int, seconds: float) -> Counter[Any]:
    """Return how many answers of each status so many clients got who post one request after the other."""
    statuses: Counter[Any] = Counter()
    end = time.monotonic() + seconds
    models = ("KMeans", "GMM", "DBSCAN")

    async def client(number: int) -> None:
        body = {**REQUEST, "model_of_choice": models[number % 3]}
        async with httpx.AsyncClient(headers=HEADERS, timeout=30, trust_env=False) as http:
            while time.monotonic() < end:
                try:
                    statuses[(await http.post(f"{address}/cluster?detail=true", json=body)).status_code] += 1
                except httpx.HTTPError as error:
                    statuses[repr(error)] += 1

    await asyncio.gather(*(client(number) for number in range(clients)))
    return statuses


@pytest.mark.slow
def test_thousand_customers_cost_less_than_three_bare_validations(unchanged: Project) -> None:
    """The benchmark runs, and stays within three times what validating and echoing the same customers costs."""
    best: dict[str, float] = {}
    for _ in range(3):  # whatever else the machine does can only make it look worse
        command = [sys.executable, "benchmarks/api.py", "--requests", "100"]
        done = subprocess.run(command, cwd=PROJECT, env=settings(unchanged), capture_output=True, text=True, check=True)
        for model, ratio in re.findall(r"^(\w+): .* ratio ([\d.]+)$", done.stdout, re.MULTILINE):
            best[model] = min(best.get(model, float(ratio)), float(ratio))
    assert set(best) == {"KMeans", "GMM", "DBSCAN"}
    assert max(best.values()) <= 3


def test_document_names_every_variable() -> None:
    """Every variable that the API reads is in the document."""
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "clustering").rglob("*.py"))
    read = set(re.findall(r'"(CLUSTERING_(?:API|DAG)_\w+)"', code))
    assert read == set(re.findall(r"^\| `(CLUSTERING_(?:API|DAG)_\w+)`", DOCUMENT, re.MULTILINE))


def test_server_keeps_secrets_to_itself(address: str, log: Path) -> None:
    """Neither the token nor what callers post gets into the log, whatever has been asked of the server."""
    httpx.post(f"{address}/cluster", json=REQUEST, headers=HEADERS, trust_env=False)
    httpx.post(f"{address}/cluster", json=REQUEST, headers={"Authorization": "Bearer wrong"}, trust_env=False)
    assert "Uvicorn running" in log.read_text()
    assert SECRET not in log.read_text()
    assert "annual_income" not in log.read_text()
