"""Made-up lines of orders: the same each time, with seasons, people who stay away, and what goes wrong in shops."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from clustering.demo.order_generator import generate_order_lines

LAST = date(2026, 11, 28)


@pytest.fixture(scope="module")
def lines() -> pd.DataFrame:
    """Return the lines of a shop."""
    made: pd.DataFrame = generate_order_lines(3_000, last=LAST, seed=1).to_pandas()
    return made


def test_lines_are_the_same_for_the_same_arguments() -> None:
    made = [generate_order_lines(200, last=LAST, seed=seed) for seed in (1, 1, 2)]
    assert made[0].equals(made[1])
    assert not made[0].equals(made[2])


def test_orders_are_those_of_a_shop(lines: pd.DataFrame) -> None:
    """Some order often and most do not, an order has one customer and moment, and the season is before the holidays."""
    known = lines[lines["customer_id"].notna() & (lines["amount"] > 0) & (lines["ordered_at"].dt.date <= LAST)]
    assert known["customer_id"].nunique() > 2_900
    assert (known.groupby("order_id")[["customer_id", "ordered_at"]].nunique() == 1).all(axis=None)
    each = known.groupby("customer_id")["order_id"].nunique()
    assert each.median() < each.mean() < each.quantile(0.9)
    months = known[known["ordered_at"] >= "2025-11-01"].groupby(known["ordered_at"].dt.month)["order_id"].nunique()
    assert months[12] > 1.3 * months[1]


def test_what_goes_wrong_in_shops_is_there(lines: pd.DataFrame) -> None:
    """Returns after what they return, guests, lines twice, free ones, and some dated after the last day."""
    returns = lines[lines["amount"] < 0]
    assert returns["order_id"].str.startswith("R").all()
    assert 0.02 < len(returns) / len(lines) < 0.05
    assert lines["customer_id"].isna().any()
    assert lines.duplicated().any()
    assert (lines["amount"] == 0).any()
    assert 0 < (lines["ordered_at"].dt.date > LAST).sum() < len(lines) / 500
