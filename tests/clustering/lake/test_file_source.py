"""Rows of files as a warehouse would deliver them, whatever types the files have."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustering.config import Column, Contract, CustomerSource, Formats
from clustering.customers import split
from clustering.errors import DataError
from clustering.lake.file_source import FilePart, cut, describe_files, files_of_parts
from clustering.lake.key_order import first_rows

COLUMNS = {
    "id": Column(type="text", role="key"),
    "income": Column(type="number", role="cluster"),
    "visits": Column(type="integer", role="profile"),
    "member": Column(type="integer", role="profile"),
    "joined": Column(type="date", role="profile"),
    "seen": Column(type="timestamp", role="profile", missing="allow"),
    "country": Column(type="text", role="protected", missing="allow"),
}


@pytest.fixture
def contract(tmp_path: Path) -> Contract:
    """Return the contract of a folder with two files that write the same types in other ways."""
    moment = datetime(2026, 1, 31, 23, tzinfo=UTC)
    first = {
        "ID": pa.array([1, 2], pa.int32()),
        "income": pa.array([Decimal("1.50"), Decimal("2.25")], pa.decimal128(9, 2)),
        "visits": pa.array([1, 2], pa.uint64()),
        "member": pa.array([True, False]),
        "joined": pa.array([date(2026, 1, 1)] * 2, pa.date64()),
        "seen": pa.array([moment] * 2, pa.timestamp("ns", "Europe/Berlin")),
    }
    second = {
        "id": pa.array([3, 4], pa.int64()),
        "income": pa.array([Decimal("3"), Decimal("4")], pa.decimal128(12, 3)),
        "visits": pa.array([3, 4], pa.uint32()),
        "member": pa.array([False, True]),
        "joined": pa.array([date(2026, 1, 2)] * 2, pa.date32()),
        "seen": pa.nulls(2),
    }
    for country, rows in (("DE", first), ("__HIVE_DEFAULT_PARTITION__", second)):
        (tmp_path / f"country={country}").mkdir()
        parquet.write_table(pa.table(rows), tmp_path / f"country={country}/0.parquet", row_group_size=1)
    return Contract(source=CustomerSource(files=str(tmp_path)), columns=COLUMNS)


def test_types_become_those_of_the_contract(contract: Contract) -> None:
    """Every row is valid, and a path says what its rows have."""
    source = describe_files(contract)
    parts = [split(batch, contract, source.reading) for batch in source.batches()]
    rows = [row for part in parts for row in part.valid.to_pylist()]
    assert [row["id"] for row in rows] == ["1", "2", "3", "4"]
    assert [row["income"] for row in rows] == [1.5, 2.25, 3, 4]
    assert [row["member"] for row in rows] == [1, 0, 0, 1]
    assert [row["country"] for row in rows] == ["DE", "DE", None, None]
    assert rows[0]["seen"] == datetime(2026, 1, 31, 23)
    assert {row["joined"] for row in rows} == {date(2026, 1, 1), date(2026, 1, 2)}
    assert not any(part.rejected.num_rows for part in parts)


def test_parts_read_what_the_whole_does(contract: Contract) -> None:
    """After a manifest has kept them; where a column has no value at all its type is that of others."""
    whole = describe_files(contract)
    shards = cut(whole.parts, 3)
    kept = [[FilePart.from_document(part.to_document()) for part in shard] for shard in shards]
    assert kept == shards
    rows = []
    for shard in kept:
        source = files_of_parts(contract, shard, as_of=whole.as_of)
        rows += [row for batch in source.batches() for row in split(batch, contract, source.reading).valid.to_pylist()]
    found = (split(batch, contract, whole.reading).valid.to_pylist() for batch in whole.batches())
    assert rows == [row for rows in found for row in rows]


def test_formats_are_of_text_alone(tmp_path: Path) -> None:
    """Also where a file writes text as a dictionary."""
    values = pa.array(["1.234,50", "7"]).dictionary_encode()
    parquet.write_table(pa.table({"id": ["a", "b"], "income": values}), tmp_path / "0.parquet")
    columns = {name: COLUMNS[name] for name in ("id", "income")}
    contract = Contract(
        source=CustomerSource(files=str(tmp_path)), columns=columns, formats=Formats(decimal=",", thousands=".")
    )
    source = describe_files(contract)
    [batch] = source.batches()
    assert split(batch, contract, source.reading).valid["income"].to_pylist() == [1234.5, 7]


def test_first_rows_are_those_of_the_smallest_digests(tmp_path: Path) -> None:
    """However many rows are kept in between; a row without a key is not drawn."""
    import hashlib

    keys = [f"k{number}" for number in range(1_000)]
    rows = pa.table({"id": [*keys, None], "income": [1.0] * 1_001})
    parquet.write_table(rows, tmp_path / "0.parquet", row_group_size=50)
    columns = {name: COLUMNS[name] for name in ("id", "income")}
    source = describe_files(Contract(source=CustomerSource(files=str(tmp_path)), columns=columns))
    expected = sorted(keys, key=lambda key: hashlib.md5(key.encode()).digest())  # noqa: S324 (no secret)
    assert first_rows(source, 30)["id"].to_pylist() == expected[:30]
    assert first_rows(source, 5_000)["id"].to_pylist() == expected
    with pytest.raises(DataError, match="are not read within 0 s"):
        first_rows(source, 30, seconds=0)
