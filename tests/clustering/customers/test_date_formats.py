"""Dates as offices write them."""

import pyarrow as pa
import pytest

from clustering.config import DateOrder
from clustering.customers.date_formats import orders_that_fit, plain_dates


@pytest.mark.parametrize(
    ("written", "order", "read"),
    [
        (["31.12.2014", "1.2.2014"], "day-first", ["2014-12-31", "2014-02-01"]),
        (["6/16/2014", "2/1/2014"], "month-first", ["2014-06-16", "2014-02-01"]),
        (["16-06-2014 09:30", "1-2-2014 9:30:15"], "day-first", ["2014-06-16 09:30", "2014-02-01 09:30:15"]),
        (["6/16/2014 12:05 AM", "6/16/2014 1:05 pm"], "month-first", ["2014-06-16 00:05", "2014-06-16 13:05"]),
    ],
)
def test_the_order_follows_from_a_value_over_twelve_or_a_point(
    written: list[str], order: DateOrder, read: list[str]
) -> None:
    """One value is enough for the column."""
    assert orders_that_fit(pa.array(written)) == [order]
    assert plain_dates(pa.array(written), order).to_pylist() == read


def test_without_such_a_value_both_orders_are_told() -> None:
    """Nobody can know."""
    assert orders_that_fit(pa.array(["1/2/2014", "3/4/2014"])) == ["day-first", "month-first"]


def test_dates_with_the_year_first_need_no_order() -> None:
    """Whatever stands between its parts."""
    text = pa.array(["2014/6/1", "2014.12.31 10:00", "2014-1-2", "2014-06-01", "soon", None])
    assert orders_that_fit(text) == []
    assert plain_dates(text, "year-first").to_pylist() == [
        *("2014-06-01", "2014-12-31 10:00", "2014-01-02", "2014-06-01"),
        *("soon", None),
    ]
