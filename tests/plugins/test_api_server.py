"""A real api-server with a scheduler, and curl: the API inside Airflow, and a run of cluster_customers.

With the auth manager of development and with that of the containers.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest

from client import Client
from clustering.config import PROJECT
from components import free_port, running, start_airflow
from tests.plugins.addresses import addresses
from tests.projects import Project
from tests.web.examples import REQUEST, changed

pytestmark = pytest.mark.slow

USERS = "admin:admin,user:user,viewer:viewer"
COMPONENTS = ("scheduler", "dag-processor")
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
PASSWORDS = "simple_auth_manager_passwords.json.generated"

Curl = Callable[..., tuple[int, Any]]


def environment(home: Path, project: Project, metadata: str, port: int) -> dict[str, str]:
    """Return Airflow's environment, without the connection to the warehouse: that one is added by the API."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    return {
        **ours,
        "AIRFLOW_HOME": str(home / "airflow"),
        "AIRFLOW__API__BASE_URL": f"http://127.0.0.1:{port}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{port}/execution/",
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": USERS,
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.2",
        "CLUSTERING_STORE": str(project.registry.store),
    }


@pytest.fixture(scope="module")
def port() -> int:
    """Return the api-server's port."""
    return free_port()


@pytest.fixture(scope="module")
def tokens() -> dict[str, str]:
    """Return the tokens of the users, as soon as `curl` has logged them in."""
    return {}


@pytest.fixture(scope="module", params=["simple", "fab"])
def curl(
    tokens: dict[str, str],
    unchanged: Project,
    postgresql: Any,
    port: int,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Curl]:
    """Run Airflow, and return curl: a user, a path and perhaps a body in, status and answer out."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "airflow").mkdir()
    metadata = postgresql.create()
    settings = environment(home, unchanged, postgresql.url(metadata), port)
    if request.param == "fab":
        settings["AIRFLOW__CORE__AUTH_MANAGER"] = FAB
    with running(settings, logs=home, record=home / "processes.json") as components:
        components.start("db", "migrate")
        components.finish("db")
        if request.param == "fab":
            add_users(home / "airflow", settings)
        start_airflow(components, port=port, names=COMPONENTS)
        airflow = Client(port, home / "airflow", components.check)
        with airflow.http:
            airflow.wait_until_ready(COMPONENTS, ("cluster_customers",))
            airflow.http.patch("/api/v2/dags/cluster_customers", json={"is_paused": False}).raise_for_status()
        tokens.update(log_in(home / "airflow", port))
        add_connection(tokens["admin"], unchanged, port)

        def curl(user: str, path: str, body: Any = None, *more: str) -> tuple[int, Any]:
            command = ["curl", "-s", "--noproxy", "*", "-w", "\n%{http_code}", f"http://127.0.0.1:{port}{path}", *more]
            if user:
                command += ["-H", f"Authorization: Bearer {tokens[user]}"]
            if body is not None:
                command += ["-H", "Content-Type: application/json", "-d", json.dumps(body)]
            lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
            *answers, status = filter(None, lines)
            return int(status), json.loads(answers[-1])

        yield curl
    postgresql.drop(metadata)


def add_users(home: Path, settings: dict[str, str]) -> None:
    """Make the users of the three roles, with passwords where the tests look for those of development."""
    passwords = {user: secrets.token_hex(16) for user in ("admin", "user", "viewer")}
    (home / PASSWORDS).write_text(json.dumps(passwords), encoding="utf-8")
    for user, password in passwords.items():
        words = ["--username", user, "--role", user.title(), "--password", password, "--email", f"{user}@example.com"]
        command = [sys.executable, "-m", "airflow", "users", "create", *words, "--firstname", "A", "--lastname", "B"]
        subprocess.run(command, env=settings, check=True, capture_output=True)


def log_in(home: Path, port: int) -> dict[str, str]:
    """Return a token of every user."""
    passwords = json.loads((home / PASSWORDS).read_text())
    return {
        user: httpx.post(
            f"http://127.0.0.1:{port}/auth/token", json={"username": user, "password": password}, trust_env=False
        ).json()["access_token"]
        for user, password in passwords.items()
    }


def add_connection(token: str, project: Project, port: int) -> None:
    """Add the connection `warehouse` as a person does in Airflow's pages: to the metadata database."""
    from psycopg2.extensions import parse_dsn

    parts = parse_dsn(project.warehouse.uri)
    body = {
        "connection_id": "warehouse",
        "conn_type": "postgres",
        "host": parts["host"],
        "login": parts.get("user"),
        "password": parts.get("password"),
        "schema": parts["dbname"],
        "port": int(parts["port"]) if "port" in parts else None,
    }
    httpx.post(
        f"http://127.0.0.1:{port}/api/v2/connections",
        json=body,
        headers={"Authorization": f"Bearer {token}"},
        trust_env=False,
    ).raise_for_status()


def test_documented_request_gets_the_documented_answer(curl: Curl) -> None:
    """Curl gets clusters from the api-server, with the connection of Airflow's own database."""
    status, answer = curl("user", "/segmentation/cluster", REQUEST)
    assert status == 200
    assert [set(row) for row in answer["clusters"]] == [{"customer_id", "cluster_label"}] * 2


@pytest.mark.parametrize(
    ("user", "customers", "reads"), [("", 401, 401), ("viewer", 403, 200), ("user", 200, 200), ("admin", 200, 200)]
)
def test_segments_and_single_customers_have_permissions_of_their_own(
    curl: Curl, unchanged: Project, user: str, customers: int, reads: int
) -> None:
    """Nobody without a log-in; a viewer reads of segments; a user posts customers, and looks single ones up."""
    ((key,),) = unchanged.sql("select min(customer_id) from segmentation.customer_segments")
    assert curl(user, "/segmentation/cluster", REQUEST)[0] == customers
    assert curl(user, f"/segmentation/customers/{key}")[0] == customers
    for path in ("models", "models/gmm", "segments", "segments/kmeans/1", "schema", "health", "openapi.json"):
        assert curl(user, f"/segmentation/{path}")[0] == reads


def test_every_address_needs_a_log_in(curl: Curl, port: int) -> None:
    """Of all that the plugin adds to Airflow, a stranger gets nothing but 401."""
    base = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=base, trust_env=False) as stranger:
        found = {one: stranger.request(*one).status_code for one in addresses()}
    assert found == dict.fromkeys(found, 401)


def test_run_returns_the_labels(curl: Curl, unchanged: Project) -> None:
    """The DAG takes the same body, and the wait call brings the answer of the API."""
    tables = ("customer_labels", "scoring_runs", "segments")
    before = [unchanged.sql(f"select count(*) from segmentation.{table}") for table in tables]  # noqa: S608
    dag = "/api/v2/dags/cluster_customers/dagRuns"
    status, run = curl("user", dag, {"logical_date": None, "conf": REQUEST})
    assert status == 200
    _, last = curl("user", f"{dag}/{run['dag_run_id']}/wait?interval=1")
    assert last == {"state": "success", "results": {"label": curl("user", "/segmentation/cluster", REQUEST)[1]}}
    assert [unchanged.sql(f"select count(*) from segmentation.{table}") for table in tables] == before  # noqa: S608


@pytest.mark.parametrize("conf", [{**REQUEST, "model_of_choice": "Ward"}, changed(age=-3), {**REQUEST, "data": []}])
def test_wrong_conf_is_refused(curl: Curl, conf: dict[str, Any]) -> None:
    """The schema of the params answers before a run exists."""
    body = {"logical_date": None, "conf": conf}
    assert curl("user", "/api/v2/dags/cluster_customers/dagRuns", body)[0] == 400


def test_run_without_customers_is_refused_by_its_task(curl: Curl) -> None:
    """The form's example is for people: a program that gives nothing gets nothing."""
    dag = "/api/v2/dags/cluster_customers/dagRuns"
    status, run = curl("user", dag, {"logical_date": None, "conf": {}})
    assert status == 200
    _, last = curl("user", f"{dag}/{run['dag_run_id']}/wait?interval=1")
    assert last["state"] == "failed"


def test_locked_warehouse_leaves_airflow_alone(
    curl: Curl, tokens: dict[str, str], unchanged: Project, port: int
) -> None:
    """While a viewer's fifty reads meet an exclusive lock, Airflow's own health answers within a second.

    The first answer may come later, on a busy machine, while the fifty arrive; without limits none comes in time.
    """
    base = f"http://127.0.0.1:{port}"
    with (
        closing(psycopg2.connect(unchanged.warehouse.uri)) as connection,
        connection.cursor() as cursor,
        ThreadPoolExecutor(50) as pool,
        httpx.Client(base_url=base, trust_env=False, timeout=60) as own,
    ):
        cursor.execute("lock table segmentation.segments in access exclusive mode")
        headers = {"Authorization": f"Bearer {tokens['viewer']}"}
        reads = [
            pool.submit(httpx.get, f"{base}/segmentation/segments", headers=headers, timeout=60, trust_env=False)
            for _ in range(50)
        ]
        times: list[float] = []
        while not all(read.done() for read in reads):
            for path in ("/api/v2/monitor/health", "/execution/health", "/api/v2/version"):
                started = time.monotonic()
                assert own.get(path).status_code == 200
                times.append(time.monotonic() - started)
            time.sleep(0.1)
        answers = [read.result() for read in reads]
    assert {answer.status_code for answer in answers} == {503}
    assert all("the warehouse is busy" in answer.json()["detail"] for answer in answers)
    assert {answer.headers["Retry-After"] for answer in answers} == {"5"}
    assert len(times) > 10
    assert sorted(times)[len(times) * 9 // 10] < 1
    assert max(times) < 10
    assert curl("viewer", "/segmentation/segments")[0] == 200


def test_viewer_may_not_trigger(curl: Curl) -> None:
    """Who may not post may not trigger either."""
    body = {"logical_date": None, "conf": REQUEST}
    assert curl("viewer", "/api/v2/dags/cluster_customers/dagRuns", body)[0] == 403
