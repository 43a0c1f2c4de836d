"""Single customers' values of now: by key, as a night reads them, and within a time."""

from __future__ import annotations

import time

import pytest

from clustering.errors import DataError, WarehouseError
from clustering.warehouse.customer_values import (
    MOST_KEYS,
    CustomerValues,
    TimeLimit,
    customer_values,
    first_customers,
)
from tests.faults.server import held
from tests.projects import Project


@pytest.fixture
def people(untrained: Project) -> Project:
    """Return a project with three customers, of whom one stands in two rows and one has no valid income."""
    untrained.sql(
        "create table customers"
        " (customer_id bigint, age integer, gender text, annual_income numeric, spending_score numeric)"
    )
    untrained.sql(
        "insert into customers (customer_id, age, gender, annual_income, spending_score)"
        " values (1, 30, 'x', 50000, 50), (2, 30, 'x', 1000, 10), (2, 30, 'x', 2000, 20), (3, 999, 'x', -5, 30)"
    )
    return untrained


def found(project: Project, *keys: str) -> CustomerValues:
    return customer_values(project.warehouse, project.configuration.contract, keys)


def test_customers_are_found_by_key_and_no_others(people: Project) -> None:
    """What has no row is left out."""
    looked_up = found(people, "1", "4")
    assert looked_up.rows.num_rows == 1
    assert looked_up.split().valid["annual_income"].to_pylist() == [50_000]
    assert found(people).rows.num_rows == 0


def test_key_in_two_rows_is_nobody_as_in_a_night(people: Project) -> None:
    """Neither row is taken for the customer."""
    parts = found(people, "1", "2").split()
    assert parts.valid["customer_id"].to_pylist() == [1]
    assert parts.rejected["reason"].to_pylist() == ["duplicate_key"] * 2


def test_fault_of_another_column_does_not_count(people: Project) -> None:
    """Rows are judged by the columns that are asked for alone."""
    looked_up = found(people, "3")
    assert looked_up.split(["spending_score"]).valid["spending_score"].to_pylist() == [30]
    assert looked_up.split(["annual_income"]).rejected["column_name"].to_pylist() == ["annual_income"]
    assert looked_up.split().rejected["column_name"].to_pylist() == ["age"]


def test_first_customers_are_those_of_a_training(people: Project) -> None:
    """Those whose keys have the smallest MD5: c4ca4238 is that of 1, c81e728d of 2, eccbc87e of 3."""
    contract, limit = people.configuration.contract, TimeLimit(5, 1)
    first = first_customers(people.warehouse, contract, at_most=3, limit=limit)
    assert first.rows["customer_id"].to_pylist() == [1, 2, 2]
    assert first.split().valid["customer_id"].to_pylist() == [1]


def test_empty_table_has_nobody(people: Project) -> None:
    """That there are no rows is no fault of the table."""
    people.sql("delete from customers")
    assert found(people, "1").rows.num_rows == 0
    people.sql("drop table customers")
    with pytest.raises(DataError, match=r"public\.customers does not exist"):
        found(people, "1")


def test_locked_table_is_waited_for_no_longer_than_the_limit(people: Project) -> None:
    """A lock that is held ends the look-up by an error that may pass."""
    contract, started = people.configuration.contract, time.monotonic()
    with (
        held(people.warehouse.uri, "lock table customers in access exclusive mode"),
        pytest.raises(WarehouseError, match="lock timeout"),
    ):
        customer_values(people.warehouse, contract, ["1"], limit=TimeLimit(5, 0.2))
    assert time.monotonic() - started < 5


def test_more_keys_than_a_thousand_are_refused(people: Project) -> None:
    """A look-up is no way to read a table."""
    with pytest.raises(ValueError, match="1001 keys; at most 1000"):
        found(people, *map(str, range(MOST_KEYS + 1)))
