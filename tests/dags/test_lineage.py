"""What OpenLineage is told of a night by tasks that a real Airflow runs, where its provider is installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from clustering.config import PROJECT
from tests.databases import Server
from tests.paths import CONFIGURATION

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(240, method="thread"),
    pytest.mark.skipif(
        find_spec("openlineage") is None,
        reason="apache-airflow-providers-openlineage is not installed: what lineage tools are told is not tried",
    ),
]

PASSWORD = "sesame-4711"  # noqa: S105 (no server asks for it)
NIGHT = """
from tests.dags.nights import read_dags

for conf in ({"dry_run": True}, {}):
    assert str(read_dags().dags["segment_customers"].test(run_conf=conf).state) == "success"
assert str(read_dags().dags["export_segments"].test().state) == "failed"
"""
COMMON = {"model": "kmeans", "columns": ["customer_id", "age"], "consent": {"waived": "a test"}, "destination": "drop"}
AUDIENCES = {"shown": {**COMMON, "path": "shown/{as_of}.csv"}, "lost": {**COMMON, "path": "lost.csv", "model": "gmm"}}


@pytest.fixture(scope="module")
def events(
    metadata: None, postgresql: Server, trained_database: str, trained_store: Path, tmp_path_factory: Any
) -> Iterator[list[dict[str, Any]]]:
    """Return what a dry run, a night and its exports have sent, as the provider's transport to a file keeps it."""
    place, database = tmp_path_factory.mktemp("lineage"), postgresql.create(trained_database)
    file, models = place / "events", place / "models"
    shutil.copytree(CONFIGURATION, models)
    (models / "exports.yaml").write_text(json.dumps({"destinations": ["drop"], "audiences": AUDIENCES}))
    (place / "drop").mkdir()
    (place / "drop" / "lost.csv.part").mkdir()  # where its file is to be written
    uri = postgresql.url(database)
    environment = {
        **os.environ,
        "AIRFLOW_CONN_DROP": json.dumps({"conn_type": "fs", "extra": {"path": str(place / "drop")}}),
        "AIRFLOW_CONN_WAREHOUSE": uri.replace("postgres@", f"postgres:{PASSWORD}@"),
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps({"type": "file", "log_file_path": str(file), "append": True}),
        "CLUSTERING_CATALOGUE_ADDRESS": "postgres://dwh/shop",
        "CLUSTERING_CONFIG": str(models),
        "CLUSTERING_STORE": str(trained_store),
        "PYTHONPATH": os.pathsep.join([str(PROJECT), str(PROJECT / "dags")]),
    }
    done = subprocess.run(
        [sys.executable, "-c", NIGHT], cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert PASSWORD not in file.read_text()
    yield [json.loads(line) for line in file.read_text().splitlines()]
    postgresql.drop(database)


def test_night_names_the_source_what_it_publishes_and_the_columns(events: list[dict[str, Any]]) -> None:
    """The table is read, views and tables are written, with columns, types and comments, and what they are made of."""
    dry, published = completed(events, "publish")
    assert (dry["inputs"], dry["outputs"]) == (published["inputs"], [])
    (read,) = published["inputs"]
    assert read == completed(events, "plan")[1]["inputs"][0]
    assert (read["namespace"], read["name"]) == ("postgres://dwh:5432", "shop.public.customers")
    assert read["facets"]["datasetType"]["datasetType"] == "TABLE"
    assert {"name": "annual_income", "type": "double precision"}.items() <= fields(read)["annual_income"].items()
    written = {one["name"].removeprefix("shop.segmentation."): one for one in published["outputs"]}
    assert {"customer_labels", "segments", "segment_history", "current_segments", "segment_changes"} <= set(written)
    assert not {"model_history", "scoring_runs", "audit_log"} & set(written)
    kinds = {name: one["facets"]["datasetType"]["datasetType"] for name, one in written.items()}
    assert (kinds["customer_labels"], kinds["customer_segments"]) == ("TABLE", "VIEW")
    members = written["customer_segments"]["facets"]
    assert members["documentation"]["description"]
    assert fields(written["customer_segments"])["confidence"]["description"]
    made = {name: origins(members, name) for name in members["columnLineage"]["fields"]}
    assert made["customer_id"] == {("customer_id", "IDENTITY")}
    assert made["segment_id"] == {("annual_income", "TRANSFORMATION"), ("spending_score", "TRANSFORMATION")}
    averages = written["current_segments"]["facets"]
    assert origins(averages, "avg_age") == {("age", "AGGREGATION")}
    of = averages["columnLineage"]["fields"]["avg_age"]["inputFields"][0]
    assert (of["namespace"], of["name"]) == (read["namespace"], read["name"])


def test_address_of_an_asset_is_the_same_table(events: list[dict[str, Any]]) -> None:
    """What the provider makes of outlets by itself, at the start of a task, is what the task tells at its end."""
    started = next(one for one in events if one["job"]["name"] == "segment_customers.publish")
    assert started["eventType"] == "START"
    tables = {"customer_labels", "segments", "segment_history"}
    assert {one["name"] for one in started["outputs"]} == {f"shop.segmentation.{name}" for name in tables}
    published = completed(events, "publish")[1]["outputs"]
    assert named(started["outputs"]) < named(published)


def test_export_names_what_it_reads_and_the_file_with_its_columns(events: list[dict[str, Any]]) -> None:
    """The file of all dates, joined with the tables of the night by its columns; one that failed was not written."""
    (sent,) = completed(events, "send", dag="export_segments")
    assert [one["name"] for one in sent["inputs"]] == ["shop.public.customers", "shop.segmentation.customer_labels"]
    (file,) = sent["outputs"]
    assert (file["namespace"], file["name"].rpartition("drop/")[2]) == ("file", "shown/{as_of}.csv")
    assert file["facets"]["datasetType"]["datasetType"] == "FILE"
    assert fields(file)["customer_id"]["type"] == "bigint"
    assert origins(file["facets"], "age") == {("age", "IDENTITY")}
    of = {name: one["inputFields"][0]["name"] for name, one in file["facets"]["columnLineage"]["fields"].items()}
    assert of == {"customer_id": "shop.segmentation.customer_labels", "age": "shop.public.customers"}
    assert named(sent["inputs"]) <= named(completed(events, "publish")[1]["outputs"] + sent["inputs"][:1])
    ended = [one for one in events if one["job"]["name"] == "export_segments.send" and one["eventType"] == "FAIL"]
    assert [(one["outputs"], len(one["inputs"])) for one in ended[-1:]] == [([], 2)]


def completed(events: list[dict[str, Any]], task: str, *, dag: str = "segment_customers") -> list[dict[str, Any]]:
    """Return what was sent of a task when it had ended, run by run."""
    name = f"{dag}.{task}"
    return [one for one in events if one["job"]["name"] == name and one["eventType"] == "COMPLETE"]


def named(datasets: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Return by what a catalogue joins datasets."""
    return {(one["namespace"], one["name"]) for one in datasets}


def fields(dataset: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns of a dataset by name."""
    return {one["name"]: one for one in dataset["facets"]["schema"]["fields"]}


def origins(facets: Mapping[str, Any], column: str) -> set[tuple[str, str]]:
    """Return what a column is made of, and how."""
    return {
        (one["field"], one["transformations"][0]["subtype"])
        for one in facets["columnLineage"]["fields"][column]["inputFields"]
    }
