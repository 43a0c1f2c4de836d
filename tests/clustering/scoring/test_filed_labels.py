"""Files with labels: what is written is read again, whatever the keys are and wherever the files lie."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyarrow import fs, parquet

from clustering.config import KeyType
from clustering.customers import REJECTED
from clustering.errors import RunError, SourceError
from clustering.lake.folders import Folder, open_folder
from clustering.scoring import filed_labels
from clustering.scoring.batch_scoring import ScoredBatch
from clustering.scoring.filed_labels import LabelFile, LabelWriter, find_labels, groups, require_rows, require_whole
from clustering.scoring.stored_keys import stored
from tests.object_stores import open_bucket

NONE = pa.RecordBatch.from_pylist([], schema=REJECTED)
VERSION = 7
ROWS = 1_000
KEYS: dict[KeyType, list[int] | list[str]] = {
    "bigint": list(range(ROWS)),
    "text": [f"customer {number}" for number in range(ROWS)],
    "uuid": [str(uuid.UUID(int=number * 2**64 + number)) for number in range(ROWS)],
}


@pytest.fixture(params=["disk", "S3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Return the URI of a folder that nothing has written yet."""
    if request.param == "disk":
        yield (tmp_path / "labels").as_uri()
        return
    bucket = open_bucket("labels", request.getfixturevalue("s3_endpoint"))
    bucket.system.create_dir(bucket.name)
    monkeypatch.setenv("AIRFLOW_CONN_CUSTOMER_FILES", bucket.connection())
    yield f"{bucket.uri.rstrip('/')}/kmeans"
    with suppress(OSError):
        bucket.system.delete_dir(bucket.name)


def scored(key_type: KeyType) -> list[ScoredBatch]:
    """Return labels in batches of a hundred."""
    keys = pa.array(KEYS[key_type], pa.int64() if key_type == "bigint" else pa.string())
    numbers = pa.array(range(ROWS), pa.int32())
    labels = pa.record_batch(
        {
            "cluster_label": numbers,
            "segment_id": pc.add(numbers, pa.scalar(1, pa.int32())),
            "confidence": pa.array([number / ROWS for number in range(ROWS)], pa.float32()),
            "customer_id": stored(keys, key_type),
        }
    )
    return [ScoredBatch(NONE, {VERSION: labels.slice(start, 100)}, {}) for start in range(0, ROWS, 100)]


def write(place: str, key_type: KeyType) -> tuple[Folder, list[LabelFile]]:
    with LabelWriter.of({VERSION: place}, 3, "token") as writer:
        for batch in scored(key_type):
            writer.append(batch)
        return open_folder(place, key="label_files"), writer.finish()


def fail_amid(place: str) -> None:
    """Write labels, and fail before they are finished."""
    with LabelWriter.of({VERSION: place}, 3, "token") as writer:
        for batch in scored("bigint"):
            writer.append(batch)
        raise ZeroDivisionError


@pytest.mark.parametrize("key_type", list(KEYS))
def test_labels_are_found_by_keys_of_every_type(place: str, key_type: KeyType, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many row groups there are; a UUID stands in the file as one."""
    monkeypatch.setattr(filed_labels, "ROWS_A_GROUP", 300)
    folder, files = write(place, key_type)
    [file] = files
    assert (file.path, file.rows, file.model_version_id) == ("3-token.parquet", ROWS, VERSION)
    require_rows(folder, files, of="kmeans")
    tables = list(groups(folder, file))
    assert [table.num_rows for table in tables] == [300, 300, 300, 100]
    written = scored(key_type)
    keys = pa.concat_arrays([batch.labels[VERSION]["customer_id"] for batch in written])
    assert pa.concat_tables(tables)["customer_id"].combine_chunks() == keys
    found = find_labels(folder, files, keys.take(pa.array([17, 901])), seconds=30)
    assert found[file.path]["segment_id"].to_pylist() == [18, 902]
    strange = pa.array([ROWS + 1]) if key_type == "bigint" else pa.array(["nobody".ljust(16)]).cast(keys.type)
    assert not find_labels(folder, files, strange)
    with folder.location.system.open_input_file(folder.location.path(file.path)) as stream:
        kind = parquet.read_schema(stream).field("customer_id").type
    assert isinstance(kind, pa.UuidType) == (key_type == "uuid")


def test_files_that_are_gone_or_others_are_named(place: str) -> None:
    """So is one of the same size that has other rows, when its footer is read."""
    folder, [file] = write(place, "bigint")
    of_others = LabelFile(VERSION, file.path, file.rows + 1, file.bytes)
    with pytest.raises(RunError, match=r"kmeans are not whole: 3-token\.parquet has 1000 rows, 1001 were written"):
        require_rows(folder, [of_others], of="kmeans")
    with pytest.raises(RunError, match=r"3-token\.parquet below .* has \d+ bytes in place of 1; put it back"):
        require_whole(folder, [LabelFile(VERSION, file.path, file.rows, 1)], of="kmeans")
    with pytest.raises(RunError, match=r"gone\.parquet below .* is gone"):
        require_whole(folder, [LabelFile(VERSION, "gone.parquet", 1, 1)], of="kmeans")
    with pytest.raises(SourceError, match=r"do not tell single customers within 0 s"):
        find_labels(folder, [file], pa.array([1]), seconds=0)


def test_what_was_not_finished_is_removed(place: str) -> None:
    """Whatever ended it; versions without a folder are not written at all."""
    with pytest.raises(ZeroDivisionError):
        fail_amid(place)
    folder = open_folder(place, key="label_files")
    found = folder.location.system.get_file_info(fs.FileSelector(folder.location.base, allow_not_found=True))
    assert [one for one in found if one.type == fs.FileType.File] == []
    with LabelWriter.of({}, 3, "token") as writer:
        for batch in scored("bigint"):
            writer.append(batch)
        assert writer.finish() == []
