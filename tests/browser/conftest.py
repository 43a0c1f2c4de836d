"""A browser in front of a real Airflow whose warehouse has seen ten nights and two trainings of K-Means."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from clustering import Configuration, Registry, Warehouse
from clustering.config import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from components import free_port, running
from tests.browser.watching import CHROMIUM, DAYS, TONGA, Airflow, Watch
from tests.projects import Project, retrain
from tests.web.served import serving

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
FLAGS += ["--disable-component-update", "--disable-sync"]
CUSTOMERS = 3_000
RETRAINED_AFTER = "2026-11-17"
SHIFTS = (-22, 25, -12, 18, 30, -35, 14, 26, -31, 0)
SHIFT = (
    "update customers set spending_score = least(100, greatest(1, spending_score + %s))"
    " where hashtext(customer_id::text) %% 11 = %s and spending_score between 1 and 100"
)
LEAVE = "delete from customers where hashtext(customer_id::text) %% 300 = %s"
PATIENCE = 60  # seconds for the api-server to start


@pytest.fixture(scope="session")
def lived_in(postgresql: Any, migrated_template: str, configuration: Configuration, tmp_path_factory: Any) -> Project:
    """Return a project with ten nights of two models, between which customers changed and some left."""
    warehouse = Warehouse(postgresql.url(postgresql.create(migrated_template)))
    project = Project(warehouse, configuration, Registry(warehouse, tmp_path_factory.mktemp("store")))
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    retrain(project, "kmeans", "dbscan")
    for number, (day, shift) in enumerate(zip(DAYS, SHIFTS, strict=True)):
        project.night(day)
        project.sql(SHIFT, shift, number % 11)
        project.sql(LEAVE, number)
        if day == RETRAINED_AFTER:
            assert [one["decision"] for one in retrain(project, "kmeans")] == ["promoted"]
    return project


@pytest.fixture(scope="module")
def address(lived_in: Project, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run the standalone server on the project with ten nights."""
    with serving(lived_in, tmp_path_factory.mktemp("standalone") / "log") as found:
        yield found


@pytest.fixture(scope="session")
def airflow(lived_in: Project, postgresql: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    """Run Airflow's api-server with three users."""
    folder, port = tmp_path_factory.mktemp("airflow"), free_port()
    address = f"http://127.0.0.1:{port}"
    settings = _environment(folder, lived_in, postgresql.url(postgresql.create()), address)
    with running(settings, logs=folder, record=folder / "processes.json") as components:
        components.start("db", "migrate")
        components.finish("db")
        components.start("dags", "reserialize")
        components.finish("dags")
        components.start("api-server", "--host", "127.0.0.1", "--port", str(port))
        _wait_for(address, components.check)
        passwords = folder / "airflow" / "simple_auth_manager_passwords.json.generated"
        yield Airflow(address, json.loads(passwords.read_text()))


def _environment(folder: Path, project: Project, metadata: str, address: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("AIRFLOW", "_AIRFLOW"))}
    return {
        **ours,
        "AIRFLOW_HOME": str(folder / "airflow"),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin,user:user,viewer:viewer",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": metadata.replace("postgresql://", "postgresql+psycopg2://"),
        "AIRFLOW_CONN_WAREHOUSE": project.warehouse.uri.replace("postgresql://", "postgres://"),
        "CLUSTERING_STORE": str(project.registry.store),
        "CLUSTERING_TIMEZONE": TONGA,
    }


def _wait_for(address: str, check: Any) -> None:
    limit = time.monotonic() + PATIENCE
    while True:
        check()
        try:
            httpx.get(f"{address}/api/v2/version", trust_env=False).raise_for_status()
            return
        except httpx.HTTPError:
            assert time.monotonic() < limit, f"the api-server did not answer within {PATIENCE} s"
            time.sleep(0.3)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Run a headless Chromium."""
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)


@pytest.fixture(scope="session")
def sessions(browser: Browser, airflow: Airflow) -> dict[str, Any]:
    """Log each user in through Airflow's own form, and return their cookies."""
    found: dict[str, Any] = {}
    for user, password in airflow.passwords.items():
        context = browser.new_context(base_url=airflow.address)
        page = context.new_page()
        page.goto("/")
        page.locator("input[name=username]").fill(user)
        page.locator("input[name=password]").fill(password)
        page.keyboard.press("Enter")
        page.get_by_role("link", name="Segments").wait_for()
        found[user] = context.storage_state()
        context.close()
    return found


@pytest.fixture
def watch(airflow: Airflow) -> Iterator[Watch]:
    """Return what watches pages; at the end of the test nothing was complained of and nobody else was asked."""
    watching = Watch()
    yield watching
    assert watching.complaints == []
    assert watching.hosts <= {urlsplit(airflow.address).netloc, ""}


@pytest.fixture
def context(browser: Browser, airflow: Airflow, sessions: dict[str, Any]) -> Iterator[BrowserContext]:
    """Return a browser window of the administrator's."""
    opened = browser.new_context(base_url=airflow.address, storage_state=sessions["admin"], color_scheme="light")
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext, watch: Watch) -> Page:
    """Return a watched tab."""
    return watch.over(context.new_page())
