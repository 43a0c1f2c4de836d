"""CSV files of customers, read as the contract has them."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pytest

from clustering.config import PROJECT, Configuration, load_configuration
from clustering.customers import split
from clustering.demo.customer_files import read_csv
from clustering.errors import DataError

DATA = PROJECT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"{DATA} does not exist")

MALL = "CustomerID,Gender,Age,Annual Income (k$),Spending Score (1-100)\n"


def write(folder: Path, text: str | bytes) -> Path:
    path = folder / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_file_is_read_by_header_and_alias_in_the_contracts_units(
    tmp_path: Path, configuration: Configuration
) -> None:
    rows = read_csv(write(tmp_path, MALL + "1,Male,19,15,39\n2,,21,15.5,81\n"), configuration.contract)
    assert rows.schema == pa.schema(
        [
            ("customer_id", pa.int64()),
            ("age", pa.int64()),
            ("gender", pa.string()),
            ("annual_income", pa.float64()),
            ("spending_score", pa.float64()),
        ]
    )
    assert [tuple(row.values()) for row in rows.to_pylist()] == [
        (1, 19, "Male", 15_000.0, 39.0),
        (2, 21, None, 15_500.0, 81.0),
    ]


def test_a_column_with_a_bad_value_stays_text_and_loses_nothing(tmp_path: Path, configuration: Configuration) -> None:
    """Bad values stay as they are, good ones are in the contract's unit, and the night rejects the bad ones."""
    rows = read_csv(
        write(tmp_path, MALL + "1,Male,abc,15,39\n2,,21,1e400,81\n,,22,n/a,NaN\n4,,,15,1\n"), configuration.contract
    )
    assert rows["customer_id"].to_pylist() == [1, 2, None, 4]
    assert rows["age"].to_pylist() == ["abc", "21", "22", None]
    assert rows["annual_income"].to_pylist() == ["15000", "1e400", "n/a", "15000"]
    assert rows["spending_score"].to_pylist() == ["39", "81", "NaN", "1"]
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert [(row["reason"], row["value"]) for row in parts.rejected.to_pylist()] == [
        ("wrong_type", "abc"),
        ("not_convertible", "1e400"),
        ("missing_key", None),
        ("missing_value", None),
    ]


def test_values_out_of_range_do_not_keep_a_column_from_its_type(tmp_path: Path, configuration: Configuration) -> None:
    rows = read_csv(write(tmp_path, MALL + "1,Male,500,-1,0\n"), configuration.contract)
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 500, "Male", -1000.0, 0.0)]


def test_quotes_byte_order_marks_and_line_ends_of_any_kind(tmp_path: Path, configuration: Configuration) -> None:
    text = '\ufeff"CustomerID","Gender","Age",Annual Income,Spending Score\r\n1,"a ""b"",\nc",19," 15 ",39\r\n'
    rows = read_csv(write(tmp_path, text), configuration.contract)
    assert [tuple(row.values()) for row in rows.to_pylist()] == [(1, 19, 'a "b",\nc', 15.0, 39.0)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a CSV file"),
        (MALL.encode() + b"1,\xe4,19,15,39\n", "not a CSV file in UTF-8"),
        (MALL + "1,Male,19\n", "not a CSV file.*Expected 5 columns, got 3"),
        ("CustomerID;Age\n1;2\n", "no column for customer_id or CustomerID or Customer ID; .*found CustomerID;Age"),
        ("Age," + MALL, "column age is there twice"),
        ("age,Age\n", "column age is there twice: as 'age' and as 'Age'"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(
    tmp_path: Path, configuration: Configuration, content: str | bytes, message: str
) -> None:
    """The message starts with the file."""
    path = write(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_csv(path, configuration.contract)
    assert str(caught.value).startswith(f"{path}: ")


def test_a_file_that_is_not_there_is_named(tmp_path: Path, configuration: Configuration) -> None:
    with pytest.raises(DataError, match=r"none\.csv: cannot be read: .*No such file"):
        read_csv(tmp_path / "none.csv", configuration.contract)
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, configuration.contract)


def test_a_file_without_rows_gives_none(tmp_path: Path, configuration: Configuration) -> None:
    assert read_csv(write(tmp_path, MALL), configuration.contract).num_rows == 0


@needs_data
def test_the_mall_table_is_read_whole(configuration: Configuration) -> None:
    rows = read_csv(DATA / "mall_customers.csv", configuration.contract)
    parts = split(rows.combine_chunks().to_batches()[0], configuration.contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (200, 0)
    assert sum(parts.valid["annual_income"].to_pylist()) == 12_112_000


@needs_data
def test_the_online_retail_example_fits_its_file() -> None:
    """Another table needs another configuration directory and nothing else."""
    contract = load_configuration(PROJECT / "examples" / "online_retail").contract
    rows = read_csv(DATA / "online_retail_rfm.csv", contract)
    parts = split(rows.combine_chunks().to_batches()[0], contract)
    assert (parts.valid.num_rows, parts.rejected.num_rows) == (4338, 0)
    assert parts.valid["first_purchase"][0].as_py() == datetime.datetime(2011, 1, 18, 10, 1)


@pytest.mark.parametrize(("key_type", "bad"), [("bigint", "7a"), ("uuid", "not-a-uuid")])
def test_key_that_no_night_could_read_is_refused(configuration, tmp_path, key_type, bad):
    """A file whose key column would become text is not loaded; the row and the value are named."""
    columns = dict(configuration.contract.columns)
    columns["customer_id"] = columns["customer_id"].model_copy(update={"type": key_type})
    contract = configuration.contract.model_copy(update={"columns": columns})
    file = tmp_path / "customers.csv"
    file.write_text(f"customer_id,age,gender,annual_income,spending_score\n,30,x,1,1\n{bad},30,x,1,1\n")
    with pytest.raises(DataError, match=f"row 2: the key customer_id is '{bad}', which is not of the type {key_type}"):
        read_csv(file, contract)
