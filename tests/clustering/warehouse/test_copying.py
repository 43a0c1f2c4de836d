"""Rows arrive in a table as they are, whatever is in them."""

from __future__ import annotations

import uuid

import numpy as np
import psycopg2
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import sql

from clustering.errors import WarehouseError
from clustering.warehouse.copying import copy_binary, copy_text

LABELS, TEXT = "scoring/copy_labels", "scoring/copy_rejected"
TABLE = {"table": sql.Identifier("target")}
COLUMNS = "small smallint, middle integer, large bigint, single real, wide double precision, octets uuid"
# PostgreSQL's text holds everything but the zero character and single surrogates.
text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


def _rows(transaction, order="1"):
    return [tuple(row) for row in transaction.connection.exec_driver_sql(f"table target order by {order}")]


def test_every_fixed_width_arrives_as_it_was(empty_warehouse):
    """Extremes of each type, negative numbers and a UUID."""
    one, other = uuid.UUID(int=1), uuid.UUID(int=2**128 - 1)
    rows = pa.record_batch(
        {
            "small": pa.array([-(2**15), 2**15 - 1], pa.int16()),
            "middle": pa.array([-(2**31), 2**31 - 1], pa.int32()),
            "large": pa.array([-(2**63), 2**63 - 1], pa.int64()),
            "single": pa.array([-0.5, 0.25], pa.float32()),
            "wide": pa.array([-1.7e308, 5e-324], pa.float64()),
            "octets": pa.array([one.bytes, other.bytes], pa.binary(16)),
        }
    )
    with empty_warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"create table target ({COLUMNS})")
        assert copy_binary(transaction, LABELS, rows, TABLE) == 2
        assert copy_binary(transaction, LABELS, rows.slice(1), TABLE) == 1
        first, *rest = _rows(transaction)
    assert first == (-(2**15), -(2**31), -(2**63), -0.5, -1.7e308, one)
    assert rest == [(2**15 - 1, 2**31 - 1, 2**63 - 1, 0.25, 5e-324, other)] * 2


def test_columns_are_found_by_name(empty_warehouse):
    """The order of a batch's columns need not be the table's; no rows are no trouble."""
    rows = pa.record_batch({"b": pa.array([2], pa.int32()), "a": pa.array([1], pa.int64())})
    with empty_warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql("create table target (a bigint, b integer)")
        assert copy_binary(transaction, LABELS, rows, TABLE) == 1
        assert copy_binary(transaction, LABELS, rows.slice(1), TABLE) == 0
        assert _rows(transaction) == [(1, 2)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(text, min_size=1, max_size=20))
def test_text_after_fixed_columns(empty_warehouse, keys):
    """The last column may be text of any length."""
    rows = pa.record_batch({"place": pa.array(np.arange(len(keys), dtype=np.int32)), "key": pa.array(keys)})
    with empty_warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql("create temporary table target (key text, place integer) on commit drop")
        copy_binary(transaction, LABELS, rows, TABLE)
        copy_binary(transaction, LABELS, rows.slice(len(keys) - 1), TABLE)
        found = _rows(transaction, "place")
    assert found == [(key, place) for place, key in enumerate([*keys])] + [(keys[-1], len(keys) - 1)]


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(text, st.none() | text), min_size=1, max_size=20))
def test_text_format_keeps_every_character(empty_warehouse, values):
    r"""Tabs, line ends, backslashes, `\N`, `\.`, nothing and null are told apart."""
    values = [*values, ("\\N", None), ("\\.", ""), ("a\n\\.\nb", "\t\r\\"), ("\\t", "\\\\N")]
    rows = pa.record_batch([pa.array(column, pa.string()) for column in zip(*values, strict=True)], names=["a", "b"])
    with empty_warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql("create temporary table target (a text, b text) on commit drop")
        assert copy_text(transaction, TEXT, rows, TABLE) == len(values)
        found = _rows(transaction)
    assert sorted(found, key=str) == sorted(values, key=str)


def test_ended_session_is_worth_a_retry(empty_warehouse):
    """The server ends the session in the middle of a transaction: a transient error, and nothing is left."""
    rows = pa.record_batch({"a": pa.array(["x"])})
    with pytest.raises(WarehouseError), empty_warehouse.transaction() as transaction:  # noqa: PT012
        transaction.connection.exec_driver_sql("create table target (a text)")
        backend = transaction.connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        with empty_warehouse.autocommit() as other:
            other.connection.exec_driver_sql(f"select pg_terminate_backend({backend}, 5000)")
        copy_text(transaction, TEXT, rows, TABLE)
    with empty_warehouse.transaction() as transaction:
        assert transaction.connection.exec_driver_sql("select to_regclass('target')").scalar_one() is None


def test_table_that_does_not_fit_is_not_worth_a_retry(empty_warehouse):
    """What a retry cannot heal stays the database's own error."""
    rows = pa.record_batch({"nothing": pa.array([1], pa.int32())})
    with pytest.raises(psycopg2.errors.UndefinedColumn), empty_warehouse.transaction() as transaction:  # noqa: PT012
        transaction.connection.exec_driver_sql("create table target (a integer)")
        copy_binary(transaction, LABELS, rows, TABLE)
