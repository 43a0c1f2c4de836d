"""Posted records are checked whole, and read the same whatever their form."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.config import Configuration, Contract
from clustering.customers import read_records, split
from clustering.customers.record_checks import Fault, check_records, describe_faults
from clustering.demo.generator import generate_customers

GOOD: dict[str, Any] = {"customer_id": 1, "age": 30, "gender": "F", "annual_income": 50_000, "spending_score": 50}
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["12", " 7 ", "1e3", "-0.0", "NaN", "\ud800", 2**63, 1e300, 25.0, 25.5]),
)


def test_valid_records_are_customers_in_their_order(configuration: Configuration) -> None:
    """Every record becomes a customer, and the keys are as they were posted."""
    checked = check_records([{**GOOD, "customer_id": "9"}, {**GOOD, "customer_id": 8.0}], configuration.contract)
    assert checked.faults == []
    assert checked.keys == ["9", 8.0]
    assert checked.customers.column("customer_id").to_pylist() == [9, 8]


def test_faults_of_one_row_come_in_the_order_of_the_contract(configuration: Configuration) -> None:
    """All faults of a row are found, not only the first."""
    records = [GOOD, {"customer_id": 1, "spending_score": 0, "age": [1], "gender": {}}]
    assert check_records(records, configuration.contract).faults == [
        Fault(0, "customer_id", 1, "duplicate_key", "each key once"),
        Fault(1, "customer_id", 1, "duplicate_key", "each key once"),
        Fault(1, "age", "a list", "wrong_type", "a whole number from 0 to 120"),
        Fault(1, "gender", "an object", "wrong_type", "a text, or nothing"),
        Fault(1, "annual_income", None, "missing_value", "a number, 0 or more"),
        Fault(1, "spending_score", 0, "out_of_range", "a number from 1 to 100"),
    ]


def test_faults_are_told_in_a_sentence(configuration: Configuration) -> None:
    """The sentence counts the rows, names the first faults, and says how many more there are."""
    records = [{**GOOD, "customer_id": row, "age": -1} for row in range(7)]
    told = describe_faults(check_records(records, configuration.contract).faults, rows=7)
    assert told.startswith("7 of 7 rows cannot be labelled: row 0, age -1 is out of range (allowed: ")
    assert told.endswith(
        "row 4, age -1 is out of range (allowed: a whole number from 0 to 120); and 2 more: age out_of_range 7 rows"
    )


def test_text_and_uuid_keys_come_once() -> None:
    """A UUID in upper case is the same customer as in lower case; texts are compared as they are."""
    for kind, keys, faults in (
        ("uuid", ["12AAC85F6D9D4F2092CC64D65C6E6D6A", "12aac85f-6d9d-4f20-92cc-64d65c6e6d6a"], 2),
        ("text", ["a", "A"], 0),
        ("text", ["a", "a"], 2),
    ):
        columns = {"id": {"type": kind, "role": "key"}, "x": {"type": "number", "role": "cluster"}}
        contract = Contract.model_validate({"table": "t", "columns": columns})
        assert len(check_records([{"id": key, "x": 1} for key in keys], contract).faults) == faults


any_records = given(
    st.lists(
        st.fixed_dictionaries({name: st.one_of(st.just(value), VALUES) for name, value in GOOD.items()}), max_size=4
    )
)


@settings(max_examples=300 if settings.get_current_profile_name() == "search" else 80, deadline=None)
@any_records
def test_records_of_one_form_are_read_like_any_others(records: list[dict[str, Any]]) -> None:
    """Reading column by column, where all records have the same fields, finds what reading cell by cell does."""
    _read_both_ways(records)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@any_records
def test_three_hundred_requests_of_one_form_are_read_like_any_others(records: list[dict[str, Any]]) -> None:
    """The same with more of them."""
    _read_both_ways(records)


def _read_both_ways(records: list[dict[str, Any]]) -> None:
    contract = DEFAULT
    uneven = [*records, {"customer_id": 5}]
    whole, single = (split(read_records(rows, contract), contract) for rows in (records, uneven))
    assert whole.valid.to_pylist() == single.valid.to_pylist()
    reasons = [(row["column_name"], row["reason"]) for row in single.rejected.to_pylist()[:-1]]
    assert [(row["column_name"], row["reason"]) for row in whole.rejected.to_pylist()] == reasons


DEFAULT = Contract.model_validate(
    {
        "table": "customers",
        "columns": {
            "customer_id": {"type": "bigint", "role": "key"},
            "age": {"type": "integer", "role": "profile", "range": [0, 120]},
            "gender": {"type": "text", "role": "protected", "missing": "allow"},
            "annual_income": {"type": "number", "role": "cluster", "range": [0, None]},
            "spending_score": {"type": "number", "role": "cluster", "range": [1, 100]},
        },
    }
)


def test_order_of_fields_does_not_matter(configuration: Configuration) -> None:
    """Records with the same fields in different orders are read alike."""
    records = generate_customers(50, seed=3, dirty_share=0).to_pylist()
    shuffled = [dict(sorted(record.items(), reverse=row % 2 == 0)) for row, record in enumerate(records)]
    first, second = (check_records(rows, configuration.contract) for rows in (records, shuffled))
    assert first.faults == []
    assert first.customers.equals(second.customers)
