"""The dashboard for Superset: what it names is there, and the file for one warehouse holds no password."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from clustering.config import PROJECT
from clustering.errors import ConfigurationError
from dashboard_file import ASKED, DATABASE, EXPORT, FOLDER, superset_address
from tests.clustering.bi_contract import charted

WAREHOUSE = "postgresql://bi@dwh:5433/shop?sslmode=require"
LISTS = ("all_columns", "groupby", "groupbyRows", "groupbyColumns")
ONES = ("x_axis", "source", "target", "groupby")
METRICS = ("metric", "metrics")


def documents(kind: str) -> dict[str, Any]:
    """Return what is kept of a kind, by the name of its file."""
    found = (EXPORT / kind).rglob("*.yaml")
    return {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in found}


def relations() -> dict[str, set[str]]:
    """Return the columns of what a reader may read."""
    return {name: {one.split()[0] for one in columns} for name, columns in charted().items()}


def test_every_relation_of_bi_has_its_dataset_and_its_chart() -> None:
    """The list of datasets is that of docs/bi.md, one chart each, and all are on the dashboard."""
    datasets, charts = documents("datasets"), documents("charts")
    assert set(datasets) == set(charts) == set(relations())
    assert {one["table_name"]: one["schema"] for one in datasets.values()} == dict.fromkeys(datasets, "segmentation")
    assert all(charts[name]["dataset_uuid"] == datasets[name]["uuid"] for name in charts)
    (dashboard,) = documents("dashboards").values()
    placed = {
        one["meta"]["uuid"]
        for one in dashboard["position"].values()
        if isinstance(one, dict) and "meta" in one and one["type"] == "CHART"
    }
    assert placed == {one["uuid"] for one in charts.values()}
    flows = charts["segment_flows"]
    assert (flows["viz_type"], flows["params"]["source"], flows["params"]["target"]) == (
        "sankey_v2",
        "source",
        "target",
    )


@pytest.mark.parametrize("name", sorted(documents("datasets")))
def test_every_column_that_is_named_is_pinned(name: str) -> None:
    """Datasets, charts and filters name columns that no release takes away; averages differ with the contract."""
    there = relations()[name]
    dataset, chart = documents("datasets")[name], documents("charts")[name]
    assert {one["column_name"] for one in dataset["columns"]} | {dataset.get("main_dttm_col", "model")} <= there
    assert (used := set(named(chart["params"])))
    assert used <= there
    (dashboard,) = documents("dashboards").values()
    for filtered in dashboard["metadata"]["native_filter_configuration"]:
        for target in filtered["targets"]:
            if target["datasetUuid"] == dataset["uuid"]:
                assert target["column"]["name"] in there


def named(params: dict[str, Any]) -> Iterator[str]:
    """Return the columns that a chart names."""
    for key in LISTS:
        value = params.get(key, ())
        yield from [value] if isinstance(value, str) else value
    yield from (params[key] for key in ONES if isinstance(params.get(key), str))
    for key in METRICS:
        value = params.get(key, [])
        yield from (one["column"]["column_name"] for one in (value if isinstance(value, list) else [value]))
    yield from (one["subject"] for one in params["adhoc_filters"])


def test_file_is_for_one_warehouse_and_has_no_password(tmp_path: Path) -> None:
    """All of the export lies in one folder, with the login's address and a sign that has Superset ask for the rest."""
    file = tmp_path / "superset.zip"
    command = [sys.executable, "tools/dashboard_file.py", WAREHOUSE, "--to", str(file)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True)
    assert "asks for the login's password" in done.stdout
    with zipfile.ZipFile(file) as packed:
        names = {path.relative_to(EXPORT).as_posix() for path in EXPORT.rglob("*.yaml")}
        assert set(packed.namelist()) == {f"{FOLDER}/{name}" for name in names}
        database = yaml.safe_load(packed.read(f"{FOLDER}/{DATABASE}"))
    assert database["sqlalchemy_uri"] == f"postgresql+psycopg2://bi:{ASKED}@dwh:5433/shop?sslmode=require"
    kept = yaml.safe_load((EXPORT / DATABASE).read_text(encoding="utf-8"))
    assert kept["sqlalchemy_uri"] == f"postgresql+psycopg2://superset:{ASKED}@warehouse.example.com:5432/warehouse"


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://bi:sesame@dwh/shop", "leave the password out"),
        ("postgresql://bi@/shop?host=/run/postgresql", "has to be of the form"),
        ("postgresql://dwh/shop", "has to be of the form"),
    ],
)
def test_other_addresses_are_refused(url: str, said: str) -> None:
    """A password is Superset's to keep, and a socket is nowhere where Superset runs."""
    with pytest.raises(ConfigurationError, match=said) as told:
        superset_address(url)
    assert "sesame" not in str(told.value)
