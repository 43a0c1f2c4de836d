"""The DAGs load, say what they need to, and do nothing while they are read."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from clustering.config import PROJECT, model_names
from progress import WORDS
from segmentation_assets import CUSTOMER_LABELS, DRIFT, HELD_NIGHTS
from tests.dags.nights import read_dags

DAGS = {"segment_customers", "retrain_models", "withdraw_date", "export_segments"}  # that run alone


def test_dags_load(bag: Any) -> None:
    """Every file of dags/ loads, and each but the shared definitions holds the DAG that it is named after."""
    assert bag.import_errors == {}
    files = {path.stem for path in (PROJECT / "dags").glob("*.py")}
    assert set(bag.dags) == {name for name in files if not name.startswith("segmentation_")}


@pytest.mark.parametrize("dag", sorted(DAGS))
def test_dag_is_documented_and_runs_alone(bag: Any, dag: str) -> None:
    """A DAG says what it is for, never runs twice at once, and catches nothing up."""
    found = bag.dags[dag]
    assert found.description
    assert found.doc_md
    assert found.max_active_runs == 1
    assert not found.catchup


@pytest.mark.parametrize("dag", sorted(WORDS))
def test_every_task_has_words(bag: Any, dag: str) -> None:
    """The demo says of each task what it does, and of none that there is not."""
    assert WORDS[dag].keys() == set(bag.dags[dag].task_ids)


@pytest.mark.parametrize(("dag", "schedule"), [("segment_customers", "0 2 * * *"), ("retrain_models", "0 4 * * 0")])
def test_dag_is_scheduled(bag: Any, dag: str, schedule: str) -> None:
    """The night starts at two, the retraining on Sundays at four."""
    timetable = bag.dags[dag].timetable
    assert getattr(timetable, "timetable", timetable).expression == schedule


def test_params_have_defaults(bag: Any) -> None:
    """A scheduled run takes all models, its own date, and publishes."""
    assert bag.dags["segment_customers"].params.dump() == {
        "models": model_names(),
        "as_of": None,
        "from_present_rows": False,
        "dry_run": False,
        "shards": None,
    }
    assert bag.dags["retrain_models"].params.dump() == {"models": model_names(), "approval": False, "champions": None}


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("models", ["kmeans", "k-means"]),
        ("models", "kmeans"),
        ("models", ["gmm", "gmm"]),
        ("as_of", "yesterday"),
        ("from_present_rows", "no"),
        ("dry_run", "no"),
        ("shards", 0),
    ],
)
def test_wrong_param_is_refused(bag: Any, param: str, value: Any) -> None:
    """A value that cannot be right never starts a run."""
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        bag.dags["segment_customers"].params.get_param(param).resolve(value)


@pytest.mark.parametrize(
    ("param", "value"),
    [("models", None), ("models", []), ("models", ["gmm"]), ("as_of", "2026-01-31"), ("dry_run", True), ("shards", 7)],
)
def test_right_param_is_taken(bag: Any, param: str, value: Any) -> None:
    """What the form and the API may send is taken as it is."""
    assert bag.dags["segment_customers"].params.get_param(param).resolve(value) == value


@pytest.mark.parametrize(
    ("lines", "right"),
    [(None, True), ([], True), (["kmeans", "gmm 3"], True), (["kmeans three"], False), ("kmeans", False)],
)
def test_champions_are_models_or_versions(bag: Any, lines: Any, right: bool) -> None:
    """A line of the form names a model, and a version if it is not the former champion."""
    from airflow.sdk.exceptions import ParamValidationError

    param = bag.dags["retrain_models"].params.get_param("champions")
    if right:
        assert param.resolve(lines) == lines
    else:
        with pytest.raises(ParamValidationError):
            param.resolve(lines)


@pytest.mark.parametrize(("dag", "task"), [("retrain_models", "approve"), ("decide_held_night", "decide")])
def test_question_proposes_no_answer_and_silence_is_a_no(bag: Any, dag: str, task: str) -> None:
    """Airflow colours the button of the default: there is none, and whoever says nothing chooses nothing."""
    asked = bag.dags[dag].get_task(task)
    assert asked.defaults == []
    assert asked.response_timeout
    unanswered = {"chosen_options": [], "params_input": {}, "responded_at": datetime.now(UTC)}
    answer = asked.execute_complete({}, {**unanswered, "responded_by_user": None})
    assert answer["chosen_options"] == []


def test_advanced_parameters_have_one_section(bag: Any) -> None:
    """What most people leave alone is behind one heading, of the same name in every form."""
    sections = {
        (dag.dag_id, name): dag.params.get_param(name).schema.get("section")
        for dag in bag.dags.values()
        for name in dag.params
    }
    assert {one for one in sections.items() if one[1]} == {
        (("segment_customers", "from_present_rows"), "Advanced"),
        (("segment_customers", "shards"), "Advanced"),
        (("retrain_models", "champions"), "Advanced"),
    }


@pytest.mark.parametrize("dag", sorted(DAGS | {"cluster_customers", "decide_held_night"}))
def test_documentation_leads_to_the_page(bag: Any, dag: str) -> None:
    """Paragraphs are one line each, as Airflow's dialog wants them, and the last one links."""
    *paragraphs, links = bag.dags[dag].doc_md.split("\n\n")
    assert all("\n" not in one for one in paragraphs)
    assert "/plugin/segments)" in links
    (page,) = re.findall(r"`docs/(\w+\.md)`", links)
    assert (PROJECT / "docs" / page).exists()


def test_documentation_names_assets_as_airflow_does(bag: Any) -> None:
    """Whoever reads of an asset finds it by that name."""
    documented = " ".join(dag.doc_md for dag in bag.dags.values())
    named = set(re.findall(r"the asset `(.*?)`", " ".join(documented.split())))
    assert named == {HELD_NIGHTS.name, DRIFT.name, CUSTOMER_LABELS.name}


def test_models_are_offered_in_the_form(bag: Any) -> None:
    """The form shows the configured models as a list to choose several from."""
    schema = bag.dags["segment_customers"].params.get_param("models").schema
    assert schema["examples"] == model_names()
    assert schema["items"]["enum"] == model_names()


@pytest.mark.parametrize("dag", sorted(DAGS))
def test_every_task_has_a_time_limit_and_retries(bag: Any, dag: str) -> None:
    """No task runs for ever, and each is tried again unless its error is permanent."""
    for task in bag.dags[dag].tasks:
        assert task.execution_timeout
        assert task.retries == 3
        assert task.retry_policy


def test_reading_the_dags_loads_no_libraries_for_numbers() -> None:
    """Airflow reads the files over and over: nothing heavy is imported, and no warehouse is looked for."""
    program = (
        "import sys, segment_customers, retrain_models, export_segments;"
        "print(sorted({'numpy', 'pandas', 'pyarrow', 'scipy', 'sklearn', 'psycopg2'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT / "dags", capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_dags_follow_airflows_rules() -> None:
    """Ruff's rules for Airflow find nothing in dags/."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select", "AIR", "dags"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout


def test_a_configuration_without_models_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no model is configured, Airflow shows which folder lacks one."""
    monkeypatch.setenv("CLUSTERING_CONFIG", str(PROJECT / "docs"))
    found = read_dags()
    assert "segment_customers" not in found.dags
    [error] = [text for file, text in found.import_errors.items() if file.endswith("segment_customers.py")]
    assert f"{PROJECT / 'docs'}: no model is configured" in error
