"""The API inside Airflow: its log-in, its permissions, its connection."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clustering.config import PROJECT
from tests.docs.pages import section_commands, text
from tests.plugins.addresses import addresses
from tests.projects import Project
from tests.web.examples import REQUEST, changed

ERROR = "Plugin 'segmentation' already registered, skipping"
LogIn = Callable[[str], Any]
READS = ["models", "models/KMeans", "segments", "segments/kmeans/1", "schema", "health", "openapi.json"]


@pytest.fixture
def project(unchanged: Project) -> Project:
    """Return a project with nights, which no test here changes."""
    return unchanged


def test_documented_request_gets_the_documented_answer(airflow: LogIn) -> None:
    """A user who may trigger the DAG posts customers and gets their clusters."""
    answer = airflow("user").post("/segmentation/cluster", json=REQUEST)
    assert answer.status_code == 200
    assert [set(row) for row in answer.json()["clusters"]] == [{"customer_id", "cluster_label"}] * 2


@pytest.mark.parametrize(("user", "status"), [("", 401), ("viewer", 403), ("user", 200), ("admin", 200)])
def test_posts_need_the_permission_to_trigger(airflow: LogIn, user: str, status: int) -> None:
    """Posting customers is for whoever may trigger cluster_customers."""
    assert airflow(user).post("/segmentation/cluster", json=REQUEST).status_code == status


@pytest.mark.parametrize(("user", "status"), [("", 401), ("viewer", 200), ("user", 200)])
def test_reads_need_the_permission_to_look(airflow: LogIn, user: str, status: int) -> None:
    """Reading is for whoever may look at segment_customers; the OpenAPI document too."""
    client = airflow(user)
    assert {path: client.get(f"/segmentation/{path}").status_code for path in READS} == dict.fromkeys(READS, status)


def test_every_address_needs_a_log_in(airflow: LogIn) -> None:
    """Of all that the plugin adds to Airflow, a stranger gets nothing but 401."""
    stranger, found = airflow(""), addresses()
    assert {path for _, path in found} >= {f"/segmentation/{path}" for path in ("cluster", "page", "page/champion")}
    assert {one: stranger.request(*one).status_code for one in found} == dict.fromkeys(found, 401)


def test_wrong_token_is_refused(airflow: LogIn) -> None:
    """A token that Airflow did not make opens nothing."""
    stranger = airflow("")
    for method, path in (("GET", "/segmentation/models"), ("POST", "/segmentation/cluster")):
        assert stranger.request(method, path, headers={"Authorization": "Bearer made.up.token"}).status_code in (
            401,
            403,
        )


def test_cookie_of_a_browser_is_a_log_in(airflow: LogIn) -> None:
    """Who is logged in to Airflow's pages is logged in here, but a form of a foreign page cannot post."""
    token = airflow("user").headers["Authorization"].removeprefix("Bearer ")
    browser = airflow("")
    browser.cookies.set("_token", token)
    assert browser.get("/segmentation/models").status_code == 200
    assert browser.post("/segmentation/cluster", json=REQUEST).status_code == 200
    form = browser.post("/segmentation/cluster", content="{}", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415


def test_faults_are_told_inside_airflow_too(airflow: LogIn) -> None:
    """The answers to errors are those of the standalone app."""
    answer = airflow("user").post("/segmentation/cluster", json=changed(age=-3))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["allowed"] == "a whole number from 0 to 120"


def test_openapi_names_where_it_is_mounted(airflow: LogIn) -> None:
    """Whoever generates a client from the document gets addresses that exist."""
    assert airflow("viewer").get("/segmentation/openapi.json").json()["servers"] == [{"url": "/segmentation"}]


def test_airflow_itself_is_not_in_the_way(airflow: LogIn) -> None:
    """Airflow's own API and pages answer as before."""
    client = airflow("admin")
    assert client.get("/api/v2/version").json()["version"] == "3.3.2"
    assert client.get("/api/v2/plugins/importErrors").json()["total_entries"] == 0


def test_plugin_comes_with_the_package(airflow: LogIn) -> None:
    """Airflow finds it by the entry point of what is installed, while the folder of plugins is empty."""
    plugins = {plugin["name"]: plugin for plugin in airflow("admin").get("/api/v2/plugins").json()["plugins"]}
    assert plugins["segmentation"]["source"].startswith("clustering==")


@pytest.mark.slow
def test_copies_of_an_earlier_release(tmp_path: Path) -> None:
    """Copies in the folder of plugins come first, and Airflow says so, until they are removed as the document says."""
    shutil.copytree(PROJECT / "plugins", tmp_path / "plugins", ignore=shutil.ignore_patterns("*.egg-info"))
    assert ERROR in text("docs/install.md")
    assert found_from(tmp_path) == ("$PLUGINS_FOLDER/segmentation_plugin.py", [ERROR])
    (command,) = section_commands("docs/install.md", "An Airflow that already runs", 1)
    subprocess.run(["bash", "-c", command], env={**os.environ, "AIRFLOW_HOME": str(tmp_path)}, check=True)
    source, errors = found_from(tmp_path)
    assert (source.split("==")[0], errors) == ("clustering", [])


def found_from(home: Path) -> tuple[str, list[str]]:
    """Return where a process of Airflow with this home finds the plugin, and what it complains of."""
    program = (
        "import json; from airflow.plugins_manager import _get_plugins; plugins, errors = _get_plugins();"
        "(source,) = (str(plugin.source) for plugin in plugins if plugin.name == 'segmentation');"
        "print(json.dumps([source, list(errors.values())]))"
    )
    variables = {"AIRFLOW_HOME": str(home), "AIRFLOW__CORE__PLUGINS_FOLDER": str(home / "plugins")}
    command, environment = [sys.executable, "-c", program], {**os.environ, **variables}
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    source, errors = json.loads(done.stdout.strip().splitlines()[-1])
    return source, errors


def test_connection_that_is_missing_does_not_stop_airflow(airflow: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the connection, these routes say so, and answer once it is there."""
    client = airflow("user")
    with monkeypatch.context() as patch:
        patch.delenv("AIRFLOW_CONN_WAREHOUSE")
        answer = client.get("/segmentation/health")
        assert (answer.status_code, answer.json()["detail"]) == (
            503,
            "the server is not set up correctly; its log says what to change",
        )
    assert client.get("/segmentation/health").status_code == 200


def test_plugin_is_cheap_where_nothing_is_served() -> None:
    """Workers and the scheduler load the plugin, but neither the web app nor what computes."""
    program = (
        "import sys; import segmentation_plugin as plugin;"
        "made = plugin.SegmentationPlugin();"
        "print([name for name in ('clustering', 'pyarrow', 'scipy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
