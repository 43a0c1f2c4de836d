"""Folders of Parquet files, on a disk and in a store that speaks S3: what is found, and what is said otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import fs, parquet

from clustering.errors import DataError, SourceError
from clustering.lake.folders import CONNECTION, Folder, open_folder
from clustering.storage.locations import Location
from tests.web.served import free_port

SECRET = "tulip/spade"  # noqa: S105 (of nothing)


@pytest.fixture
def bucket(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a store with a bucket of two files, which the environment's connection opens."""
    connect(monkeypatch, s3_endpoint)
    options = {"access_key": "ann", "secret_key": SECRET, "region": "us-east-1", "endpoint_override": s3_endpoint}
    store = fs.S3FileSystem(**options, allow_bucket_creation=True, allow_bucket_deletion=True)
    store.create_dir("lake")
    for name in ("customers/b.parquet", "customers/country=DE/a.parquet", "customers/_SUCCESS", "other/c.parquet"):
        with store.open_output_stream(f"lake/{name}") as stream:
            parquet.write_table(pa.table({"id": [1, 2]}), stream)
    yield store
    store.delete_dir("lake")


def connect(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    """Let the environment have a connection to a store."""
    connection = {"login": "ann", "password": SECRET, "extra": {"endpoint_url": endpoint, "region_name": "us-east-1"}}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONNECTION.upper()}", json.dumps(connection))


def test_files_of_a_bucket_are_found_and_read(bucket: Any) -> None:
    """In the order of their paths; what programs write beside them is left out."""
    folder = open_folder("s3://lake/customers")
    files = folder.files()
    assert [file.path for file in files] == ["b.parquet", "country=DE/a.parquet"]
    assert files[1].in_path == {"country": "DE"}
    with folder.opened(files[0]) as stream:
        assert parquet.read_table(stream).num_rows == 2
    folder.require_same(files[0])
    with bucket.open_output_stream("lake/customers/b.parquet") as stream:
        parquet.write_table(pa.table({"id": [1, 2, 3]}), stream)
    with pytest.raises(DataError, match=r"s3://lake/customers: b\.parquet was written anew"):
        folder.require_same(files[0])


def test_store_without_the_folder_is_told(bucket: Any) -> None:
    """A bucket that is not there, and a folder in one that is."""
    for place in ("s3://nowhere/customers", "s3://lake/none"):
        with pytest.raises(DataError, match=rf"{place} is not there"):
            open_folder(place).files()


def test_store_that_does_not_answer_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again, and the secret is not told."""
    connect(monkeypatch, f"http://127.0.0.1:{free_port()}")
    with pytest.raises(SourceError, match=r"s3://lake/customers cannot be reached at this moment") as told:
        open_folder("s3://lake/customers").files()
    assert SECRET not in str(told.value)


def test_credentials_that_are_refused_are_no_passing_error() -> None:
    """Whoever reads it knows what to give."""
    folder = Folder(Location("s3://lake/customers", Refusing(), "lake/customers"))
    told = r"may not be read by this worker: .*ACCESS_DENIED.*the connection customer_files"
    with pytest.raises(DataError, match=told):
        folder.files()


class Refusing:
    """Answers as pyarrow's file system does where S3 says 403."""

    def get_file_info(self, _: Any) -> None:
        raise OSError("When listing objects under key 'customers' in bucket 'lake': AWS Error ACCESS_DENIED during ...")


def test_folder_that_is_a_file_is_told(tmp_path: Path) -> None:
    """And one of which the login has no right."""
    (tmp_path / "a.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"a\.parquet is not there"):
        open_folder(str(tmp_path / "a.parquet")).files()
    (tmp_path / "notes.csv").write_bytes(b"")
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(DataError, match=r"no file that ends with \.parquet, but 1 others such as notes\.csv"):
        open_folder(str(tmp_path)).files()
