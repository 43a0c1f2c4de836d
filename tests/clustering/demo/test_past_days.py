"""The made-up days before today: a few changes a day, which add up."""

from __future__ import annotations

import pyarrow as pa
import pytest

from clustering.demo.generator import generate_customers
from clustering.demo.past_days import CHANGED, JOINED, LEFT, customers_before

ROWS = 5_000


@pytest.fixture(scope="module")
def today() -> pa.Table:
    return generate_customers(ROWS, seed=1, dirty_share=0)


def by_key(customers: pa.Table) -> dict[int, float]:
    """Return the spending scores by customer."""
    return dict(zip(customers["customer_id"].to_pylist(), customers["spending_score"].to_pylist(), strict=True))


def test_no_day_back_is_today(today: pa.Table) -> None:
    assert customers_before(today, 0, seed=1) == today


@pytest.mark.parametrize("days", [1, 6])
def test_each_day_a_few_change_join_and_leave(today: pa.Table, days: int) -> None:
    """Of each kind at most its share a day, and at least half of it: some change back or are drawn twice."""
    now, then = by_key(today), by_key(customers_before(today, days, seed=1))
    assert len(then) == customers_before(today, days, seed=1).num_rows
    changed = sum(now[key] != score for key, score in then.items() if key in now)
    for count, share in ((changed, CHANGED), (len(now.keys() - then), JOINED), (len(then.keys() - now), LEFT)):
        assert 0.5 * days * share * ROWS <= count <= days * share * ROWS


def test_a_day_back_adds_to_the_days_after_it(today: pa.Table) -> None:
    """The sixth day back is the fifth with one more day of changes, whoever asks first."""
    fifth, sixth = (by_key(customers_before(today, days, seed=1)) for days in (5, 6))
    assert sum(fifth.get(key) == score for key, score in sixth.items()) > 0.98 * ROWS
    assert by_key(customers_before(today, 6, seed=2)) != sixth


def test_dirty_rows_and_few_customers_have_days_before_them_too() -> None:
    for rows in (1, 40):
        assert customers_before(generate_customers(rows, seed=0), 6, seed=1).num_rows >= 1
