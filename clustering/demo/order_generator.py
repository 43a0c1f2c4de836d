"""Made-up lines of orders: people come, buy in a rhythm of their own through the seasons, return things, stay away."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_Numbers: TypeAlias = NDArray[np.float64]
_Integers: TypeAlias = NDArray[np.int64]

HISTORY = 900  # days before the last one in which people have joined
DAY = 86_400_000_000  # microseconds
CATEGORIES = ("Kitchen", "Garden", "Toys", "Stationery", "Lighting", "Textiles")
PRODUCTS = 300
RETURNED, GUEST, TWICE, FREE, AHEAD = 0.04, 0.03, 0.005, 0.005, 0.0005  # shares of the lines


class _Habit(NamedTuple):
    share: float
    orders_a_year: float
    amount_of_an_order: float
    days_until_leaving: float  # on average


_HABITS = (
    _Habit(0.12, 26, 110, 1_500),
    _Habit(0.28, 9, 65, 500),
    _Habit(0.25, 4, 45, 250),
    _Habit(0.35, 1, 28, 60),
)
# How much is bought in a month, as a share of the most: quiet after the holidays and in summer.
_SEASON = np.array([0.55, 0.55, 0.65, 0.7, 0.75, 0.7, 0.6, 0.55, 0.75, 0.85, 1.0, 1.0])


def generate_order_lines(customers: int, *, last: date, seed: int) -> pa.Table:
    """Return lines of orders up to the day `last`, in the order of their times, the same for the same arguments.

    Columns: order_id, customer_id (text), ordered_at (by the shop's clock), product, category, amount. Some lines are
    returns, with a negative amount, some are guests', some stand there twice, cost nothing, or are dated after `last`.
    """
    random = np.random.default_rng(seed)
    end = int(np.datetime64(last, "us").astype(np.int64)) + DAY
    owner, moment = _orders(customers, end, random)
    lines = 1 + random.poisson(1.2, len(owner))
    order = np.repeat(np.arange(len(owner)), lines)
    product = np.minimum(random.zipf(1.3, len(order)), PRODUCTS) - 1
    amount = _amounts(owner, order, lines, random)
    table = _table(order + 100_001, owner[order], moment[order], product, amount)
    table = pa.concat_tables([table, _returns(table, end, random)])
    return _spoilt(table, random).sort_by([("ordered_at", "ascending"), ("order_id", "ascending")])


def _orders(customers: int, end: int, random: np.random.Generator) -> tuple[_Integers, _Integers]:
    """Return customer and moment of each order: the first on the day of joining, others until leaving."""
    habit = _habits(customers)
    joined = HISTORY * np.sqrt(random.random(customers)) - HISTORY  # days from the end; more people as time goes on
    stays = random.exponential([_HABITS[kind].days_until_leaving for kind in habit])
    span = np.minimum(stays, -joined)
    rate = np.array([_HABITS[kind].orders_a_year for kind in habit]) * random.gamma(6, 1 / 6, customers) / 365
    count = random.poisson(rate * span / _SEASON.mean())
    owner = np.repeat(np.arange(customers), count)
    day = np.floor(joined[owner] + random.random(len(owner)) * span[owner])
    kept = random.random(len(owner)) < _SEASON[_month(end, day)]
    owner = np.concatenate([np.arange(customers), owner[kept]])
    day = np.concatenate([np.floor(joined), day[kept]])
    hour = np.clip(random.normal(15, 4, len(owner)), 0, 23.99)
    return owner, end + (day * DAY).astype(np.int64) + (hour * DAY / 24).astype(np.int64) // 1_000_000 * 1_000_000


def _habits(customers: int) -> _Integers:
    shares = np.cumsum([habit.share for habit in _HABITS])
    places = (np.arange(customers) * 0.618034) % 1  # an even mixture at every length
    return np.searchsorted(shares, places, side="right").clip(max=len(_HABITS) - 1)


def _month(end: int, day: _Numbers) -> _Integers:
    moments = (end + (day * DAY).astype(np.int64)).astype("datetime64[us]")
    return moments.astype("datetime64[M]").astype(np.int64) % 12


def _amounts(owner: _Integers, order: _Integers, lines: _Integers, random: np.random.Generator) -> _Numbers:
    kinds = _habits(int(owner.max()) + 1)
    usual = np.array([_HABITS[kind].amount_of_an_order for kind in kinds]) * random.lognormal(0, 0.3, len(kinds))
    of_order = usual[owner] * random.lognormal(0, 0.35, len(owner)) / lines
    amounts: _Numbers = np.round(of_order[order] * random.lognormal(0, 0.3, len(order)), 2).clip(min=0.5)
    return amounts


def _table(order: _Integers, owner: _Integers, moment: _Integers, product: _Integers, amount: _Numbers) -> pa.Table:
    names = pa.array([f"P{place:03}" for place in range(PRODUCTS)])
    categories = pa.array([CATEGORIES[place % len(CATEGORIES)] for place in range(PRODUCTS)])
    return pa.table(
        {
            "order_id": pa.array(order).cast(pa.string()),
            "customer_id": pc.binary_join_element_wise(
                "C", pc.utf8_lpad(pa.array(owner + 1).cast(pa.string()), 6, "0"), ""
            ),
            "ordered_at": pa.array(moment.astype("datetime64[us]")),
            "product": names.take(pa.array(product)),
            "category": categories.take(pa.array(product)),
            "amount": pa.array(amount),
        }
    )


def _returns(lines: pa.Table, end: int, random: np.random.Generator) -> pa.Table:
    """Return lines that give some others back, days later and at the full price, as far as the days have come."""
    back = lines.filter(pa.array(random.random(lines.num_rows) < RETURNED))
    moments = back["ordered_at"].to_numpy().astype(np.int64) + random.integers(2, 21, back.num_rows) * DAY
    orders = pc.binary_join_element_wise("R", back["order_id"], "")
    back = back.set_column(0, "order_id", orders)
    back = back.set_column(2, "ordered_at", pa.array(moments.astype("datetime64[us]")))
    back = back.set_column(5, "amount", pc.negate(back["amount"]))
    return back.filter(pa.array(moments < end))


def _spoilt(lines: pa.Table, random: np.random.Generator) -> pa.Table:
    """Return the lines with what goes wrong in every shop."""
    rows = lines.num_rows
    guest, free, ahead = (pa.array(random.random(rows) < share) for share in (GUEST, FREE, AHEAD))
    customer = pc.if_else(guest, pa.scalar(None, pa.string()), lines["customer_id"])
    amount = pc.if_else(free, 0.0, lines["amount"])
    moments = lines["ordered_at"].to_numpy().astype(np.int64)
    wrong = np.where(ahead.to_numpy(zero_copy_only=False), moments + 3_650 * DAY, moments)  # a clock that is ahead
    lines = lines.set_column(1, "customer_id", customer).set_column(5, "amount", amount)
    lines = lines.set_column(2, "ordered_at", pa.array(wrong.astype("datetime64[us]")))
    return pa.concat_tables([lines, lines.filter(pa.array(random.random(rows) < TWICE))])
