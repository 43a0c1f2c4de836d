"""A night of the DAG on Spark, which it reaches by Airflow's connection."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from clustering.demo.generator import generate_customers
from clustering.errors import SourceError
from clustering.scoring import spark_shards
from clustering.scoring.spark_session import run_on_spark
from clustering.scoring.spark_work import SparkWork
from tests.dags.nights import Night
from tests.lakes import write_lake
from tests.paths import CONFIGURATION

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240, method="thread")]

CUSTOMERS = 1_500


def test_score_that_is_tried_again_submits_nothing_twice(
    trained_night: Night, spark_server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try is cut off after its job has ended; the second takes over what lies there, and publishes."""
    directory = shutil.copytree(CONFIGURATION, tmp_path / "models")
    contract = yaml.safe_load((directory / "customers.yaml").read_text())
    del contract["table"]
    lake = write_lake(tmp_path / "lake", generate_customers(CUSTOMERS, seed=1))
    contract["source"] = {"files": str(lake), "engine": "spark", "label_files": str(tmp_path / "labels")}
    (directory / "customers.yaml").write_text(yaml.safe_dump(contract))
    monkeypatch.setenv("CLUSTERING_CONFIG", str(directory))
    server = urlsplit(spark_server)
    connection = {"conn_type": "spark_connect", "host": server.hostname, "port": server.port}
    monkeypatch.setenv("AIRFLOW_CONN_SPARK_CONNECT", json.dumps(connection))
    submitted: list[int] = []
    stage = spark_shards._stage

    def noted(work: SparkWork, server: str) -> Any:
        submitted.append(len(work.shards))
        return run_on_spark(work, server)

    def broken(*arguments: Any) -> Any:
        monkeypatch.setattr(spark_shards, "_stage", stage)
        raise SourceError("cut off")

    monkeypatch.setattr(spark_shards, "run_on_spark", noted)
    monkeypatch.setattr(spark_shards, "_stage", broken)
    segmented = trained_night.run("segment_customers", models=["kmeans"], shards=1)
    assert (segmented.state, segmented.tries["score"], submitted) == ("success", [2], [1])
    counted = trained_night.sql("select rows_read, rows_labelled + rows_rejected from segmentation.scoring_runs")
    assert counted == [(CUSTOMERS, CUSTOMERS)]
    assert [path for path in (tmp_path / "labels").rglob("*") if path.is_file()] == []
