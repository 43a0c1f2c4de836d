"""Nights on PostgreSQL that are watched: quiet ones, drift, repeats, past dates, and versions without a reference."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from clustering import watch
from clustering.errors import RunError
from clustering.training.promotion import roll_back
from clustering.versions.metrics import Metrics
from clustering.versions.registry import Registry, Training
from tests.projects import Project

CHECKS = "select {} from segmentation.drift_checks where as_of = %s order by model, layer, check_name, subject"
SHIFT = (
    "update customers set annual_income = annual_income + 0.5 * (select stddev(annual_income) from customers"
    " where annual_income between 0 and 1e9)"
)


def watched(project: Project, as_of: str = "2026-11-22", **options: Any) -> dict[str, Any]:
    """Run a night and watch it."""
    run = project.night(as_of, **options)
    return watch(project.warehouse, project.configuration, run_id=run["run_id"])


def test_night_of_the_training_customers_is_quiet(project: Project) -> None:
    """Every layer is checked for every model, nothing is an alarm, nothing is retrained."""
    found = watched(project)
    assert found["alarms"] == []
    assert found["retrain"] == []
    rows = project.sql(CHECKS.format("model, layer, check_name, subject, alarm, statistic < threshold"), "2026-11-22")
    assert len(rows) == found["checks"]
    assert {row[4:] for row in rows} == {(False, True)}
    assert [row[1:4] for row in rows if row[0] == "gmm"] == [
        ("assignments", "share", str(segment)) for segment in range(1, 6)
    ] + [
        ("inputs", "distribution", "annual_income"),
        ("inputs", "distribution", "spending_score"),
        ("inputs", "rejected", "rows"),
        ("structure", "confidence", "customers"),
        ("structure", "distance", "customers"),
    ]
    structure = {row[2] for row in rows if row[0] == "dbscan" and row[1] == "structure"}
    assert structure == {"noise", "distance"}


def test_shifted_income_is_an_alarm(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Half a standard deviation more income: found for every model, told in the log, and all are to be retrained."""
    project.sql(SHIFT)
    with caplog.at_level(logging.WARNING):
        found = watched(project)
    assert found["retrain"] == ["dbscan", "gmm", "kmeans"]
    drifted = {(one["model"], one["subject"]) for one in found["alarms"] if one["check_name"] == "distribution"}
    assert drifted == {(model, "annual_income") for model in ("dbscan", "gmm", "kmeans")}
    assert "drift as of 2026-11-22: gmm, inputs, distribution of annual_income: 0." in caplog.text
    [(statistic, threshold, rows, others, description)] = project.sql(
        "select statistic, threshold, rows, reference_rows, description from segmentation.drift_checks"
        " where model = 'kmeans' and subject = 'annual_income'"
    )
    assert statistic > 0.4
    assert threshold < 0.25
    assert (rows, others) == (project.sql("select rows_labelled from segmentation.scoring_runs")[0][0], 2_000)
    assert description.startswith("annual_income ")


def test_checks_do_not_depend_on_the_shards(project: Project) -> None:
    """Cut into five, the night has the same figures to the last digit."""
    columns = "model, layer, check_name, subject, statistic, threshold, rows, reference_rows, description"
    watched(project, shards=1)
    whole = project.sql(CHECKS.format(columns), "2026-11-22")
    watched(project, shards=5)
    assert project.sql(CHECKS.format(columns), "2026-11-22") == whole


def test_date_that_is_run_again_has_its_checks_written_anew(project: Project) -> None:
    """The checks are those of the run that holds; watching the replaced run afterwards changes nothing."""
    project.sql(SHIFT)
    first = watched(project)
    project.sql(SHIFT.replace("+ 0.5", "- 0.5"))
    second = watched(project)
    assert second["alarms"] == []
    assert project.sql("select distinct run_id, alarm from segmentation.drift_checks") == [(second["run_id"], False)]
    late = watch(project.warehouse, project.configuration, run_id=first["run_id"])
    assert late["alarms"] == []
    assert project.sql("select distinct run_id, alarm from segmentation.drift_checks") == [(second["run_id"], False)]


def test_run_that_holds_for_one_of_its_models(project: Project) -> None:
    """Watching it again looks at that model alone, and leaves the checks of the others to the run that holds."""
    project.sql(SHIFT)
    first = watched(project, models=["gmm", "kmeans"])
    second = watched(project, models=["kmeans"])
    kept = "select model, run_id, layer, check_name, subject, alarm from segmentation.drift_checks order by 1, 3, 4, 5"
    before = project.sql(kept)
    assert {row[:2] for row in before} == {("gmm", first["run_id"]), ("kmeans", second["run_id"])}
    again = watch(project.warehouse, project.configuration, run_id=first["run_id"])
    assert {alarm["model"] for alarm in again["alarms"]} == {"gmm"}
    assert project.sql(kept) == before


def test_alarms_ask_for_a_retraining_once_in_the_interval(project: Project) -> None:
    """The second night's alarms ask for nothing, those a week later do; a repeated task asks again for the same."""
    project.sql(SHIFT)
    first = watched(project, "2026-11-15")
    again = watch(project.warehouse, project.configuration, run_id=first["run_id"])
    assert first["retrain"] == again["retrain"] == ["dbscan", "gmm", "kmeans"]
    for as_of, retrain in (("2026-11-15", False), ("2026-11-16", False), ("2026-11-21", False), ("2026-11-22", True)):
        found = watched(project, as_of)
        assert found["alarms"]
        assert bool(found["retrain"]) is retrain, as_of
    asked = project.sql("select as_of::text from segmentation.retraining_requests order by 1")
    assert asked == [("2026-11-15",), ("2026-11-22",)]


def test_past_date_asks_for_nothing(project: Project) -> None:
    """A date before the latest one keeps its checks, but its alarms are no reason to retrain."""
    watched(project, "2026-11-22")
    project.sql(SHIFT)
    found = watched(project, "2026-11-21")
    assert found["alarms"]
    assert not found["is_latest"]
    assert found["retrain"] == []
    assert project.sql("select count(*) > 0 from segmentation.drift_checks where as_of = '2026-11-21' and alarm") == [
        (True,)
    ]


def test_retraining_by_alarms_can_be_switched_off(project: Project) -> None:
    """Without an interval, alarms are told and kept, and start nothing."""
    contract = project.configuration.contract
    drift = contract.drift.model_copy(update={"retrain_at_most_every_days": None})
    quiet = project.configuration.model_copy(update={"contract": contract.model_copy(update={"drift": drift})})
    project.sql(SHIFT)
    found = watched(replace(project, configuration=quiet))
    assert found["alarms"]
    assert found["retrain"] == []


def test_dry_run_is_not_watched(project: Project) -> None:
    """A run that is not published has nothing that people read."""
    run = project.night(dry_run=True)
    with pytest.raises(RunError, match="dry_run: only a published run"):
        watch(project.warehouse, project.configuration, run_id=run["run_id"])
    assert project.sql("select * from segmentation.drift_checks") == []
    with pytest.raises(RunError, match="run 99 is unknown"):
        watch(project.warehouse, project.configuration, run_id=99)


def reappoint(project: Project, model: str, **changes: Any) -> None:
    """Make a copy of a champion with changes the champion."""
    present = project.registry.champions([model])[model]
    artifact = replace(project.registry.load(present), **changes.pop("artifact", {}))
    training = Training(changes.get("structure", "structured"), Metrics(), "all", 2_000, "0" * 64)
    version = project.registry.register(artifact, training, estimator=None)
    project.registry.promote(version, instead_of=present, reason="by the test", checks=(), events=(), decided_by="test")


def test_model_that_was_rolled_back_is_not_retrained(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """Its alarms are told and start nothing, until a version is promoted; a refusal in between changes nothing."""
    reappoint(project, "kmeans")
    roll_back(project.registry, model="kmeans", decided_by="Ada Lovelace")
    project.sql(SHIFT)
    alone = watched(project, "2026-11-01", models=["kmeans"])
    assert alone["alarms"]
    assert alone["retrain"] == []
    assert "no retraining of kmeans because of drift: rolled back" in caplog.text
    assert project.sql("select * from segmentation.retraining_requests") == []
    assert watched(project, "2026-11-02")["retrain"] == ["dbscan", "gmm"]
    decided = (
        "insert into segmentation.promotions (model, model_version_id, decision, reason, decided_by)"
        " select model, model_version_id, %s, 'by the test', 'test' from segmentation.model_versions"
        " where model = 'kmeans' and version = %s"
    )
    project.sql(decided, "refused", 2)
    assert watched(project, "2026-11-09")["retrain"] == ["dbscan", "gmm"]
    project.sql(decided, "promoted", 1)
    assert watched(project, "2026-11-16")["retrain"] == ["dbscan", "gmm", "kmeans"]


def test_version_without_a_reference_is_left_out(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """A champion of an earlier release is named in the log, and the others are watched."""
    reappoint(project, "kmeans", artifact={"reference": None})
    with caplog.at_level(logging.WARNING):
        found = watched(project)
    assert "kmeans version 2 is not checked for drift" in caplog.text
    assert found["checks"] > 0
    assert project.sql("select distinct model from segmentation.drift_checks order by 1") == [("dbscan",), ("gmm",)]


def test_run_of_an_earlier_release_is_left_out(project: Project, caplog: pytest.LogCaptureFixture) -> None:
    """A run whose shards measured nothing is published and not watched."""
    run = project.plan()
    project.score(run["run_id"])
    project.sql("update segmentation.run_shards set measures = null")
    with caplog.at_level(logging.WARNING):
        project.publish(run["run_id"])
        found = watch(project.warehouse, project.configuration, run_id=run["run_id"])
    assert found["checks"] == 0
    assert "kmeans version 1 is not checked for drift" in caplog.text


def test_parts_of_a_continuum_do_not_alarm_by_themselves(project: Project) -> None:
    """Where no groups were found, only the inputs can raise an alarm; the other checks are kept and say so."""
    for model in ("dbscan", "gmm", "kmeans"):
        reappoint(project, model, structure="none")
    project.sql(SHIFT)
    found = watched(project)
    assert {one["layer"] for one in found["alarms"]} == {"inputs"}
    over = project.sql(
        "select distinct alarm, description like '%%; no alarm by itself, %%' from segmentation.drift_checks"
        " where layer <> 'inputs' and statistic > threshold"
    )
    assert over == [(False, True)]


def test_more_rejected_rows_are_an_alarm(project: Project) -> None:
    """One row in eight loses its income: the rejected rows alarm, and say how many there are."""
    project.sql("update customers set annual_income = null where customer_id % 8 = 0")
    found = watched(project)
    [said] = [one["description"] for one in found["alarms"] if one["check_name"] == "rejected" if one["model"] == "gmm"]
    assert said.startswith("rejected rows: 14.")


def test_values_that_go_missing_are_an_alarm(project: Project, configuration: Any) -> None:
    """A column that may lack values is watched for how many it lacks."""
    contract = configuration.contract
    age = contract.columns["age"].model_copy(update={"missing": "allow"})
    contract = contract.model_copy(update={"columns": {**contract.columns, "age": age}})
    changed = replace(project, configuration=configuration.model_copy(update={"contract": contract}))
    reference = project.registry.load(project.registry.champions(["kmeans"])["kmeans"]).reference
    assert reference
    reappoint(changed, "kmeans", artifact={"reference": replace(reference, missing={"age": 0})})
    project.sql("update customers set age = null where customer_id % 10 = 0")
    found = watched(changed, models=["kmeans"])
    assert ("missing", "age") in {(one["check_name"], one["subject"]) for one in found["alarms"]}


def test_training_keeps_a_reference(project: Project) -> None:
    """What an artifact holds is read as it was written, and fits the sample."""
    for model in ("dbscan", "gmm", "kmeans"):
        version = project.registry.champions([model])[model]
        reference = Registry(project.warehouse, project.registry.store).load(version).reference
        assert reference
        assert sum(reference.clusters.values()) == reference.customers == 2_000
        assert ("confidence" in reference.histograms) is (model != "dbscan")
