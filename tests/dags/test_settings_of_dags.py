"""What a setting changes of the DAGs, with nobody editing them, and that no name of theirs is another team's."""

from __future__ import annotations

import ast
import re
import runpy
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import Asset

from clustering.config import PROJECT
from clustering.errors import ConfigurationError
from clustering.lake import folders
from clustering.scoring import spark_servers
from clustering.versions import object_store
from clustering.warehouse import urls
from tests.dags.nights import read_dags
from tests.docs.pages import rows

SETTINGS = {
    "CLUSTERING_TIMEZONE": "Europe/Berlin",
    "CLUSTERING_NIGHT_SCHEDULE": "30 1 * * 1-5",
    "CLUSTERING_TRAINING_SCHEDULE": "none",
    "CLUSTERING_POOL": "quiet",
    "CLUSTERING_QUEUE": "large",
    "CLUSTERING_PRIORITY": "7",
    "CLUSTERING_RETRIES": "1",
    "CLUSTERING_TAGS": "crm, nightly",
}


def dags_with(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> Mapping[str, Any]:
    """Return the DAGs that Airflow reads with such settings."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    bag = read_dags()
    assert bag.import_errors == {}
    return dict(bag.dags)


def test_schedules_and_tasks_are_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every task has its pool, queue, priority and retries, every DAG its tags, the night its hour and zone."""
    dags = dags_with(monkeypatch, SETTINGS)
    for dag in dags.values():
        assert dag.tags == {"crm", "nightly"}
        for task in dag.tasks:
            assert (task.pool, task.queue, task.priority_weight, task.retries) == ("quiet", "large", 7, 1)
    night = dags["segment_customers"].timetable
    assert (night.expression, str(night.timezone)) == ("30 1 * * 1-5", "Europe/Berlin")
    drift = dags["retrain_models"].timetable.asset_condition
    assert [asset.name for asset in drift.objects] == ["segmentation.drift"]
    assert not hasattr(dags["retrain_models"].timetable, "timetable")
    assert "in Europe/Berlin" in dags["segment_customers"].params.get_param("as_of").description


def test_assets_of_tables_carry_their_address_where_one_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names stay; what is no table of ours keeps its address, and so does everything without the setting."""
    file = str(PROJECT / "dags" / "segmentation_assets.py")
    plain = {one.name: one.uri for one in runpy.run_path(file).values() if isinstance(one, Asset)}
    assert all(uri == f"x-segmentation://{name.removeprefix('segmentation.')}" for name, uri in plain.items())
    monkeypatch.setenv("CLUSTERING_CATALOGUE_ADDRESS", "postgres://dwh/shop")
    addressed = {one.name: one.uri for one in runpy.run_path(file).values() if isinstance(one, Asset)}
    tables = {name for name in plain if plain[name] != addressed[name]}
    assert plain.keys() == addressed.keys()
    assert {name: addressed[name] for name in tables} == {
        f"segmentation.{name}": f"postgres://dwh:5432/shop/segmentation/{name}"
        for name in ("customer_labels", "segments", "segment_history")
    }


def test_hours_until_a_night_is_late_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline is as long as the environment says."""
    from segmentation_schedules import late_night

    monkeypatch.setenv("CLUSTERING_NIGHT_HOURS", "2")
    assert late_night().interval == timedelta(hours=2)


@pytest.mark.parametrize(
    ("settings", "line", "assets"),
    [
        ({}, "0 2 * * *", []),
        ({"CLUSTERING_NIGHT_SCHEDULE": "none"}, None, []),
        ({"CLUSTERING_NIGHT_ASSETS": "dbt.customers"}, None, ["name dbt.customers"]),
        (
            {"CLUSTERING_NIGHT_ASSETS": "dbt.customers, s3://crm/customers", "CLUSTERING_NIGHT_SCHEDULE": "0 5 * * *"},
            "0 5 * * *",
            ["name dbt.customers", "uri s3://crm/customers"],
        ),
    ],
)
def test_what_starts_a_night_is_a_setting(
    settings: dict[str, str], line: str | None, assets: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock, assets of other teams in its place, both, or nothing at all."""
    timetable: Any = dags_with(monkeypatch, settings)["segment_customers"].timetable
    clock = getattr(timetable, "timetable", timetable)
    assert getattr(clock, "expression", None) == line
    condition = getattr(timetable, "asset_condition", None)
    refs = getattr(condition, "objects", [condition] if condition else [])
    assert [f"uri {one.uri}" if hasattr(one, "uri") else f"name {one.name}" for one in refs] == assets


@pytest.mark.parametrize("line", ["0 2 * *", "at night", "61 2 * * *", "@sometimes"])
def test_schedule_that_is_none_names_its_setting(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Airflow shows which variable is wrong."""
    from segmentation_schedules import night_schedule

    monkeypatch.setenv("CLUSTERING_NIGHT_SCHEDULE", line)
    with pytest.raises(ConfigurationError, match=r"CLUSTERING_NIGHT_SCHEDULE is .*a line of cron"):
        night_schedule()


def test_names_that_have_to_be_free_are_all_that_the_code_takes(bag: Any) -> None:
    """docs/install.md lists every name that could be another team's, and no other."""
    listed = {what: set(re.findall(r"`([^`]+)`", names)) for what, names in rows("docs/install.md", "what", "names")}
    assert listed == {
        "DAGs": set(bag.dags),
        "assets, and their addresses": _assets(bag),
        "Python modules": _modules(),
        "plugin, and its addresses": _plugin(),
        "connections": {
            *(module.CONNECTION for module in (urls, object_store, folders, spark_servers)),
            "segmentation_alerts",
        },
        "schemas and roles in PostgreSQL": _database(),
    }


def _assets(bag: Any) -> set[str]:
    found = set()
    for dag in bag.dags.values():
        for task in dag.tasks:
            for one in (*task.inlets, *task.outlets):
                assert one.group == "segmentation"
                found |= {one.name, getattr(one, "uri", one.name)}
        if condition := getattr(dag.timetable, "asset_condition", None):
            found |= {name for asset in condition.objects for name in (asset.name, asset.uri)}
    return found


def _modules() -> set[str]:
    dags = {path.stem for path in (PROJECT / "dags").glob("segmentation_*.py")}
    return {"clustering"} | dags | {path.stem for path in (PROJECT / "plugins").glob("*.py")}


def _plugin() -> set[str]:
    from segmentation_plugin import SegmentationPlugin

    tree = ast.parse((PROJECT / "plugins" / "segmentation_plugin.py").read_text(encoding="utf-8"))
    prefixes = {
        ast.literal_eval(value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "url_prefix"
    }
    routes = {f"/plugin/{view['url_route']}" for view in SegmentationPlugin.external_views}
    return {SegmentationPlugin.name} | prefixes | routes


def _database() -> set[str]:
    made = (PROJECT / "sql" / "schema.sql").read_text(encoding="utf-8")
    roles = (PROJECT / "sql" / "functions" / "grant_roles.sql").read_text(encoding="utf-8")
    wanted = roles.split("from (values")[1].split(") as wanted")[0]
    return set(re.findall(r"create schema (\w+)", made)) | set(re.findall(r"\('(\w+)',", wanted))
