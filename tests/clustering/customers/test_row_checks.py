"""The source contract on literal rows: what is valid, what is rejected, and why."""

from __future__ import annotations

import datetime
import math
import uuid
from collections.abc import Iterable
from contextlib import closing
from decimal import Decimal
from typing import Any

import psycopg2
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustering.config import Column, Configuration, Contract
from clustering.customers import (
    REJECTED,
    Reading,
    describe_rejections,
    match_headers,
    read_records,
    source_cast,
    split,
    valid_schema,
)
from clustering.errors import DataError
from clustering.warehouse import Warehouse
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.source import describe_source

GOOD = {"customer_id": 1, "age": 30, "gender": "Female", "annual_income": 50_000.0, "spending_score": 50.0}


def contract_of(value: dict[str, Any], key: str = "bigint") -> Contract:
    """Return a contract with a key, the given column `value` and one that is always needed."""
    columns = {"id": {"type": key, "role": "key"}, "value": {"role": "profile", "missing": "reject", **value}}
    return Contract.model_validate({"table": "t", "columns": {**columns, "x": {"type": "number", "role": "cluster"}}})


def rows_of(values: pa.Array, keys: pa.Array | None = None) -> pa.RecordBatch:
    count = len(values)
    keys = pa.array(range(count), pa.int64()) if keys is None else keys
    return pa.record_batch({"id": keys, "value": values, "x": pa.array([1.0] * count)})


def outcomes(value: dict[str, Any], values: pa.Array) -> list[Any]:
    """Return for each row its valid value, or the reason of its rejection."""
    parts = split(rows_of(values), contract_of(value))
    found = dict(zip(parts.valid["id"].to_pylist(), parts.valid["value"].to_pylist(), strict=True))
    found |= {int(row["customer_id"]): row["reason"] for row in parts.rejected.to_pylist()}
    return [found[place] for place in range(len(values))]


@pytest.mark.parametrize(
    ("text", "number", "integer"),
    [
        ("12", 12.0, 12),
        (" 12 ", 12.0, 12),
        ("+5", 5.0, 5),
        ("007", 7.0, 7),
        ("-0", 0.0, 0),
        ("25.0", 25.0, 25),
        ("25.", 25.0, 25),
        ("25.5", 25.5, "wrong_type"),
        (".5", 0.5, "wrong_type"),
        ("1e3", 1000.0, "wrong_type"),
        ("1e-400", 0.0, "wrong_type"),
        ("9223372036854775807", 9.223372036854775807e18, 9223372036854775807),
        ("-9223372036854775808", -9.223372036854775808e18, -9223372036854775808),
        ("9223372036854775808", 9.223372036854775808e18, "not_convertible"),
        ("0" * 30 + "7", 7.0, 7),
        ("1" * 400, "not_convertible", "not_convertible"),
        ("1e400", "not_convertible", "wrong_type"),
        ("-1e400", "not_convertible", "wrong_type"),
        ("NaN", "not_finite", "not_finite"),
        ("-Infinity", "not_finite", "not_finite"),
        ("inf", "not_finite", "not_finite"),
        ("", "missing_value", "missing_value"),
        ("   ", "missing_value", "missing_value"),
        (None, "missing_value", "missing_value"),
        ("abc", "wrong_type", "wrong_type"),
        ("true", "wrong_type", "wrong_type"),
        ("1_000", "wrong_type", "wrong_type"),
        ("1,000", "wrong_type", "wrong_type"),
        ("0x10", "wrong_type", "wrong_type"),
        ("1 2", "wrong_type", "wrong_type"),
        ("1\n2", "wrong_type", "wrong_type"),
        ("--1", "wrong_type", "wrong_type"),
        (".", "wrong_type", "wrong_type"),
        ("e5", "wrong_type", "wrong_type"),
        ("٣", "wrong_type", "wrong_type"),
    ],
)
def test_text_as_a_number(text: str | None, number: Any, integer: Any) -> None:
    """Text converts as it is written in PostgreSQL; a mask decides before any cast."""
    assert outcomes({"type": "number"}, pa.array([text])) == [number]
    assert outcomes({"type": "integer"}, pa.array([text])) == [integer]
    assert outcomes({"type": "bigint"}, pa.array(["1", text, "abc"])) == [1, integer, "wrong_type"]


@pytest.mark.parametrize(
    ("text", "date", "moment"),
    [
        ("2024-02-29", datetime.date(2024, 2, 29), datetime.datetime(2024, 2, 29)),
        ("0001-01-01", datetime.date(1, 1, 1), datetime.datetime(1, 1, 1)),
        ("9999-12-31", datetime.date(9999, 12, 31), datetime.datetime(9999, 12, 31)),
        ("2000-02-29 10:01:02", datetime.date(2000, 2, 29), datetime.datetime(2000, 2, 29, 10, 1, 2)),
        ("2011-01-18T10:01", datetime.date(2011, 1, 18), datetime.datetime(2011, 1, 18, 10, 1)),
        ("2011-01-18 10:01:00.25", datetime.date(2011, 1, 18), datetime.datetime(2011, 1, 18, 10, 1, 0, 250_000)),
        (
            "2011-01-18 10:01:00.123456789",
            datetime.date(2011, 1, 18),
            datetime.datetime(2011, 1, 18, 10, 1, 0, 123_456),
        ),
        ("2011-01-18 10:01:00+05:30", datetime.date(2011, 1, 18), datetime.datetime(2011, 1, 18, 4, 31)),
        ("2011-01-18 10:01:00-02", datetime.date(2011, 1, 18), datetime.datetime(2011, 1, 18, 12, 1)),
        ("2011-01-18T10:01:00z", datetime.date(2011, 1, 18), datetime.datetime(2011, 1, 18, 10, 1)),
        ("infinity", "not_convertible", "not_convertible"),
        ("-infinity", "not_convertible", "not_convertible"),
        ("2024-02-30", "not_convertible", "not_convertible"),
        ("2023-02-29", "not_convertible", "not_convertible"),
        ("1900-02-29", "not_convertible", "not_convertible"),
        ("2024-13-01", "not_convertible", "not_convertible"),
        ("2024-04-31", "not_convertible", "not_convertible"),
        ("2024-1-1", "not_convertible", "not_convertible"),
        ("0000-01-01", "not_convertible", "not_convertible"),
        ("12024-01-01", "not_convertible", "not_convertible"),
        ("0044-03-15 BC", "not_convertible", "not_convertible"),
        ("2024-01-01 25:00", "not_convertible", "not_convertible"),
        ("1890-01-01 00:00:00+00:19:32", "not_convertible", "not_convertible"),
        ("soon", "wrong_type", "wrong_type"),
        ("20240101", "wrong_type", "wrong_type"),
        ("", "missing_value", "missing_value"),
    ],
)
def test_text_as_a_date(text: str, date: Any, moment: Any) -> None:
    """Impossible dates are rejected before the cast; zones become UTC."""
    assert outcomes({"type": "date"}, pa.array([text])) == [date]
    assert outcomes({"type": "timestamp"}, pa.array([text])) == [moment]


def test_a_moment_that_utc_moves_out_of_the_calendar_is_not_convertible() -> None:
    values = pa.array(["0001-01-01 00:00:00+14", "9999-12-31 23:59:59-12", "2024-01-01 00:00:00+14"])
    assert outcomes({"type": "timestamp"}, values) == [
        "not_convertible",
        "not_convertible",
        datetime.datetime(2023, 12, 31, 10),
    ]


@pytest.mark.parametrize(
    ("values", "number", "integer"),
    [
        (pa.array([7], pa.int16()), 7.0, 7),
        (pa.array([7], pa.int32()), 7.0, 7),
        (pa.array([2**64 - 1], pa.uint64()), float(2**64 - 1), "not_convertible"),
        (pa.array([25.0], pa.float32()), 25.0, 25),
        (pa.array([25.5]), 25.5, "wrong_type"),
        (pa.array([1e300]), 1e300, "not_convertible"),
        (pa.array([2.0**63]), 2.0**63, "not_convertible"),
        (pa.array([-(2.0**63)]), -(2.0**63), -(2**63)),
        (pa.array([math.nan]), "not_finite", "not_finite"),
        (pa.array([-math.inf]), "not_finite", "not_finite"),
        (pa.array([None], pa.float64()), "missing_value", "missing_value"),
        (pa.nulls(1), "missing_value", "missing_value"),
        (pa.array([True]), "wrong_type", "wrong_type"),
        (pa.array([None], pa.bool_()), "missing_value", "missing_value"),
        (pa.array([Decimal("12.50")]), 12.5, "wrong_type"),
        (pa.array([datetime.date(2024, 1, 1)]), "wrong_type", "wrong_type"),
        (pa.array(["12"], pa.large_string()), 12.0, 12),
        (pa.array(["12"], pa.string_view()), 12.0, 12),
        (pa.array(["12"]).dictionary_encode(), 12.0, 12),
    ],
)
def test_native_values_as_a_number(values: pa.Array, number: Any, integer: Any) -> None:
    """Every Arrow type that a warehouse delivers converts or is rejected."""
    assert outcomes({"type": "number"}, values) == [number]
    assert outcomes({"type": "integer"}, values) == [integer]


def test_native_dates_and_timestamps() -> None:
    day = datetime.date(2024, 2, 29)
    moment = datetime.datetime(2024, 2, 29, 10)
    infinity = pa.array([2**31 - 1], pa.int32()).cast(pa.date32())
    assert outcomes({"type": "date"}, pa.array([day, None])) == [day, "missing_value"]
    assert outcomes({"type": "timestamp"}, pa.array([day])) == [datetime.datetime(2024, 2, 29)]
    assert outcomes({"type": "date"}, infinity) == ["not_convertible"]
    assert outcomes({"type": "timestamp"}, infinity) == ["not_convertible"]
    for unit in ("s", "ms", "us", "ns"):
        values = pa.array([moment], pa.timestamp(unit))
        assert outcomes({"type": "timestamp"}, values) == [moment]
        assert outcomes({"type": "date"}, values) == [day]
    eternity = pa.array([2**63 - 1], pa.int64()).cast(pa.timestamp("us"))
    assert outcomes({"type": "timestamp"}, eternity) == ["not_convertible"]
    zoned = pa.array([moment], pa.timestamp("us", "Asia/Kolkata"))
    assert outcomes({"type": "timestamp"}, zoned) == [moment]


def test_text_columns_take_every_value_and_call_blanks_missing() -> None:
    assert outcomes({"type": "text"}, pa.array(["a", " b ", "", " ", None])) == ["a", " b ", *["missing_value"] * 3]
    assert outcomes({"type": "text", "missing": "allow"}, pa.array(["a", "", None])) == ["a", None, None]
    assert outcomes({"type": "text"}, pa.array([1, None])) == ["1", "missing_value"]
    assert outcomes({"type": "text"}, pa.array([True])) == ["true"]
    assert outcomes({"type": "text"}, pa.array([datetime.date(2024, 1, 1)])) == ["2024-01-01"]


def test_a_list_is_refused_as_a_column() -> None:
    with pytest.raises(DataError, match=r"list<item: int64>, which holds no single value; select it as text"):
        outcomes({"type": "text"}, pa.array([[1]]))


@pytest.mark.parametrize("kind", ["number", "integer"])
def test_ranges_include_their_limits(kind: str) -> None:
    column = {"type": kind, "range": [0, 120]}
    assert outcomes(column, pa.array([-1, 0, 120, 121])) == ["out_of_range", 0, 120, "out_of_range"]
    assert outcomes(column, pa.array([0.0, -0.0, 120.0, None])) == [0, 0, 120, "missing_value"]
    assert outcomes(column, pa.array(["-1", "120"])) == ["out_of_range", 120]
    assert outcomes({"type": kind, "range": [None, 5]}, pa.array([-(10**9), 6])) == [-(10**9), "out_of_range"]
    assert outcomes({"type": "bigint", "range": [0.5, 1.5]}, pa.array([0, 1, 2])) == ["out_of_range", 1, "out_of_range"]


def test_minus_zero_becomes_zero() -> None:
    parts = split(rows_of(pa.array([-0.0])), contract_of({"type": "number", "range": [0, None]}))
    assert math.copysign(1, parts.valid["value"][0].as_py()) == 1


def test_a_missing_value_is_rejected_allowed_or_filled() -> None:
    values = pa.array(["", None, "x", "7"])
    rejected = ["missing_value", "missing_value", "wrong_type", 7.0]
    assert outcomes({"type": "number"}, values) == rejected
    assert outcomes({"type": "number", "missing": "allow"}, values) == [None, None, "wrong_type", 7.0]
    assert outcomes({"type": "number", "missing": 3.5}, values) == [3.5, 3.5, "wrong_type", 7.0]
    assert outcomes({"type": "integer", "missing": 3}, pa.array([None, 4], pa.int32())) == [3, 4]


@pytest.mark.parametrize("role", ["profile", "protected"])
@pytest.mark.parametrize("kind", ["number", "text", "date"])
def test_what_only_describes_rejects_nobody_by_being_empty(role: str, kind: str) -> None:
    """No distance is made of it; a value that is there and wrong is a mistake all the same."""
    column = Column.model_validate({"role": role, "type": kind})
    assert column.missing == "allow"
    rows = rows_of(pa.array(["", None, "long ago"]))
    columns = {**contract_of({"type": "text"}).columns, "value": column}
    parts = split(rows, Contract.model_validate({"table": "t", "columns": columns}))
    assert parts.valid["value"].to_pylist() == [None, None, *(["long ago"] if kind == "text" else [])]
    assert [row["reason"] for row in parts.rejected.to_pylist()] == ([] if kind == "text" else ["wrong_type"])


def test_filled_values_of_valid_customers_are_counted() -> None:
    """Each column apart, and 0 where none was missing: of a rejected row nothing was filled in."""
    columns = {
        "id": {"type": "bigint", "role": "key"},
        "visits": {"type": "integer", "role": "cluster", "missing": 0},
        "spent": {"type": "number", "role": "cluster", "missing": "median"},
        "age": {"type": "integer", "role": "cluster", "missing": 1},
        "note": {"type": "text", "role": "profile"},
    }
    contract = Contract.model_validate({"table": "t", "columns": columns})
    rows = pa.RecordBatch.from_pydict(
        {
            "id": ["1", "2", None, "4"],
            "visits": ["", None, None, "7"],
            "spent": ["1.5", "", "", "2"],
            "age": ["1", "2", "3", "4"],
            "note": [None] * 4,
        }
    )
    parts = split(rows, contract)
    assert parts.filled == {"visits": 2, "spent": 1, "age": 0}
    assert parts.valid["visits"].to_pylist() == [0, 0, 7]
    assert parts.valid["spent"].to_pylist() == [1.5, None, 2.0]
    whole = split(rows.take(pa.array([0, 1, 3])), contract)
    assert whole.filled == parts.filled
    strict = split(rows, contract.requiring(["spent", "visits"]))
    assert strict.rejected["column_name"].to_pylist() == ["spent", "id"]
    assert strict.filled == {"visits": 1, "age": 0}


def test_valid_rows_have_one_schema(configuration: Configuration) -> None:
    """Only what may be missing is nullable, whatever arrives, and even when nothing does."""
    schema = valid_schema(configuration.contract)
    assert schema == pa.schema(
        [
            pa.field("customer_id", pa.int64(), nullable=False),
            pa.field("age", pa.int64(), nullable=False),
            pa.field("gender", pa.string()),
            pa.field("annual_income", pa.float64(), nullable=False),
            pa.field("spending_score", pa.float64(), nullable=False),
        ]
    )
    rows = pa.RecordBatch.from_pylist([GOOD, {**GOOD, "age": None}])
    for part in (rows, rows.slice(0, 0), rows.slice(1, 1), rows.cast(text_schema(rows))):
        parts = split(part, configuration.contract)
        assert parts.valid.schema == schema
        assert parts.rejected.schema == REJECTED


def text_schema(rows: pa.RecordBatch) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in rows.schema.names])


def test_a_row_is_rejected_once_with_its_first_fault(configuration: Configuration) -> None:
    """Faults are looked for in the contract's order, not that of the rows' columns."""
    rows = pa.RecordBatch.from_pylist(
        [
            {"spending_score": 101.0, "annual_income": math.nan, "gender": None, "age": 30, "customer_id": 1},
            GOOD,
            {**GOOD, "customer_id": None, "age": 200},
            {**GOOD, "customer_id": 3, "spending_score": None},
            {**GOOD, "customer_id": 4, "age": 121},
            {**GOOD, "customer_id": 5, "annual_income": -math.inf},
        ]
    )
    parts = split(rows, configuration.contract)
    assert parts.valid.to_pylist() == [GOOD]
    assert [tuple(row.values()) for row in parts.rejected.to_pylist()] == [
        ("1", "not_finite", "annual_income", "nan"),
        (None, "missing_key", "customer_id", None),
        ("3", "missing_value", "spending_score", None),
        ("4", "out_of_range", "age", "121"),
        ("5", "not_finite", "annual_income", "-inf"),
    ]


def test_rejected_values_are_cut() -> None:
    parts = split(rows_of(pa.array(["ä" * 300])), contract_of({"type": "number"}))
    assert parts.rejected["value"].to_pylist() == ["ä" * 200]


def test_every_row_of_a_duplicated_key_is_rejected(configuration: Configuration) -> None:
    rows = pa.RecordBatch.from_pylist([{**GOOD, "customer_id": key} for key in (1, 2, 1, 3, None)])
    parts = split(rows, configuration.contract, duplicated=pa.array([1, 9]))
    assert parts.valid["customer_id"].to_pylist() == [2, 3]
    assert [tuple(row.values())[:2] for row in parts.rejected.to_pylist()] == [
        ("1", "duplicate_key"),
        ("1", "duplicate_key"),
        (None, "missing_key"),
    ]
    nothing = split(rows, configuration.contract, duplicated=pa.array([], pa.int64()))
    assert nothing.valid.num_rows == 4


def test_text_keys_stay_as_they_are() -> None:
    keys = pa.array([" a", "A", "", "  ", None, "a", "a"])
    parts = split(rows_of(pa.array([1] * 7), keys), contract_of({"type": "number"}, "text"), duplicated=pa.array(["a"]))
    assert parts.valid["id"].to_pylist() == [" a", "A"]
    assert [(row["customer_id"], row["reason"]) for row in parts.rejected.to_pylist()] == [
        *[(None, "missing_key")] * 3,
        *[("a", "duplicate_key")] * 2,
    ]


def test_bigint_keys_that_are_no_numbers_are_rejected_under_their_own_text() -> None:
    keys = pa.array(["7", "x1", "8.5", "9223372036854775808"])
    parts = split(rows_of(pa.array([1] * 4), keys), contract_of({"type": "number"}))
    assert parts.valid["id"].to_pylist() == [7]
    assert [tuple(row.values()) for row in parts.rejected.to_pylist()] == [
        ("x1", "wrong_type", "id", "x1"),
        ("8.5", "wrong_type", "id", "8.5"),
        ("9223372036854775808", "not_convertible", "id", "9223372036854775808"),
    ]


@pytest.mark.parametrize("key_type", ["bigint", "text", "uuid"])
def test_keys_are_never_stripped(key_type: str) -> None:
    """With spaces around it, a text is another key and a number or a UUID is none; what is only spaces is missing."""
    key = {"bigint": "42", "text": "A", "uuid": "12aac85f-6d9d-4f20-92cc-64d65c6e6d6a"}[key_type]
    written = [key, f" {key}", f"{key}\t", "  "]
    parts = split(rows_of(pa.array([1] * 4), pa.array(written)), contract_of({"type": "number"}, key_type))
    text = key_type == "text"
    assert [str(one) for one in parts.valid["id"].to_pylist()] == (written[:3] if text else [key])
    assert parts.rejected["reason"].to_pylist() == [*([] if text else ["wrong_type"] * 2), "missing_key"]


def test_uuid_keys_are_written_as_postgresql_does() -> None:
    key = uuid.UUID("12aac85f-6d9d-4f20-92cc-64d65c6e6d6a")
    contract = contract_of({"type": "number"}, "uuid")
    written = [str(key), str(key).upper(), key.hex, f"{{{key}}}", f" {key} ", "", str(key)[:-1], "x" + str(key)[1:]]
    parts = split(rows_of(pa.array([1] * len(written)), pa.array(written)), contract)
    assert parts.valid["id"].to_pylist() == [str(key)] * 4
    assert parts.rejected["reason"].to_pylist() == ["wrong_type", "missing_key", "wrong_type", "wrong_type"]
    for kind in (pa.binary(16), pa.uuid()):
        binary = pa.array([b"\0" * 16, key.bytes, None, key.bytes], pa.binary(16)).cast(kind).slice(1)
        parts = split(rows_of(pa.array([1, 1, None]), binary), contract)
        assert parts.valid["id"].to_pylist() == [str(key)]
        assert [tuple(row.values()) for row in parts.rejected.to_pylist()] == [
            (None, "missing_key", "id", None),
            (str(key), "missing_value", "value", None),
        ]


def test_factors_bring_values_into_the_contracts_unit() -> None:
    """Ranges hold after the multiplication; a value that is not finite after it is rejected."""
    contract = contract_of({"type": "number", "range": [0, 100_000]})
    values = pa.array(["15", "101", "x", None, "1e308"])
    parts = split(rows_of(values), contract, Reading(factors={"value": 1000.0}))
    assert parts.valid["value"].to_pylist() == [15_000.0]
    assert [(row["reason"], row["value"]) for row in parts.rejected.to_pylist()] == [
        ("out_of_range", "101"),
        ("wrong_type", "x"),
        ("missing_value", None),
        ("not_finite", "1e308"),
    ]
    months = split(
        rows_of(pa.array([1.5, 1.51, None])), contract_of({"type": "integer"}), Reading(factors={"value": 12.0})
    )
    assert months.valid["value"].to_pylist() == [18]
    assert months.rejected["reason"].to_pylist() == ["wrong_type", "missing_value"]


def test_a_filled_value_is_not_multiplied() -> None:
    contract = contract_of({"type": "number", "missing": 5})
    parts = split(rows_of(pa.array([None, 2.0])), contract, Reading(factors={"value": 10.0}))
    assert parts.valid["value"].to_pylist() == [
        5,
        20,
    ]


def test_a_missing_column_is_named(configuration: Configuration) -> None:
    rows = pa.RecordBatch.from_pylist([{"customer_id": 1, "age": 2}])
    with pytest.raises(DataError, match="no column gender, annual_income, spending_score; they have customer_id, age"):
        split(rows, configuration.contract)


anything = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(repr),
    st.decimals().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.datetimes(timezones=st.timezones()).map(str),
    st.uuids().map(str),
    st.from_regex(r"[+-]?[0-9]{0,25}\.?[0-9]{0,5}([eE][+-]?[0-9]{1,4})?", fullmatch=True),
    st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?)?", fullmatch=True),
    st.sampled_from(["", " ", "NaN", "-Infinity", "1e400", "infinity", "0x10", "1_000", "2024-02-30"]),
)
EVERY_TYPE = Contract.model_validate(
    {
        "table": "t",
        "columns": {
            "k": {"type": "text", "role": "key"},
            "b": {"type": "bigint", "role": "profile", "missing": "allow"},
            "n": {"type": "number", "role": "cluster", "range": [-1000, None], "missing": 0},
            "t": {"type": "text", "role": "profile", "missing": "reject"},
            "u": {"type": "uuid", "role": "profile", "missing": "allow"},
            "d": {"type": "date", "role": "profile", "missing": "allow"},
            "m": {"type": "timestamp", "role": "profile", "missing": "allow"},
        },
    }
)


def text_rows(columns: Iterable[Iterable[str | None]]) -> pa.RecordBatch:
    arrays = [pa.array(list(column), pa.string()) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, names=list(EVERY_TYPE.used))


any_rows = given(st.lists(st.tuples(*[anything] * 7), max_size=20), st.integers(0, 20), st.booleans())


@settings(max_examples=200 if settings.get_current_profile_name() == "search" else 40, deadline=None)
@any_rows
def test_any_text_splits_and_pieces_split_as_the_whole(
    rows: list[tuple[str | None, ...]], cut: int, duplicates: bool
) -> None:
    """No value raises; valid and rejected rows add up; a row's fate does not depend on its neighbours."""
    _split_in_pieces(rows, cut, duplicates)


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@any_rows
def test_two_hundred_tables_split_and_pieces_split_as_the_whole(
    rows: list[tuple[str | None, ...]], cut: int, duplicates: bool
) -> None:
    """The same with more of them."""
    _split_in_pieces(rows, cut, duplicates)


def _split_in_pieces(rows: list[tuple[str | None, ...]], cut: int, duplicates: bool) -> None:
    whole = text_rows(zip(*rows, strict=True) if rows else [[]] * 7)
    duplicated = whole["k"].slice(0, 2).drop_null() if duplicates else None
    parts = split(whole, EVERY_TYPE, duplicated=duplicated)
    assert parts.valid.num_rows + parts.rejected.num_rows == len(rows)
    parts.valid.validate(full=True)
    parts.valid.to_pylist()
    for field in parts.valid.schema:
        assert field.nullable or not parts.valid[field.name].null_count
    pieces = [split(piece, EVERY_TYPE, duplicated=duplicated) for piece in (whole.slice(0, cut), whole.slice(cut))]
    assert pa.Table.from_batches([piece.valid for piece in pieces]) == pa.Table.from_batches([parts.valid])
    assert pa.Table.from_batches([piece.rejected for piece in pieces]) == pa.Table.from_batches([parts.rejected])


native = st.one_of(
    st.lists(st.none() | st.floats(), min_size=1, max_size=30).map(lambda values: pa.array(values, pa.float64())),
    st.lists(st.none() | st.floats(width=32), min_size=1, max_size=30).map(lambda v: pa.array(v, pa.float32())),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=30).map(
        lambda v: pa.array(v, pa.int64())
    ),
    st.lists(st.none() | st.booleans(), min_size=1, max_size=30).map(lambda values: pa.array(values, pa.bool_())),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30).map(
        lambda v: pa.array(v, pa.int64()).view(pa.timestamp("ns"))
    ),
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=30).map(
        lambda v: pa.array(v, pa.int64()).view(pa.timestamp("s"))
    ),
    st.lists(st.integers(-(2**31), 2**31 - 1), max_size=30).map(lambda v: pa.array(v, pa.int32()).view(pa.date32())),
)


@settings(max_examples=200, deadline=None)
@given(native, st.sampled_from(["number", "integer", "date", "timestamp", "text"]), st.booleans())
def test_any_native_value_splits(values: pa.Array, kind: str, ranged: bool) -> None:
    """A number is valid exactly when it is present, finite and in range."""
    numeric = kind in ("number", "integer")
    contract = contract_of({"type": kind, "range": [-5, 1000]} if ranged and numeric else {"type": kind})
    parts = split(rows_of(values), contract)
    assert parts.valid.num_rows + parts.rejected.num_rows == len(values)
    parts.valid.validate(full=True)
    if kind == "number" and pa.types.is_floating(values.type):
        low, high = (-5, 1000) if ranged else (-math.inf, math.inf)
        good = [v for v in values.to_pylist() if v is not None and math.isfinite(v) and low <= v <= high]
        assert parts.valid["value"].to_pylist() == good


@pytest.mark.parametrize(
    ("pg_type", "number", "text"),
    [
        ("int2", False, True),
        ("bigint", False, True),
        ("float8", False, True),
        ("double precision", False, True),
        ("boolean", False, True),
        ("text", False, False),
        ("varchar", False, False),
        ("character varying(20)", False, False),
        ("character(10)", True, True),
        ("bpchar", True, True),
        ("numeric", True, True),
        ("numeric(10,2)", True, True),
        ("date", True, True),
        ("timestamp with time zone", True, True),
        ("uuid", True, True),
        ("mood", True, True),
        ("int4[]", True, True),
    ],
)
def test_what_is_selected_as_text(pg_type: str, number: bool, text: bool) -> None:
    """Only types that Arrow holds whole are read as they are; padding of fixed-width text goes with the cast."""
    assert source_cast(pg_type, Column(type="number", role="profile")) is number
    assert source_cast(pg_type, Column(type="text", role="profile")) is text


def test_headers_match_by_name_or_alias_in_any_case(configuration: Configuration) -> None:
    headers = ["CustomerID", "GENDER", " age ", "unused", "Annual Income (k$)", "spending score (1-100)"]
    found = match_headers(headers, configuration.contract)
    assert list(found) == list(configuration.contract.used)
    assert found["customer_id"] == ("CustomerID", 1.0)
    assert found["age"] == (" age ", 1.0)
    assert found["annual_income"] == ("Annual Income (k$)", 1000.0)


def test_headers_that_are_missing_or_there_twice_are_named(configuration: Configuration) -> None:
    with pytest.raises(
        DataError, match=r"no column for customer_id or CustomerID or Customer ID; age or Age; .*found x, y"
    ):
        match_headers(["x", "y"], configuration.contract)
    names = [*configuration.contract.used, "Annual Income"]
    with pytest.raises(DataError, match="annual_income is there twice: as 'annual_income' and as 'Annual Income'"):
        match_headers(names, configuration.contract)


def test_posted_records_are_read_like_rows(configuration: Configuration) -> None:
    """Names, units and values of JSON; what is unknown is left out, what is not there is missing."""
    records = [
        {"customer_id": 1, "age": 19, "gender": "Male", "annual_income": 15_000, "spending_score": 39},
        {"CustomerID": "2", "Age": 21.0, "Annual Income (k$)": 15, "Spending Score": "81.5", "other": [1]},
        {"customer_id": 3, "age": True, "gender": {"a": 1}, "annual_income": "much", "spending_score": None},
        {"customer_id": 4, "age": 4, "Annual Income (k$)": "much", "spending_score": float("nan")},
        {"customer_id": 2**80, "gender": "\ud800"},
        {},
    ]
    rows = read_records(records, configuration.contract)
    assert rows["gender"].to_pylist()[2:5] == ['{"a": 1}', None, "?"]
    parts = split(rows, configuration.contract)
    assert [tuple(row.values()) for row in parts.valid.to_pylist()] == [
        (1, 19, "Male", 15_000.0, 39.0),
        (2, 21, None, 15_000.0, 81.5),
    ]
    assert [tuple(row.values()) for row in parts.rejected.to_pylist()] == [
        ("3", "wrong_type", "age", "true"),
        ("4", "wrong_type", "annual_income", "much"),
        (str(2**80), "not_convertible", "customer_id", str(2**80)),
        (None, "missing_key", "customer_id", None),
    ]
    assert split(read_records([], configuration.contract), configuration.contract).valid.num_rows == 0


def test_a_record_that_names_a_column_twice_is_refused(configuration: Configuration) -> None:
    with pytest.raises(DataError, match="record 0 has age twice: as 'age' and as 'Age'; remove one"):
        read_records([{"age": 1, "Age": 2}], configuration.contract)


def test_what_postgresql_holds_is_read_and_never_raises(empty_warehouse: Warehouse) -> None:
    """A table of PostgreSQL's own types, with the values that a cast in SQL would trip over."""
    kinds = {
        "uuid": {"type": "uuid", "role": "key"},
        "small": {"type": "integer", "role": "profile"},
        "exact": {"type": "number", "role": "cluster", "range": [0, None]},
        "real": {"type": "number", "role": "cluster"},
        "day": {"type": "date", "role": "profile", "missing": "allow"},
        "zoned": {"type": "timestamp", "role": "profile", "missing": "allow"},
        "padded": {"type": "text", "role": "profile", "missing": "reject"},
        "flag": {"type": "text", "role": "profile"},
        "words": {"type": "integer", "role": "profile"},
    }
    contract = Contract.model_validate({"table": "people", "columns": kinds})
    key = "12aac85f-6d9d-4f20-92cc-64d65c6e6d6a"
    with closing(psycopg2.connect(empty_warehouse.uri)) as connection, connection.cursor() as cursor:
        cursor.execute("""
            create table people (
                uuid uuid, small smallint, exact numeric, real float4, day date, zoned timestamptz,
                padded char(5), flag boolean, words varchar(20)
            )""")
        good = [key, 7, "12.50", 0.5, "2024-02-29", "2024-02-29 10:00+02", "ab", True, " +8 "]
        changes: list[dict[int, str | None]] = [{}, {2: "1e400"}, {2: "NaN"}, {2: "-0.01"}, {3: "Infinity"}]
        changes += [{4: "infinity"}, {5: "-infinity"}]
        changes += [{4: "0044-03-15 BC"}, {4: None, 5: None}, {6: ""}, {8: "0x10"}, {0: None}]
        for change in changes:
            row = [change.get(place, value) for place, value in enumerate(good)]
            cursor.execute("insert into people values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", row)
        connection.commit()
    with empty_warehouse.transaction(read_only=True) as transaction:
        source = describe_source(transaction, contract)
        names = {
            "table": source.table,
            "columns": source.select_list(),
            "range": source.in_range(None, None, takes_null=True),
        }
        query = transaction.compose("source/rows", names)
    with ArrowConnection(empty_warehouse.uri, read_only=True) as reader:
        (batch,) = reader.batches(query)
    parts = split(batch, contract)
    moment = datetime.datetime(2024, 2, 29, 8)
    first = (key, 7, 12.5, 0.5, datetime.date(2024, 2, 29), moment, "ab", "true", 8)
    assert [tuple(row.values()) for row in parts.valid.to_pylist()] == [first, (*first[:4], None, None, *first[6:])]
    assert [(row["reason"], row["column_name"]) for row in parts.rejected.to_pylist()] == [
        ("not_convertible", "exact"),
        ("not_finite", "exact"),
        ("out_of_range", "exact"),
        ("not_finite", "real"),
        ("not_convertible", "day"),
        ("not_convertible", "zoned"),
        ("not_convertible", "day"),
        ("missing_value", "padded"),
        ("wrong_type", "words"),
        ("missing_key", "uuid"),
    ]


def test_faults_are_counted_in_every_column_and_blank_rows_once() -> None:
    """Two bad columns are both told of, also where a row is rejected for the first; a blank row lacks its key."""
    columns = {
        "id": Column(type="bigint", role="key"),
        "income": Column(type="number", role="cluster"),
        "enrolled": Column(type="date", role="profile"),
    }
    contract = Contract.model_validate({"table": "shop", "columns": columns})
    rows = pa.RecordBatch.from_pydict(
        {"id": ["1", None, "2"], "income": ["$5.00", None, "$6.00"], "enrolled": ["6/16/2014", None, "2026-01-31"]}
    )
    assert describe_rejections(split(rows, contract).faults, contract) == (
        "id is missing (allowed: a whole number), missing_key 1 row; "
        "income '$5.00' has the wrong type (allowed: a number), wrong_type 2 rows; "
        "enrolled '6/16/2014' has the wrong type (allowed: a date such as 2026-01-31, or nothing), wrong_type 1 row"
    )
