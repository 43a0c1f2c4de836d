"""An Airflow that is there already gets the DAGs, the plugin and the package, by the commands of docs/install.md."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from client import Client
from clustering import Registry, Warehouse
from clustering.config import PROJECT, Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from components import free_port
from tests.appointing import SETTINGS, appoint
from tests.checkout import copy_checkout
from tests.docs.pages import rows, section_commands, text
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900, method="thread")]

PAGE, TITLE = "docs/install.md", "An Airflow that already runs"
NOT_IMPORTED = ("clustering.__main__", "clustering.warehouse.revisions")  # one runs, Alembic runs the others
THEIRS = """from airflow.sdk import dag


@dag(schedule=None)
def theirs(): ...


theirs()
"""


@dataclass(frozen=True)
class Theirs:
    """An environment with an Airflow of somebody else's."""

    programs: Path
    home: Path
    checkout: Path

    def run(self, *words: str, **variables: str) -> str:
        """Run a program of the environment in the checkout and return what it prints."""
        done = subprocess.run(
            words, cwd=self.checkout, env=self.environment(**variables), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (words, done.stderr[-3000:])
        return done.stdout

    def environment(self, **variables: str) -> dict[str, str]:
        """Return variables that know nothing of the tests' own Airflow."""
        taken = ("AIRFLOW", "_AIRFLOW", "CLUSTERING_CONFIG")  # the wheel brings a configuration
        ours = {name: value for name, value in os.environ.items() if not name.startswith(taken)}
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        return {**ours, "PATH": path, "AIRFLOW_HOME": str(self.home), **variables}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Theirs:
    """Return an environment that holds apache-airflow and nothing else, with a DAG of its own."""
    folder = tmp_path_factory.mktemp("theirs")
    subprocess.run([sys.executable, "-m", "venv", folder / "environment"], check=True)
    theirs = Theirs(folder / "environment" / "bin", folder / "home", folder / "checkout")
    for name in ("dags", "plugins"):
        (theirs.home / name).mkdir(parents=True)
    (theirs.home / "dags" / "theirs.py").write_text(THEIRS, encoding="utf-8")
    copy_checkout(theirs.checkout)
    lock = (PROJECT / "requirements-runtime.txt").read_text(encoding="utf-8")
    (airflow,) = re.findall(r"^apache-airflow==\S+", lock, re.MULTILINE)
    versions = folder / "versions.txt"  # without hashes, which pip does not take for constraints
    versions.write_text("\n".join(re.findall(r"^\S+==[^\\\n]+", lock, re.MULTILINE)), encoding="utf-8")
    theirs.run("python", "-m", "pip", "install", "--quiet", "--constraint", str(versions), airflow)
    return theirs


@pytest.fixture(scope="module")
def joined(bare: Theirs) -> Theirs:
    """Follow the document; nothing that was there before has another version after it."""
    free = "import importlib.util, sys; print([name for name in sys.argv[1:] if importlib.util.find_spec(name)])"
    assert bare.run("python", "-I", "-c", free, *modules()).strip() == "[]"
    before = set(bare.run("pip", "freeze").splitlines())
    for command in section_commands(PAGE, TITLE):
        bare.run("bash", "-c", command)
    assert before <= set(bare.run("pip", "freeze").splitlines())
    bare.run("pip", "check")
    shutil.rmtree(bare.checkout / "clustering")  # what runs from here on is what was installed
    return bare


@pytest.fixture(scope="module")
def project(
    postgresql: Any, migrated_template: str, configuration: Configuration, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Return a warehouse with customers and champions."""
    name, store = postgresql.create(migrated_template), tmp_path_factory.mktemp("store")
    warehouse = Warehouse(postgresql.url(name))
    load_customers(warehouse, configuration.contract, generate_customers(3_000, seed=1))
    made = Project(warehouse, configuration, Registry(warehouse, store))
    for model in SETTINGS:
        appoint(made, model)
    yield made
    postgresql.drop(name)


@pytest.fixture(scope="module")
def airflow(joined: Theirs, project: Project) -> Iterator[Client]:
    """Run `airflow standalone` in that environment."""
    folder = joined.run("python", "-c", "from clustering.config import PROJECT; print(PROJECT)").strip()
    bundles = re.findall(r"^```json\n(.*?)^```$", text(PAGE), re.DOTALL | re.MULTILINE)[0]
    port = free_port()
    environment = joined.environment(
        AIRFLOW__API__PORT=str(port),
        AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"http://127.0.0.1:{port}/execution/",
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST=bundles.replace("<folder>", folder),
        AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE="False",
        AIRFLOW_CONN_WAREHOUSE=project.warehouse.uri,
        CLUSTERING_STORE=str(project.registry.store),
    )
    log = joined.home / "standalone.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [joined.programs / "airflow", "standalone"],
            cwd=joined.home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def check() -> None:
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]

    try:
        with Client(port, joined.home, check) as client:
            client.wait_until_ready(
                ("scheduler", "dag-processor"), ("theirs", *sorted(documented("DAGs"))), seconds=180
            )
            yield client
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=60)


def documented(what: str) -> set[str]:
    """Return the names that the document says must be free."""
    (names,) = (names for kind, names in rows(PAGE, "what", "names") if kind == what)
    return set(re.findall(r"`([^`]+)`", names))


def modules() -> set[str]:
    """Return the names of the Python modules that are added."""
    files = [path.stem for folder in ("dags", "plugins") for path in (PROJECT / folder).glob("*.py")]
    return {"clustering", *files} - documented("DAGs")


def test_names_are_documented(airflow: Client) -> None:
    """The DAGs, modules, plugin and addresses that come along are those of the document, beside those of the team."""
    listed = {dag["dag_id"] for dag in airflow._get("/api/v2/dags?limit=100")["dags"]}
    assert listed == {"theirs"} | documented("DAGs")
    assert documented("Python modules") == modules()
    plugins = {plugin["name"] for plugin in airflow._get("/api/v2/plugins")["plugins"]}
    assert {"segmentation"} <= plugins & documented("plugin, and its addresses")
    assert airflow._get("/api/v2/plugins/importErrors")["total_entries"] == 0


def test_plugin_answers(airflow: Client) -> None:
    """The API and the page are mounted, behind the log-in."""
    for path in ("models", "page"):
        assert airflow.http.get(f"/segmentation/{path}").status_code == 200
        assert airflow.http.get(f"/segmentation/{path}", headers={"Authorization": ""}).status_code == 401


def test_night_runs(airflow: Client, project: Project) -> None:
    """The nightly DAG publishes the segments of all models."""
    airflow.wait_for_run("segment_customers", airflow.trigger("segment_customers", {}), lambda _: None)
    assert {model for _, model, *_ in project.segments()} == set(SETTINGS)


def test_every_module_is_importable(joined: Theirs) -> None:
    """What was installed needs nothing that the wheel does not ask for."""
    program = f"""
import importlib, pkgutil, clustering, segmentation_notifier, segmentation_plugin
names = [module.name for module in pkgutil.walk_packages(clustering.__path__, "clustering.")]
for name in names:
    if not name.startswith({NOT_IMPORTED!r}):
        importlib.import_module(name)
print("clustering.demo.loading" in names)
"""
    assert joined.run("python", "-c", program).splitlines()[-1] == "True"


def test_store_has_to_be_named(joined: Theirs) -> None:
    """Versions of models are never kept among installed packages."""
    program = "from clustering.config import model_store; model_store()"
    done = subprocess.run(
        [joined.programs / "python", "-c", program],
        cwd=joined.home,
        env={name: value for name, value in joined.environment().items() if name != "CLUSTERING_STORE"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "ConfigurationError: CLUSTERING_STORE is not set" in done.stderr
