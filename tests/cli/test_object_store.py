"""The whole way with versions in a bucket, by the command line: no folder is shared by anybody."""

from __future__ import annotations

import pytest

from tests.command_line import Run
from tests.object_stores import Bucket
from tests.web.served import free_port


@pytest.mark.slow
def test_versions_in_a_bucket(clustering: Run, bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training writes there, the processes of a night read there; what a night would meet is said before it."""
    monkeypatch.setenv("CLUSTERING_STORE", bucket.uri)
    clustering("migrate")
    clustering("load", "customers.csv")
    assert clustering("validate").code == 0
    assert clustering("retrain", "--model", "kmeans").code == 0
    (version,) = bucket.names()
    assert version.startswith("kmeans/1-")
    told = clustering("validate", "--json").document
    assert (told["problems"], told["night"]["models"]) == ([], {"kmeans": 1})
    assert clustering("score", "--jobs", "2", "--shards", "2", "--json").document["status"] == "published"
    monkeypatch.setenv("AIRFLOW_CONN_MODEL_STORE", bucket.connection(endpoint_url=f"http://127.0.0.1:{free_port()}"))
    away = clustering("validate")
    assert away.code == 1
    health = clustering("health", "--model", "kmeans")
    assert health.code == 0
    assert f"the next night cannot read the versions of models: {bucket.uri}: cannot be listed" in health.err
    assert f"{bucket.uri}: cannot be listed: the store cannot be reached from this machine" in away.err
