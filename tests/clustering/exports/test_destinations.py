"""Stores in a cloud: one that speaks S3 receives exports."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest
from pyarrow import fs

from clustering.config import Audience, Exports
from clustering.errors import DestinationError
from clustering.exports import file_formats
from clustering.exports.exporting import export_audience
from clustering.storage.named_connections import NamedConnection
from tests.projects import Project
from tests.web.served import free_port

DAY = "2026-11-20"
SECRET = "tulip/spade"  # noqa: S105 (of nothing)


@pytest.fixture
def store(s3_endpoint: str) -> Any:
    """Return the store with a bucket, as another program sees it."""
    options = {"access_key": "ann", "secret_key": SECRET, "region": "us-east-1", "endpoint_override": s3_endpoint}
    opened = fs.S3FileSystem(**options, allow_bucket_creation=True, allow_bucket_deletion=True)
    opened.create_dir("crm")
    yield opened
    opened.delete_dir("crm")


@pytest.fixture
def project(appointed_project: Project) -> Project:
    """Return a project with a night and one audience."""
    appointed_project.night(DAY, models=["kmeans"])
    settings = {"model": "kmeans", "columns": ["customer_id", "segment_name"], "consent": {"waived": "a test"}}
    audience = Audience.model_validate({**settings, "destination": "crm", "path": "mail/{as_of}.csv"})
    exports = Exports(destinations=("crm",), audiences={"shown": audience})
    return replace(
        appointed_project, configuration=appointed_project.configuration.model_copy(update={"exports": exports})
    )


def of_s3(s3_endpoint: str) -> NamedConnection:
    """Return a connection of Airflow's to the bucket."""
    extra = {"uri": "s3://crm/segments", "endpoint_url": s3_endpoint, "region_name": "us-east-1"}
    return NamedConnection("aws", "ann", SECRET, extra_dejson=extra)


def send(project: Project, connection: Any) -> dict[str, Any]:
    """Send the audience."""
    return export_audience(
        project.warehouse,
        project.configuration,
        audience="shown",
        connections=lambda _: connection,
        requested_by="Ada",
    )


def objects(store: Any) -> list[str]:
    """Return the objects in the bucket."""
    return [one.path for one in store.get_file_info(fs.FileSelector("crm", recursive=True)) if one.is_file]


def test_store_receives_an_export_and_the_next_takes_its_place(project: Project, store: Any, s3_endpoint: str) -> None:
    """It is one object of that date, with everybody in it, and nothing else is left."""
    for _ in range(2):
        told = send(project, of_s3(s3_endpoint))
    assert told["location"] == f"s3://crm/segments/mail/{DAY}.csv"
    assert objects(store) == [f"crm/segments/mail/{DAY}.csv"]
    with store.open_input_stream(f"crm/segments/mail/{DAY}.csv") as stream:
        rows = list(csv.DictReader(io.StringIO(stream.read().decode())))
    found = project.sql(
        "select customer_id::text from segmentation.customer_segments where model = 'kmeans' order by 1"
    )
    assert sorted(row["customer_id"] for row in rows) == sorted(key for (key,) in found)
    assert told["rows"] == len(rows)


def test_what_fails_half_way_leaves_the_former_object(
    project: Project, store: Any, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part is removed, and the record says that it failed."""
    send(project, of_s3(s3_endpoint))
    before = store.get_file_info(f"crm/segments/mail/{DAY}.csv")

    def write(batches: Any, stream: Any, *_: Any, **__: Any) -> int:
        stream.write(b"half")
        raise OSError("gone")

    monkeypatch.setattr(file_formats, "write_rows", write)
    with pytest.raises(DestinationError, match="gone"):
        send(project, of_s3(s3_endpoint))
    after = store.get_file_info(f"crm/segments/mail/{DAY}.csv")
    assert (after.size, after.mtime) == (before.size, before.mtime)
    assert objects(store) == [f"crm/segments/mail/{DAY}.csv"]
    assert project.sql("select status from segmentation.exports order by 1") == [("failed",), ("sent",)]


def test_store_that_is_away_or_refuses_is_told_without_secrets(project: Project, store: Any, s3_endpoint: str) -> None:
    """Whether there is no bucket or nobody listens, the keys are in no message, and it may pass."""
    for one in (of_s3(f"http://127.0.0.1:{free_port()}"), of_s3(s3_endpoint)):
        extra = {**one.extra_dejson, "uri": "s3://nobody-has-it/segments"}
        with pytest.raises(DestinationError, match="the destination crm did not take the file") as caught:
            send(project, replace(one, extra_dejson=extra))
        assert SECRET not in str(caught.value)
    assert objects(store) == []
