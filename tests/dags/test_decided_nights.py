"""Held nights under the real scheduler: released, abandoned and superseded, and a published date taken back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from clustering.config import Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.configurations import copy_that_holds
from tests.dags.system import System, airflow_system, wait_for
from tests.paths import CONFIGURATION
from tests.projects import Project, retrain

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600, method="thread")]

CUSTOMERS = 2_000
SETTLED = 5  # seconds after which the scheduler knows that a task waits; no person answers before it does
RUNS = "/api/v2/dags/decide_held_night/dagRuns"
QUESTIONS = f"{RUNS}/~/hitlDetails"
LATEST = "select run_id, status, note from segmentation.scoring_runs order by run_id desc limit 1"


@pytest.fixture(scope="module")
def system(configuration: Configuration, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Run Airflow with one model, and nights that are held; events of assets start runs, and no clock does."""
    target = tmp_path_factory.mktemp("configuration") / "models"
    models = copy_that_holds(CONFIGURATION, target, without=("gmm", "dbscan"))
    settings = {
        "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE": "True",  # or else events of assets would start nothing
        "CLUSTERING_CONFIG": str(models),
        "CLUSTERING_NIGHT_SCHEDULE": "none",
        "CLUSTERING_TRAINING_SCHEDULE": "none",
    }
    with airflow_system(configuration, _prepare, settings) as system:
        system.components.start("triggerer", "--skip-serve-logs")
        system.client.wait_until_ready(("scheduler", "triggerer"), ("decide_held_night", "withdraw_date"))
        yield system


def _prepare(project: Project) -> None:
    load_customers(project.warehouse, project.configuration.contract, generate_customers(CUSTOMERS, seed=1))
    retrain(project, "kmeans")
    project.night(str(today() - timedelta(days=1)))
    project.sql("create table everybody as table customers")


def today() -> date:
    """Return the date that a night stands for now."""
    return datetime.now(UTC).date()


def night(system: System) -> tuple[int, str, str | None]:
    """Run a night to its end, however it ends, and return its run, status and note."""
    run = system.client.trigger("segment_customers", {})
    wait_for(lambda: system.client.run_state("segment_customers", run).state in ("success", "failed"), seconds=120)
    run_id, status, note = system.sql(LATEST)[0]
    return run_id, status, note


def halve(system: System) -> None:
    """Let every second customer of the source be missing."""
    system.sql(
        "with gone as (delete from customers where customer_id in (select customer_id from (select customer_id,"
        " row_number() over (order by customer_id) as n from customers) as numbered where n % 2 = 0) returning 1)"
        " select count(*) from gone"
    )


def answer(system: System, choice: str, reason: str) -> None:
    """Answer what `decide_held_night` asks, as the page Required Actions does, and see its run end."""
    asked: list[dict[str, Any]] = []

    def is_asked() -> bool:
        found = system.client.http.get(QUESTIONS, params={"response_received": False}).raise_for_status().json()
        # One that is asked, but not yet waited for, would be overlooked.
        tasks = [detail["task_instance"] for detail in found["hitl_details"]]
        asked.extend(task for task in tasks if task["state"] == "awaiting_input")
        return bool(asked)

    wait_for(is_asked, seconds=120)
    time.sleep(SETTLED)
    task = asked[-1]
    path = f"{RUNS}/{task['dag_run_id']}/taskInstances/{task['task_id']}/{task['map_index']}/hitlDetails"
    body = {"chosen_options": [choice], "params_input": {"reason": reason}}
    system.client.http.patch(path, json=body).raise_for_status()
    system.client.wait_for_run("decide_held_night", task["dag_run_id"], lambda _: None)


def shown(system: System) -> list[tuple[date, int]]:
    """Return what readers see: the date, and how many customers there are."""
    return [
        (row[0], int(row[1]))
        for row in system.sql("select as_of, sum(customers) from segmentation.current_segments group by 1")
    ]


def test_held_night_is_released_or_abandoned_as_a_person_says(system: System) -> None:
    """Readers see the former night until then, whole; the records say who decided and why."""
    yesterday = shown(system)
    halve(system)
    held, status, _ = night(system)
    assert (status, shown(system)) == ("held", yesterday)
    answer(system, "Publish all the same", "spring cleaning")
    released = shown(system)
    assert system.sql(LATEST)[0] == (held, "published", "published despite findings by admin: spring cleaning")
    assert (released[0][0], released[0][1] < 0.6 * yesterday[0][1]) == (today(), True)

    halve(system)
    held, status, _ = night(system)
    assert (status, shown(system)) == ("held", released)
    answer(system, "Abandon", "the load stopped")
    run_id, status, note = system.sql(LATEST)[0]
    assert (run_id, status, shown(system)) == (held, "abandoned", released)
    assert "admin" in str(note)
    assert "the load stopped" in str(note)


def test_mended_night_takes_the_place_of_a_held_one_and_a_date_is_taken_back(system: System) -> None:
    """The night after the source was mended ends the held one; a withdrawn date leaves the date before."""
    system.sql("truncate customers; insert into customers table everybody; select 1")
    halve(system)
    held, status, _ = night(system)
    assert status == "held"
    system.sql("truncate customers; insert into customers table everybody; select 1")
    again, status, note = night(system)
    assert (again > held, status) == (True, "published"), note
    assert system.sql(f"select status from segmentation.scoring_runs where run_id = {held}") == [("abandoned",)]  # noqa: S608

    conf = {"as_of": str(today()), "reason": "a rehearsal"}
    run = system.client.trigger("withdraw_date", conf)
    system.client.wait_for_run("withdraw_date", run, lambda _: None)
    assert [day for day, _ in shown(system)] == [today() - timedelta(days=1)]
    actions = system.sql("select action, actor from segmentation.audit_log order by 1")
    assert [action for action, _ in actions] == ["abandon_run", "release_run", "withdraw"]
    assert all("admin" in actor for _, actor in actions)
