"""The DAG cluster_customers: the body of the API as conf, the labels as the result."""

from __future__ import annotations

from typing import Any

import pytest

from clustering.config import PROJECT
from tests.projects import Project
from tests.web.examples import REQUEST, changed


@pytest.fixture
def dag(bag: Any, metadata: None, project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the DAG on a warehouse with champions."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", project.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(project.registry.store))
    return bag.dags["cluster_customers"]


def result_of(run: Any) -> Any:
    """Return what the task of a run has returned."""
    (instance,) = run.get_task_instances()
    return instance.xcom_pull(task_ids="label")


def test_labels_are_the_result(dag: Any, project: Project) -> None:
    """The run returns the clusters in the form of the API, and writes nothing to the tables of labels."""
    run = dag.test(run_conf=REQUEST)
    assert run.state == "success"
    found = result_of(run)
    assert [set(row) for row in found["clusters"]] == [{"customer_id", "cluster_label"}] * 2
    assert [row["customer_id"] for row in found["clusters"]] == [1, 2]
    assert project.sql("select count(*) from segmentation.customer_labels") == [(0,)]
    assert project.sql("select count(*) from segmentation.scoring_runs") == [(0,)]


def test_detail_may_be_asked_for(dag: Any) -> None:
    """With `detail`, segment and reason come along."""
    found = result_of(dag.test(run_conf={**REQUEST, "detail": True}))
    assert found["clusters"][1]["segment_name"] == "High Spenders"


def test_rows_that_only_the_contract_refuses_fail_the_run(dag: Any) -> None:
    """What the schema cannot say, such as a key that stands twice, fails at the first try."""
    run = dag.test(run_conf=changed(customer_id=2))
    assert run.state == "failed"
    (instance,) = run.get_task_instances()
    assert instance.try_number == 1


def test_label_is_the_result_of_the_dag(bag: Any) -> None:
    """The wait call returns the labels without naming a task."""
    (task,) = bag.dags["cluster_customers"].tasks
    assert task.returns_dag_result


@pytest.mark.parametrize("model", ["KMeans", "kmeans", "GMM", "DBSCAN"])
def test_every_model_may_be_chosen(bag: Any, model: str) -> None:
    """Models go by the names of the API."""
    params = bag.dags["cluster_customers"].params
    params["model_of_choice"] = model
    params["data"] = REQUEST["data"]
    params.validate()


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("model_of_choice", "Ward"),
        ("model_of_choice", "KMeans2"),
        ("model_of_choice", None),
        ("data", []),
        ("data", {}),
        ("data", [1]),
        ("data", [{}]),
        ("data", changed(age=-3)["data"]),
        ("data", changed(age="old")["data"]),
        ("data", changed(spending_score=101)["data"]),
        ("data", changed(annual_income=None)["data"]),
        ("data", [REQUEST["data"][0]] * 20_001),
        ("detail", "yes"),
    ],
)
def test_wrong_conf_is_refused(bag: Any, param: str, value: Any) -> None:
    """The schema of the params refuses a body before a run of it exists."""
    from airflow.sdk.exceptions import ParamValidationError

    params = bag.dags["cluster_customers"].params
    with pytest.raises(ParamValidationError):
        params[param] = value


def test_form_opens_with_an_example_that_runs(dag: Any) -> None:
    """What the form holds is right as it is, and is labelled when it is sent unchanged."""
    example = dag.params.validate()
    assert len(example["data"]) == 1
    run = dag.test(run_conf={**example, "model_of_choice": "kmeans"})
    assert run.state == "success"
    assert len(result_of(run)["clusters"]) == 1


@pytest.mark.parametrize("conf", [{}, {"model_of_choice": "kmeans"}, {"data": REQUEST["data"]}])
def test_run_without_customers_labels_no_example(dag: Any, conf: dict[str, Any]) -> None:
    """A program that leaves model or customers out is refused at the first try."""
    run = dag.test(run_conf=conf)
    assert run.state == "failed"
    (instance,) = run.get_task_instances()
    assert instance.try_number == 1


def test_dag_runs_only_by_hand(bag: Any) -> None:
    """It has no schedule, and its runs may go side by side."""
    dag = bag.dags["cluster_customers"]
    assert not dag.timetable.can_be_scheduled
    assert dag.max_active_runs > 1
    assert dag.doc_md
    assert (PROJECT / "dags" / "cluster_customers.py").read_text(encoding="utf-8").count("\n") < 100
