"""A Parquet file is read as a CSV file is: by header or alias, in the contract's units, losing nothing."""

from __future__ import annotations

import uuid
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from clustering.config import Configuration, Contract
from clustering.errors import DataError
from clustering.files.customer_files import read_customers

KEY = uuid.UUID("12345678-1234-5678-1234-567812345678")
CONTRACT = Contract.model_validate(
    {
        "table": "shops",
        "columns": {
            "shop": {"type": "uuid", "role": "key"},
            "sales": {"type": "number", "role": "cluster", "aliases": [{"header": "Sales (k$)", "factor": 1000}]},
            "opened": {"type": "date", "role": "profile", "missing": "allow"},
            "town": {"type": "text", "role": "profile", "missing": "allow"},
        },
    }
)


def write(folder: Path, **columns: pa.Array) -> Path:
    parquet.write_table(pa.table(columns), folder / "rows.parquet")
    return folder / "rows.parquet"


def test_types_of_the_file_become_those_of_the_contract(tmp_path: Path) -> None:
    """UUIDs, decimals, dates and dictionaries arrive as values, and a unit is applied."""
    path = write(
        tmp_path,
        SHOP=pa.array([KEY.bytes], pa.binary(16)),
        **{"Sales (k$)": pa.array([Decimal("1.25")], pa.decimal128(10, 2))},
        opened=pa.array([date(2020, 2, 29)]),
        town=pa.array(["Ulm"]).dictionary_encode(),
    )
    assert read_customers(path, CONTRACT).rows.to_pylist() == [
        {"shop": str(KEY), "sales": 1250.0, "opened": date(2020, 2, 29), "town": "Ulm"}
    ]


def test_bad_values_are_kept_as_they_are(configuration: Configuration, tmp_path: Path) -> None:
    """A column with a value that does not convert stays text, for the night to reject it."""
    path = write(
        tmp_path,
        customer_id=pa.array([1, 2]),
        age=pa.array([20.0, 25.5]),
        gender=pa.array([None, "Male"]),
        annual_income=pa.array([15000, 16000]),
        spending_score=pa.array([39.0, float("nan")]),
    )
    rows = read_customers(path, configuration.contract).rows
    assert rows.column("age").to_pylist() == ["20", "25.5"]
    assert rows.column("annual_income").to_pylist() == [15000.0, 16000.0]
    assert rows.column("spending_score").to_pylist() == ["39", "nan"]


def test_column_of_lists_is_refused(configuration: Configuration, tmp_path: Path) -> None:
    """A column that holds no single values is named."""
    ones = pa.array([1])
    columns = dict.fromkeys(("customer_id", "age", "gender", "annual_income"), ones)
    path = write(tmp_path, **columns, spending_score=pa.array([[1, 2]]))
    with pytest.raises(DataError, match=r"column spending_score holds list<.*>, not numbers, text or dates"):
        read_customers(path, configuration.contract)


def test_file_that_is_no_parquet_is_refused(configuration: Configuration, tmp_path: Path) -> None:
    """A broken file, a missing column and a missing file are each told of by path."""
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(DataError, match=r"rows\.parquet: not a Parquet file"):
        read_customers(tmp_path / "rows.parquet", configuration.contract)
    with pytest.raises(DataError, match=r"rows\.parquet: no column for age or Age"):
        read_customers(write(tmp_path, customer_id=pa.array([1])), configuration.contract)
    with pytest.raises(DataError, match=r"none\.parquet: cannot be read"):
        read_customers(tmp_path / "none.parquet", configuration.contract)
