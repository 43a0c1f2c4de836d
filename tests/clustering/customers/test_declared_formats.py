"""Formats that the contract declares."""

from datetime import date
from typing import Any

import pyarrow as pa

from clustering.config import Contract
from clustering.customers import Reading, read_records, split

CONTRACT = Contract.model_validate(
    {
        "table": "shops",
        "columns": {
            "shop": {"type": "text", "role": "key"},
            "sales": {"type": "number", "role": "cluster", "aliases": [{"header": "sales_k", "factor": 1000}]},
            "opened": {"type": "date", "role": "profile", "missing": "allow"},
        },
        "formats": {
            "decimal": ",",
            "thousands": ".",
            "signs": ["€"],
            "dates": "day-first",
            "missing": ["k. A."],
        },
    }
)


def test_text_of_the_warehouse_is_read_by_them() -> None:
    """The key is taken as it is, and what is no text in the warehouse too: 123.567 of a numeric is no thousand."""
    rows = pa.RecordBatch.from_pydict(
        {"shop": ["1.000", "k. A."], "sales": ["1.234,50 €", "7"], "opened": ["31.12.2014", "k. A."]}
    )
    parts = split(rows, CONTRACT, Reading(texts=("shop", "sales", "opened")))
    assert parts.valid.to_pylist() == [
        {"shop": "1.000", "sales": 1234.5, "opened": date(2014, 12, 31)},
        {"shop": "k. A.", "sales": 7.0, "opened": None},
    ]
    numeric = pa.RecordBatch.from_pydict({"shop": ["a"], "sales": ["123.567"], "opened": [None]})
    assert split(numeric, CONTRACT, Reading(texts=("shop",))).valid["sales"].to_pylist() == [123.567]
    assert split(numeric, CONTRACT, Reading(texts=("shop", "sales"))).valid["sales"].to_pylist() == [123567.0]


def test_posted_text_is_read_by_them_and_posted_numbers_are_numbers() -> None:
    """In the unit of their header, once."""
    records: list[dict[str, Any]] = [
        {"shop": "a", "sales": "1.234,5", "opened": "1.2.2014"},
        {"shop": "b", "sales": 123.567, "opened": None},
        {"shop": "c", "sales_k": "0,125", "opened": "k. A."},
        {"shop": "d", "sales_k": 0.125, "opened": "2014-02-01"},
    ]
    found = split(read_records(records, CONTRACT), CONTRACT).valid
    assert found["sales"].to_pylist() == [1234.5, 123.567, 125.0, 125.0]
    assert found["opened"].to_pylist() == [date(2014, 2, 1), None, None, date(2014, 2, 1)]
    same: list[dict[str, Any]] = [{"shop": "a", "sales": "1.234,5"}, {"shop": "b", "sales": "123.567"}]
    assert split(read_records(same, CONTRACT), CONTRACT).valid["sales"].to_pylist() == [1234.5, 123567.0]


def test_a_value_of_another_format_rejects_its_row_as_it_was_written() -> None:
    """It is not guessed."""
    rows = pa.RecordBatch.from_pydict({"shop": ["a"], "sales": ["1,234.50"], "opened": [None]})
    (rejected,) = split(rows, CONTRACT, Reading(texts=("sales",))).rejected.to_pylist()
    assert (rejected["reason"], rejected["column_name"], rejected["value"]) == ("wrong_type", "sales", "1,234.50")
    rows = pa.RecordBatch.from_pydict({"shop": ["a"], "sales": [" 2.5"], "opened": [None]})
    (rejected,) = split(rows, CONTRACT, Reading(texts=("sales",))).rejected.to_pylist()
    assert (rejected["reason"], rejected["column_name"], rejected["value"]) == ("wrong_type", "sales", " 2.5")
