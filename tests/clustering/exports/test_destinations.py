"""Stores in a cloud: one that speaks S3 receives exports, others are opened by what their connections say."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pyarrow import fs

from clustering.config import Audience, Exports
from clustering.errors import ConfigurationError, DestinationError
from clustering.exports import file_formats
from clustering.exports.connection_variables import NamedConnection
from clustering.exports.destinations import open_folder
from clustering.exports.exporting import export_audience
from tests.projects import Project
from tests.web.served import free_port

DAY = "2026-11-20"
SECRET = "tulip/spade"  # noqa: S105 (of nothing)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Run a server that speaks S3 on this machine, and return its address."""
    server = pytest.importorskip("moto.server", reason="moto is not installed: no store that speaks S3 is tried")
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def store(endpoint: str) -> Any:
    """Return the store with a bucket, as another program sees it."""
    options = {"access_key": "ann", "secret_key": SECRET, "region": "us-east-1", "endpoint_override": endpoint}
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


def of_s3(endpoint: str) -> NamedConnection:
    """Return a connection of Airflow's to the bucket."""
    extra = {"uri": "s3://crm/segments", "endpoint_url": endpoint, "region_name": "us-east-1"}
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


def test_store_receives_an_export_and_the_next_takes_its_place(project: Project, store: Any, endpoint: str) -> None:
    """It is one object of that date, with everybody in it, and nothing else is left."""
    for _ in range(2):
        told = send(project, of_s3(endpoint))
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
    project: Project, store: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part is removed, and the record says that it failed."""
    send(project, of_s3(endpoint))
    before = store.get_file_info(f"crm/segments/mail/{DAY}.csv")

    def write(batches: Any, stream: Any, *_: Any, **__: Any) -> int:
        stream.write(b"half")
        raise OSError("gone")

    monkeypatch.setattr(file_formats, "write_rows", write)
    with pytest.raises(DestinationError, match="gone"):
        send(project, of_s3(endpoint))
    after = store.get_file_info(f"crm/segments/mail/{DAY}.csv")
    assert (after.size, after.mtime) == (before.size, before.mtime)
    assert objects(store) == [f"crm/segments/mail/{DAY}.csv"]
    assert project.sql("select status from segmentation.exports order by 1") == [("failed",), ("sent",)]


def test_store_that_is_away_or_refuses_is_told_without_secrets(project: Project, store: Any, endpoint: str) -> None:
    """Whether there is no bucket or nobody listens, the keys are in no message, and it may pass."""
    for one in (of_s3(f"http://127.0.0.1:{free_port()}"), of_s3(endpoint)):
        extra = {**one.extra_dejson, "uri": "s3://nobody-has-it/segments"}
        with pytest.raises(DestinationError, match="the destination crm did not take the file") as caught:
            send(project, replace(one, extra_dejson=extra))
        assert SECRET not in str(caught.value)
    assert objects(store) == []


def test_container_of_azure_is_opened_by_what_the_connection_has() -> None:
    """An account's key, a token or a principal; the account stands in the URI or is the login."""
    key = "dHVsaXA="
    uri = "abfss://crm@shop.dfs.core.windows.net/segments"
    opened = open_folder("crm", NamedConnection("wasb", "shop", key, extra_dejson={"uri": uri}))
    assert opened.base == "crm/segments"
    assert opened.system == fs.AzureFileSystem("shop", account_key=key)
    named = open_folder("crm", NamedConnection("wasb", "shop", key, extra_dejson={"uri": "abfs://crm/segments"}))
    assert (named.base, named.system) == (opened.base, opened.system)
    principal = {"uri": uri, "tenant_id": "t"}
    opened = open_folder("crm", NamedConnection("adls", "client", "secret", extra_dejson=principal))
    assert opened.system == fs.AzureFileSystem("shop", tenant_id="t", client_id="client", client_secret="secret")  # noqa: S106
    with pytest.raises(ConfigurationError, match="has no account; write abfss://container@account"):
        open_folder("crm", NamedConnection("wasb", extra_dejson={"uri": "abfs://crm/segments"}))


def test_bucket_of_google_is_opened_by_the_workers_account() -> None:
    """A key file in the connection is refused with what to do, since it would be left aside without a word."""
    opened = open_folder("crm", NamedConnection("google", extra_dejson={"uri": "gs://crm/a%20b", "anonymous": True}))
    assert opened.base == "crm/a b"
    assert isinstance(opened.system, fs.GcsFileSystem)
    for name in ("keyfile_dict", "extra__google_cloud_platform__key_path"):
        extra = {"uri": "gs://crm/segments", name: '{"private_key": "tulip"}'}
        with pytest.raises(ConfigurationError, match="a key file in a connection is not read"):
            open_folder("crm", NamedConnection("google", extra_dejson=extra))
