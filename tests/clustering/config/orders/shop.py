"""Lines of orders with everything that goes wrong in them, and features of customers computed plainly by pandas."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

ZONE = "Europe/Berlin"
FIRST = pd.Timestamp("2025-09-01")
LAST_OF_ALL = 250  # days from the first on, with the changes of the clock in October and March
PRODUCTS: Any = ("a", "b", "c", "it's", None)
STATUSES: Any = ("paid", "sent", "test", "returned", None)


def generate_lines(rows: int, *, seed: int) -> pd.DataFrame:
    """Return lines of few customers and many shapes.

    Orders have several lines, some at midnight to the second; amounts are negative, 0 or missing; customers, order
    numbers, products and statuses are missing; lines stand there twice.
    """
    random = np.random.default_rng(seed)
    order = random.integers(1, rows // 2, rows)
    day = random.integers(0, LAST_OF_ALL, rows // 2)[order - 1]
    second = random.choice([0, 1, 3_600, 7_200, 43_200, 86_399], rows // 2)[order - 1]
    amount = random.choice(
        [-30.0, -0.01, 0.0, 0.1, 0.2, 9.99, 1_000.0, np.nan], rows, p=[0.1, 0.05, 0.05, *[0.19] * 4, 0.04]
    )
    lines = pd.DataFrame(
        {
            "line": np.arange(rows),
            "customer": pd.Series(random.integers(1, rows // 12, rows // 2)[order - 1]).astype("Int64"),
            "order": pd.Series(order).astype("Int64"),
            # In UTC; by the clock of Berlin an hour or two later.
            "time": FIRST + pd.to_timedelta(day, "D") + pd.to_timedelta(second, "s") - pd.Timedelta(hours=1),
            "amount": amount,
            "product": random.choice(PRODUCTS, rows),
            "category": random.choice(["x", "y"], rows),
            "status": random.choice(STATUSES, rows, p=[0.6, 0.1, 0.1, 0.1, 0.1]),
        }
    )
    lines.loc[random.random(rows) < 0.05, "customer"] = pd.NA
    lines.loc[random.random(rows) < 0.03, "order"] = pd.NA
    return pd.concat([lines, lines.sample(rows // 20, random_state=seed)], ignore_index=True)


def local_time(lines: pd.DataFrame, zone: str) -> pd.Series:
    """Return the times by the clock of a zone, without the zone."""
    local: pd.Series = lines["time"].dt.tz_localize("UTC").dt.tz_convert(zone).dt.tz_localize(None)
    return local


def plain_features(lines: pd.DataFrame, as_of: date, *, net: bool = True, days: int | None = None) -> pd.DataFrame:
    """Return the features of a date by customer, from lines that count and have `local` times.

    A customer whose lines are no purchases is there, with what can be counted.
    """
    end = pd.Timestamp(as_of) + timedelta(days=1)
    known = lines[lines["customer"].notna() & (lines["local"] < end)]
    customers = {customer: _of_customer(own, as_of, net=net, days=days) for customer, own in known.groupby("customer")}
    return pd.DataFrame.from_dict(customers, orient="index")


def _of_customer(lines: pd.DataFrame, as_of: date, *, net: bool, days: int | None) -> dict[str, Any]:
    day = lines["local"].dt.normalize()
    today = pd.Timestamp(as_of)
    if days is not None:
        lines, day = lines[day > today - timedelta(days=days)], day[day > today - timedelta(days=days)]
    bought, returned = lines[lines["amount"] > 0], lines[lines["amount"] < 0]
    orders = bought["order"].nunique()
    revenue = max(bought["amount"].sum() + (returned["amount"].sum() if net else 0), 0)
    first, last = day[bought.index].min(), day[bought.index].max()
    return {
        "recency_days": (today - last).days if len(bought) else np.nan,
        "tenure_days": (today - first).days if len(bought) else np.nan,
        "orders": orders,
        "revenue": revenue,
        "average_order": revenue / orders if orders else np.nan,
        "days_between_orders": (last - first).days / (orders - 1) if len(bought) and orders != 1 else np.nan,
        "active_months": day[bought.index].dt.to_period("M").nunique(),
        "distinct_products": bought["product"].nunique(),
        "distinct_categories": bought["category"].nunique(),
        "share_of_returns": min(-returned["amount"].sum() / bought["amount"].sum(), 1) if len(bought) else np.nan,
    }
