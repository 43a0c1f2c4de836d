"""Keys of several rows among files, in however many parts their hashes lie, and whatever type they have."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from clustering.config import Column, Contract, CustomerSource
from clustering.errors import DataError, SourceError
from clustering.lake import repeated_keys as repeated
from clustering.lake.file_source import FileSource, cut, describe_files
from tests.lakes import write_lake

UUIDS = [str(uuid.UUID(int=number)) for number in range(400)]


def source(folder: Path, kind: Any, keys: list[Any]) -> FileSource:
    columns = {"id": Column(type=kind, role="key"), "income": Column(type="number", role="cluster")}
    rows = pa.table({"id": keys, "income": [1.0] * len(keys)})
    write_lake(folder, rows, files=3, rows_a_group=20)
    return describe_files(Contract(source=CustomerSource(files=str(folder)), columns=columns))


@pytest.mark.parametrize("laid_apart", [1, 5])
@pytest.mark.parametrize(
    ("kind", "keys", "twice"),
    [
        ("bigint", [*range(400), 7, 7, 250, None, None], [7, 250]),
        ("text", [*(f"k{number}" for number in range(400)), "k9", "K9", "", ""], ["k9"]),
        ("uuid", [*UUIDS, UUIDS[3].upper()], [UUIDS[3]]),
    ],
)
def test_keys_of_several_rows_are_told_to_each_shard_that_has_them(
    tmp_path: Path, kind: str, keys: list[Any], twice: list[Any], laid_apart: int
) -> None:
    """No key, or an empty one, is a fault of another kind."""
    found = source(tmp_path, kind, keys)
    shards = cut(found.parts, 4)
    told = repeated.repeated_keys(found, shards, hashes_a_part=found.rows // laid_apart + 1)
    assert len(told) == 4
    assert {key for keys in told for key in keys.to_pylist()} == set(twice)
    rows = [batch["id"].to_pylist() for parts in shards for batch in found.batches(parts)]
    assert sum(map(len, rows)) == len(keys)


def test_too_many_of_them_are_no_customers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They would be kept for each run."""
    monkeypatch.setattr(repeated, "MOST_REPEATED", 10)
    found = source(tmp_path, "bigint", [*range(40), *range(40)])
    with pytest.raises(DataError, match=r"40 keys of the files below .* stand in several rows"):
        repeated.repeated_keys(found, cut(found.parts, 2))


def test_every_key_is_read_once_where_none_repeats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hundred million, reading is what takes the time."""
    found, read = source(tmp_path, "bigint", [*range(400)]), []
    yielded = FileSource.batches

    def counted(self: FileSource, parts: Any = None) -> Iterator[pa.RecordBatch]:
        for batch in yielded(self, parts):
            read.append(batch.num_rows)
            yield batch

    monkeypatch.setattr(FileSource, "batches", counted)
    assert [len(keys) for keys in repeated.repeated_keys(found, cut(found.parts, 4), hashes_a_part=100)] == [0] * 4
    assert sum(read) == 400


def test_keys_whose_hashes_are_equal_are_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of 64 bits are equal by chance once in a few billion customers."""
    monkeypatch.setattr(repeated, "hash_keys", lambda keys: pc.binary_length(keys).cast(pa.uint64()).to_numpy() << 60)
    found = source(tmp_path, "text", [*(f"k{number}" for number in range(400)), "k9", "k250"])
    told = repeated.repeated_keys(found, cut(found.parts, 4), hashes_a_part=100)
    assert {key for keys in told for key in keys.to_pylist()} == {"k9", "k250"}


def test_hashes_that_find_no_room_are_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It names what is missing, and what to do."""
    found = source(tmp_path / "lake", "bigint", [*range(400)])
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(SourceError, match=r"does not take 0 MB, the hashes of 400 keys: No such file .* by TMPDIR"):
        repeated.repeated_keys(found, cut(found.parts, 4), hashes_a_part=100)
