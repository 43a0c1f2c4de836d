"""A real Superset imports the dashboard as a person does, and answers every chart from the views."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from dashboard_file import DATABASE, EXPORT, pack
from tests.appointing import appoint
from tests.logins import PASSWORD
from tests.projects import Project
from tests.web.served import free_port

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600, method="thread")]

SUPERSET = os.environ.get("SUPERSET") or shutil.which("superset")
ADMINISTRATOR = {"username": "admin", "password": "admin"}
CONFIGURATION = """
SECRET_KEY = "of one test alone, and no secret at all"
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = TALISMAN_ENABLED = False
"""
MAY_BE_EMPTY = ("What happened to the segments",)
JSON = {"Accept": "application/json"}  # as its pages do; else its errors are pages
PATIENCE = 120  # seconds for it to start


@pytest.fixture
def superset(tmp_path: Path) -> Iterator[httpx.Client]:
    """Return a client of a fresh Superset that is logged in."""
    if SUPERSET is None:
        pytest.skip("superset is not on the path, and SUPERSET names none: the dashboard is not imported for real")
    settings = tmp_path / "superset_config.py"
    settings.write_text(CONFIGURATION.format(folder=tmp_path))
    environment = {**os.environ, "SUPERSET_CONFIG_PATH": str(settings), "SUPERSET_HOME": str(tmp_path)}
    person = [part for name, value in ADMINISTRATOR.items() for part in (f"--{name}", value)]
    named = ["--firstname", "Ada", "--lastname", "L", "--email", "ada@example.com"]
    for command in (["db", "upgrade"], ["fab", "create-admin", *person, *named], ["init"]):
        subprocess.run([SUPERSET, *command], env=environment, check=True, capture_output=True, cwd=tmp_path)
    port = free_port()
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen([SUPERSET, "run", "--port", str(port)], env=environment, stdout=log, stderr=log) as server,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=60, headers=JSON) as client,
    ):
        try:
            _log_in(client)
            yield client
        finally:
            server.terminate()


def _log_in(client: httpx.Client) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        try:
            answer = client.post("/security/login", json={**ADMINISTRATOR, "provider": "db"}).raise_for_status()
            break
        except httpx.HTTPError:
            assert time.monotonic() < limit, f"Superset did not answer within {PATIENCE} s"
            time.sleep(1)
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


@pytest.fixture
def reader(project: Project, create_login: Callable[..., str]) -> str:
    """Return the URL of a login that reads two nights between which customers moved."""
    for day, clusters in (("2026-11-21", 5), ("2026-11-22", 4)):
        appoint(project, "kmeans", n_clusters=clusters)
        project.night(day)
    return create_login(project.warehouse, "in role segmentation_reader").replace("postgresql:", "postgresql+psycopg2:")


def test_dashboard_is_imported_and_every_chart_is_answered(superset: httpx.Client, reader: str, tmp_path: Path) -> None:
    """The file and a password are enough; what each chart asks for comes, once the warehouse answers there."""
    pack("postgresql://bi@warehouse.example.com/shop", file := tmp_path / "superset.zip")
    assert load(superset, file, {}).status_code == 422  # it asks for the password
    assert load(superset, file, {DATABASE: PASSWORD}).json() == {"message": "OK"}
    (database,) = listed(superset, "database")
    superset.put(f"/database/{database['id']}", json={"sqlalchemy_uri": reader}).raise_for_status()
    charts = listed(superset, "chart")
    assert len(charts) == len(list((EXPORT / "charts").iterdir()))
    for chart in charts:
        found = superset.get(f"/chart/{chart['id']}").raise_for_status().json()["result"]
        params = json.loads(found["params"])
        query = {"columns": columns(params), "metrics": metrics(params), "row_limit": 10}
        asked = {"datasource": {"id": chart["datasource_id"], "type": "table"}, "queries": [query]}
        (answered,) = superset.post("/chart/data", json=asked).raise_for_status().json()["result"]
        assert answered["rowcount"] or chart["slice_name"] in MAY_BE_EMPTY, chart["slice_name"]


def load(superset: httpx.Client, file: Path, passwords: dict[str, str]) -> httpx.Response:
    """Import a file as the page does."""
    return superset.post(
        "/dashboard/import/",
        files={"formData": (file.name, file.read_bytes())},
        data={"passwords": json.dumps(passwords)},
    )


def listed(superset: httpx.Client, kind: str) -> list[dict[str, Any]]:
    """Return all there are of a kind."""
    found: list[dict[str, Any]] = superset.get(f"/{kind}/", params={"q": "(page_size:100)"}).json()["result"]
    return found


def columns(params: dict[str, Any]) -> list[str]:
    """Return the columns by which a chart asks."""
    names = ("all_columns", "groupby", "groupbyRows", "groupbyColumns", "x_axis", "source", "target")
    found = [params.get(name) or [] for name in names]
    return list(dict.fromkeys(one for part in found for one in ([part] if isinstance(part, str) else part)))


def metrics(params: dict[str, Any]) -> list[Any]:
    """Return the figures for which a chart asks; none of one that shows rows."""
    return params.get("metrics") or ([params["metric"]] if "metric" in params else [])
