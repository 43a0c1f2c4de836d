"""What rounded averages tell of those that are left out: a linear programme over everything that a dashboard reads.

Unknown is the sum of each segment of each model on each night. The sums of a model's segments are those of all
customers, which all models of a night share; a rounded average leaves an interval of a sum; every value lies within the
column's range. Whoever asks is told, too, which averages that are left out are the same on several nights.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import linprog

from clustering.segments.rounding import rounded_from


class Segment(NamedTuple):
    """Customers with a value, their published average, the true one, and whether they are the same on every night."""

    customers: int
    shown: float | None
    true: float
    is_same: bool


class Night(NamedTuple):
    """The segments of each model by their ids, what is shown of all customers, and the column's range."""

    models: dict[str, dict[int, Segment]]
    customers: int
    shown: float | None
    lowest: float
    highest: float


class Bounds(NamedTuple):
    """Which average was left out, of how many customers, what it is, and between which numbers it has to be."""

    model: str
    segment: int
    customers: int
    true: float
    low: float
    high: float


def told_within(nights: Sequence[Night], near: float, *, least: int, is_whole: bool) -> list[Bounds]:
    """Return the averages of fewer than `least` customers that are told within a share of what they are.

    Those of more customers are left out to protect these, and are nobody's secret: another night may show them. Those
    aside that the column's range tells on a night, as where all values are alike.
    """
    by_range = {
        (model, number, segment.true)
        for night in nights
        if night.highest - night.lowest <= 2 * near * max(abs(night.lowest), abs(night.highest))
        for model, segments in night.models.items()
        for number, segment in segments.items()
    }
    found = []
    for one in bounds(nights, is_whole=is_whole):
        edges = one.true - near * abs(one.true), one.true + near * abs(one.true)
        is_told = edges[0] <= one.low and one.high <= edges[1]
        if is_told and one.customers < least and (one.model, one.segment, one.true) not in by_range:
            found.append(one)
    return found


def bounds(nights: Sequence[Night], *, is_whole: bool) -> list[Bounds]:
    """Return what the figures of all nights say of each average that was left out on one."""
    places: dict[Any, int] = {}
    rows: list[dict[int, float]] = []
    for day, night in enumerate(nights):
        for model, segments in night.models.items():
            row = {places.setdefault((day, None), len(places)): -1.0}
            for number, segment in segments.items():
                place = places.setdefault(_unknown(day, model, number, segment), len(places))
                row[place] = 1.0 if segment.shown is not None else float(segment.customers)
            rows.append(row)
    limits = _limits(nights, places, is_whole=is_whole)
    coefficients = np.zeros((len(rows), len(places)))
    for line, row in enumerate(rows):
        coefficients[line, list(row)] = list(row.values())
    found = []
    for key, place in places.items():
        if key[1] is None or isinstance(key[0], int):
            continue
        goal = np.eye(1, len(places), place).ravel()
        ends = [
            linprog(sign * goal, A_eq=coefficients, b_eq=np.zeros(len(rows)), bounds=limits, method="highs")
            for sign in (1, -1)
        ]
        assert all(end.status == 0 for end in ends), ends[0].message
        _, model, number, true, customers, _ = key
        found.append(Bounds(model, number, customers, true, float(ends[0].fun or 0), -float(ends[1].fun or 0)))
    return found


def _unknown(day: int, model: str, number: int, segment: Segment) -> tuple[Any, ...]:
    """Return the sum of a published segment on a day, or an average left out, perhaps the same on several days."""
    if segment.shown is not None:
        return (day, model, number)
    return ("average", model, number, segment.true, segment.customers, None if segment.is_same else day)


def _limits(nights: Sequence[Night], places: dict[Any, int], *, is_whole: bool) -> list[tuple[float, float]]:
    limits = [(-math.inf, math.inf)] * len(places)
    for day, night in enumerate(nights):
        limits[places[day, None]] = _sum(night.customers, night.shown, night, is_whole=is_whole)
        for model, segments in night.models.items():
            for number, segment in segments.items():
                key = _unknown(day, model, number, segment)
                limits[places[key]] = (
                    _sum(segment.customers, segment.shown, night, is_whole=is_whole)
                    if segment.shown is not None
                    else (night.lowest, night.highest)
                )
    return limits


def _sum(customers: int, shown: float | None, night: Night, *, is_whole: bool) -> tuple[float, float]:
    low, high = (night.lowest, night.highest) if shown is None else map(float, rounded_from(shown))
    low, high = customers * max(low, night.lowest), customers * min(high, night.highest)
    return (math.ceil(low - 1e-9), math.floor(high + 1e-9)) if is_whole else (low, high)
