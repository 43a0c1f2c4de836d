"""Made-up customers for the default contract: five groups as in the Mall table, and some rows of every kind of dirt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_Integers: TypeAlias = NDArray[np.int64]


class _Group(NamedTuple):
    share: float
    income: tuple[float, float]  # mean and standard deviation, as of score and age
    score: tuple[float, float]
    age: tuple[float, float]


_GROUPS = (
    _Group(0.195, (86_500, 8_500), (82.0, 5.5), (33, 4)),
    _Group(0.405, (55_000, 6_500), (49.5, 5.0), (43, 16)),
    _Group(0.115, (26_000, 5_500), (21.0, 6.0), (45, 13)),
    _Group(0.175, (88_000, 9_000), (17.0, 5.5), (41, 11)),
    _Group(0.110, (26_000, 5_500), (79.0, 6.0), (25, 5)),
)
_BAD_VALUES: dict[str, tuple[str | float | None, ...]] = {
    "customer_id": (None,),
    "age": ("forty", "unknown", "25.5", "190", "99999999999999999999"),
    "annual_income": (None, float("nan"), float("inf"), -1200.0),
    "spending_score": (None, 0.0, 101.0),
}
_DIRT = [(column, value) for column, values in _BAD_VALUES.items() for value in values]


def generate_customers(rows: int, *, seed: int, dirty_share: float = 0.02) -> pa.Table:
    """Return `rows` customers with the default contract's columns, the same for the same arguments.

    A share of `dirty_share` is to be rejected: in equal parts for the key of another such row and for each bad value.
    `age` is text, as in a table that a form fills, because no other type can hold them all.
    """
    random = np.random.default_rng(seed)
    customers = _clean(rows, random)
    dirty = random.permutation(rows)[: round(rows * dirty_share)]
    repeated, *places = np.array_split(dirty, 1 + len(_DIRT))
    customers["customer_id"] = _repeat(customers["customer_id"], repeated)
    for (column, value), place in zip(_DIRT, places, strict=True):
        spoilt = np.zeros(rows, dtype=np.bool_)
        spoilt[place] = True
        values = customers[column]
        customers[column] = pc.if_else(pa.array(spoilt), pa.scalar(value, values.type), values)
    return pa.table(customers)


def _clean(rows: int, random: np.random.Generator) -> dict[str, pa.Array]:
    group = random.choice(len(_GROUPS), size=rows, p=[group.share for group in _GROUPS])
    age = _normal(random, group, [group.age for group in _GROUPS], (18, 90)).round()
    income = _normal(random, group, [group.income for group in _GROUPS], (5_000, 200_000)).round(-2)
    score = _normal(random, group, [group.score for group in _GROUPS], (1, 100)).round()
    gender = random.choice(3, size=rows, p=[0.56, 0.43, 0.01])
    return {
        "customer_id": pa.array(np.arange(1, rows + 1)),
        "age": pa.array(age.astype(np.int64)).cast(pa.string()),
        "gender": pa.array(["Female", "Male", None]).take(pa.array(gender)),
        "annual_income": pa.array(income),
        "spending_score": pa.array(score),
    }


def _normal(
    random: np.random.Generator, group: _Integers, moments: Sequence[tuple[float, float]], limits: tuple[float, float]
) -> NDArray[np.float64]:
    """Return a normal value for each row's group, mirrored at the limits."""
    mean, deviation = np.array(moments).T
    values = random.normal(mean[group], deviation[group])
    low, high = limits
    mirrored: NDArray[np.float64] = high - np.abs(high - low - np.abs(values - low))
    return mirrored


def _repeat(keys: pa.Array, places: _Integers) -> pa.Array:
    """Give every second of these rows the key of the one before it."""
    repeated = keys.to_numpy().copy()
    firsts, seconds = places[: len(places) - 1 : 2], places[1::2]
    repeated[seconds] = repeated[firsts]
    return pa.array(repeated)
