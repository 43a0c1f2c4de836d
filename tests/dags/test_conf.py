"""The configuration of a run, which Airflow takes whatever it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from clustering.errors import ConfigurationError
from tests.dags.nights import Night


@dataclass(frozen=True)
class Run:
    """What a task sees of its DAG run."""

    conf: dict[str, Any] | None
    dag_id: str = "segment_customers"


def test_misspelt_parameter_of_a_night_is_refused_before_anything_is_recorded(
    night: Night, capfd: pytest.CaptureFixture[str]
) -> None:
    """A night that was meant to be a dry run is none at all."""
    assert night.run("segment_customers", dryrun=True).state == "failed"
    assert night.sql("select count(*) from segmentation.scoring_runs") == [(0,)]
    assert "'dryrun' is no parameter of segment_customers; did you mean dry_run?" in capfd.readouterr().out


def test_misspelt_parameter_of_a_retraining_is_refused_before_anything_is_recorded(
    night: Night, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing is trained, and so nothing promoted, without the approval that was asked for."""
    assert night.run("retrain_models", aproval=True).tasks["sample"] == ["failed"]
    assert night.sql("select count(*) from segmentation.model_versions") == [(0,)]
    assert night.staged() == []
    assert "'aproval' is no parameter of retrain_models; did you mean approval?" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("conf", "said"),
    [
        ({"dry-run": True}, "did you mean dry_run"),
        ({"model": ["kmeans"]}, "did you mean models"),
        ({"as-of": "2026-01-31"}, "did you mean as_of"),
        ({"DRY_RUN": True}, "did you mean dry_run"),
        ({"zzz": 1, "dry_run": True}, "'zzz' is no parameter of segment_customers; there are models, as_of"),
    ],
)
def test_unknown_parameter_is_told_with_the_nearest_name(bag: Any, conf: dict[str, Any], said: str) -> None:
    """Hyphens, capitals and forgotten letters lead to the parameter that was meant."""
    from segmentation_definitions import check_conf

    params = bag.dags["segment_customers"].params
    with pytest.raises(ConfigurationError, match=said):
        check_conf(params, conf, Run(conf))
    for good in (None, {}, {"dry_run": True}):
        check_conf(params, good or {}, Run(good))


def test_configuration_that_airflow_leaves_aside_is_refused() -> None:
    """Where Airflow is set to ignore a run's configuration, a dry run would be a real one."""
    from segmentation_definitions import check_conf

    with pytest.raises(ConfigurationError, match="the dry_run of the run's configuration is left aside"):
        check_conf(["dry_run"], {"dry_run": False}, Run({"dry_run": True}))


def test_misspelt_event_of_drift_trains_nothing() -> None:
    """An event by hand that names its models wrongly is no event without models."""
    from segmentation_assets import DRIFT
    from segmentation_definitions import alarmed_models

    @dataclass(frozen=True)
    class Event:
        extra: dict[str, Any]

    with pytest.raises(ConfigurationError, match=r"'model' is no part of an event of the asset segmentation\.drift"):
        alarmed_models({DRIFT: [Event({"model": ["kmeans"]})]})


def test_misspelt_field_of_posted_customers_is_refused(bag: Any) -> None:
    """Labels in another form than was asked for are none."""
    from segmentation_definitions import check_conf

    params = bag.dags["cluster_customers"].params
    with pytest.raises(ConfigurationError, match="did you mean detail"):
        check_conf(params, {"detial": True}, Run({"detial": True}, "cluster_customers"))
