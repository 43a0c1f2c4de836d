"""Keys of several rows among files, however many passes are made, and whatever type they have."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from clustering.config import Column, Contract, CustomerSource
from clustering.errors import DataError
from clustering.lake import repeated_keys as repeated
from clustering.lake.file_source import FileSource, cut, describe_files
from tests.lakes import write_lake

UUIDS = [str(uuid.UUID(int=number)) for number in range(400)]


def source(folder: Path, kind: Any, keys: list[Any]) -> FileSource:
    columns = {"id": Column(type=kind, role="key"), "income": Column(type="number", role="cluster")}
    rows = pa.table({"id": keys, "income": [1.0] * len(keys)})
    write_lake(folder, rows, files=3, rows_a_group=20)
    return describe_files(Contract(source=CustomerSource(files=str(folder)), columns=columns))


@pytest.mark.parametrize("passes", [1, 5])
@pytest.mark.parametrize(
    ("kind", "keys", "twice"),
    [
        ("bigint", [*range(400), 7, 7, 250, None, None], [7, 250]),
        ("text", [*(f"k{number}" for number in range(400)), "k9", "K9", "", ""], ["k9"]),
        ("uuid", [*UUIDS, UUIDS[3].upper()], [UUIDS[3]]),
    ],
)
def test_keys_of_several_rows_are_told_to_each_shard_that_has_them(
    tmp_path: Path, kind: str, keys: list[Any], twice: list[Any], passes: int
) -> None:
    """No key, or an empty one, is a fault of another kind."""
    found = source(tmp_path, kind, keys)
    shards = cut(found.parts, 4)
    told = repeated.repeated_keys(found, shards, keys_a_pass=found.rows // passes + 1)
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
