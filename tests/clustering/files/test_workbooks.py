"""Workbooks given in place of a CSV file."""

from __future__ import annotations

from pathlib import Path

import pytest

from clustering.config import Configuration, Contract
from clustering.customers import split
from clustering.errors import DataError
from clustering.files.customer_files import read_customers, read_numbers
from clustering.files.text_columns import FileOptions
from tests.workbooks import Sheets, workbook

SHEETS: Sheets = {
    "Notes": [["Customers of 2026"]],
    "Customers": [
        ["Export"],
        [],
        ["CustomerID", "Gender", "Age", "Annual Income", "Spending Score (1-100)"],
        [1, "Male", 58, 88006.5, 83],
        [2, None, 63, 50547, "48"],
        [None, None, None, None, None],
        ["Total", None, None, 138553.5, None],
    ],
}


def test_the_sheet_with_the_customers_is_found(tmp_path: Path, configuration: Configuration) -> None:
    """Below its titles; blank rows are left out, the totals rejected."""
    found = read_customers(workbook(tmp_path / "customers.xlsx", SHEETS), configuration.contract)
    parts = split(found.rows.combine_chunks().to_batches()[0], configuration.contract)
    assert [(row["customer_id"], row["annual_income"], row["spending_score"]) for row in parts.valid.to_pylist()] == [
        (1, 88006.5, 83.0),
        (2, 50547.0, 48.0),
    ]
    assert [row["value"] for row in parts.rejected.to_pylist()] == ["Total"]
    assert found.said == ("sheet Customers", "headers in line 3", "blank rows left out: 1")


def test_a_hidden_sheet_is_no_rival(tmp_path: Path, configuration: Configuration) -> None:
    """Of two sheets with the same headers that is read which people see; a hidden one alone is read as well."""
    former = [*SHEETS["Customers"][:3], [9, "Male", 20, 1, 1]]
    sheets = {"Former": former, **SHEETS}
    found = read_customers(workbook(tmp_path / "a.xlsx", sheets, hidden="Former"), configuration.contract)
    assert found.said[0] == "sheet Customers"
    alone = read_customers(workbook(tmp_path / "b.xlsx", {"Former": former}, hidden="Former"), configuration.contract)
    assert alone.rows["customer_id"].to_pylist() == [9]


def test_columns_of_a_sheet_are_read_by_name(tmp_path: Path) -> None:
    """As those of text are."""
    path = workbook(tmp_path / "customers.xlsx", {"One": [["income"], [1], [2.5]]})
    assert read_numbers(path, ["income"])[0].to_pydict() == {"income": [1.0, 2.5]}


def test_numbers_of_a_workbook_are_numbers(tmp_path: Path) -> None:
    """Beside text with decimal commas, and under declared formats."""
    columns = {"id": {"type": "bigint", "role": "key"}} | {
        name: {"type": "number", "role": "cluster"} for name in ("typed", "text")
    }
    sheet: Sheets = {"One": [["id", "typed", "text"], [1, 1.234, "1,5"], [2, 7, "1.234,5"], [3, 0.5, 2.125]]}
    path = workbook(tmp_path / "customers.xlsx", sheet)
    for formats in (None, {"decimal": ",", "thousands": "."}):
        contract = Contract.model_validate({"table": "t", "columns": columns, "formats": formats})
        rows = read_customers(path, contract).rows
        assert rows["typed"].to_pylist() == [1.234, 7.0, 0.5]
        assert rows["text"].to_pylist() == [1.5, 1234.5, 2.125]


def test_a_sheet_that_is_not_there_is_named(tmp_path: Path, configuration: Configuration) -> None:
    """With those that are."""
    path = workbook(tmp_path / "customers.xlsx", SHEETS)
    with pytest.raises(DataError, match="no sheet 2026; it has Notes, Customers"):
        read_customers(path, configuration.contract, FileOptions(sheet="2026"))


def test_a_broken_workbook_is_refused(tmp_path: Path, configuration: Configuration) -> None:
    """Old Excel's first bytes and nothing else."""
    (tmp_path / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0" + bytes(600))
    with pytest.raises(DataError, match=r"old\.xls: the workbook cannot be read"):
        read_customers(tmp_path / "old.xls", configuration.contract)
