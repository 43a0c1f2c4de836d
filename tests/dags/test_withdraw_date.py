"""The DAG withdraw_date takes a published date back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.projects import Project


@pytest.fixture
def dag(bag: Any, metadata: None, project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return the DAG on a warehouse with two nights."""
    monkeypatch.setenv("AIRFLOW_CONN_WAREHOUSE", project.warehouse.uri)
    monkeypatch.setenv("CLUSTERING_STORE", str(project.registry.store))
    for day in ("2026-11-20", "2026-11-21"):
        project.night(day)
    return bag.dags["withdraw_date"]


def test_date_is_taken_back_with_a_reason(dag: Any, project: Project) -> None:
    """The date before is current, and the record names the run; a second run fails at once and says why."""
    conf = {"as_of": "2026-11-21", "reason": "half of the customers were missing"}
    run = dag.test(run_conf=conf)
    assert run.state == "success"
    (instance,) = run.get_task_instances()
    assert set(instance.xcom_pull(task_ids="withdraw")["current"].values()) == {"2026-11-20"}
    assert project.sql("select distinct as_of::text from segmentation.current_models") == [("2026-11-20",)]
    [(actor,)] = project.sql("select distinct actor from segmentation.audit_log where action = 'withdraw'")
    assert actor == f"{run.triggering_user_name} (withdraw_date {run.run_id})"
    again = dag.test(run_conf=conf)
    assert again.state == "failed"
    assert [instance.try_number for instance in again.get_task_instances()] == [1]


@pytest.mark.parametrize("models", [["gmm"], None, []])
def test_models_may_be_chosen(dag: Any, project: Project, models: list[str] | None) -> None:
    """Only these, or all that are published for the date."""
    run = dag.test(run_conf={"as_of": "2026-11-21", "reason": "wrong", "models": models})
    assert run.state == "success"
    back = project.sql("select model from segmentation.current_models where as_of = '2026-11-20' order by 1")
    assert [model for (model,) in back] == (models or ["dbscan", "gmm", "kmeans"])


@pytest.mark.parametrize("param", ["as_of", "reason"])
@pytest.mark.parametrize("value", [None, "", 5])
def test_date_and_reason_have_to_be_given(bag: Any, param: str, value: Any) -> None:
    """Nothing starts without them."""
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        bag.dags["withdraw_date"].params.get_param(param).resolve(value)
