"""Boxes of values: their thresholds rounded, in plain words, and as SQL."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Dialect, Text, and_, cast, false, func, literal, or_, true
from sqlalchemy import column as sql_column
from sqlalchemy.dialects import postgresql
from sqlalchemy.types import Float

from clustering.algorithms.base import FloatMatrix, FloatVector
from clustering.features.categories import NOT_GIVEN, spoken_level

MAY_CHANGE_SIDE = 0.001  # of all customers, for a threshold that reads better
MOST_DIGITS = 17  # significant ones; they tell every two doubles apart
WRITTEN_OUT_BELOW = 1e15

Bounds = tuple[float, float]


class Level(NamedTuple):
    """A column of 1 where a customer has this level of a category, 0 elsewhere."""

    column: str
    level: str


Columns = Sequence[str | Level]


@dataclass(frozen=True)
class Box:
    """Bounds of columns, by place: low < value <= high. A column without bounds is not in it."""

    bounds: tuple[tuple[int, Bounds], ...] = ()

    def up_to(self, place: int, threshold: float) -> Box:
        """Return the part where the column is at most the threshold."""
        low, high = self._of(place)
        return self._with(place, (low, min(high, threshold)))

    def above(self, place: int, threshold: float) -> Box:
        """Return the part where the column is above the threshold."""
        low, high = self._of(place)
        return self._with(place, (max(low, threshold), high))

    def holds(self, values: FloatMatrix) -> NDArray[np.bool_]:
        """Return which rows (n, d) lie in the box."""
        inside = np.ones(len(values), dtype=np.bool_)
        for place, (low, high) in self.bounds:
            inside &= (values[:, place] > low) & (values[:, place] <= high)
        return inside

    def join(self, other: Box) -> Box | None:
        """Return the box that is exactly the union of both, or None where there is none."""
        places = {place for place, _ in (*self.bounds, *other.bounds)}
        different = [place for place in places if self._of(place) != other._of(place)]
        if len(different) != 1:
            return None if different else self
        (low, high), (other_low, other_high) = self._of(different[0]), other._of(different[0])
        if max(low, other_low) > min(high, other_high):
            return None
        return self._with(different[0], (min(low, other_low), max(high, other_high)))

    def _of(self, place: int) -> Bounds:
        return dict(self.bounds).get(place, (-math.inf, math.inf))

    def _with(self, place: int, bounds: Bounds) -> Box:
        changed = {**dict(self.bounds), place: bounds}
        return Box(tuple(sorted(item for item in changed.items() if item[1] != (-math.inf, math.inf))))


def joined(boxes: Sequence[Box]) -> list[Box]:
    """Return fewer boxes with the same union, in their order.

    >>> joined([Box().up_to(0, 1.0), Box().above(0, 1.0).up_to(1, 5.0), Box().above(0, 1.0).above(1, 5.0)])
    [Box(bounds=())]
    """
    kept: list[Box] = []
    for box in boxes:
        for place, other in enumerate(kept):
            union = other.join(box)
            if union is not None:
                return joined([*kept[:place], union, *kept[place + 1 :], *boxes[len(kept) + 1 :]])
        kept.append(box)
    return kept


def round_threshold(column: FloatVector, *, below: NDArray[np.bool_], among: NDArray[np.intp]) -> float:
    """Return the number with the fewest digits that splits the rows `among` a column (n,) as `below` (n,) does.

    The split stays the same, or, where the gap between both sides is very small, no more than MAY_CHANGE_SIDE of all
    rows change the side. Rows at the threshold belong below it.
    """
    lower, upper = column[among[below[among]]], column[among[~below[among]]]
    if not len(lower) or not len(upper):  # an earlier rounding has moved all of the few rows there were
        return float(lower.max() if len(lower) else np.nextafter(upper.min(), -np.inf))
    low, high = float(lower.max()), float(upper.min())
    allowed = MAY_CHANGE_SIDE * len(column)
    for candidates in _roundings(low + (high - low) / 2):
        moved = {each: np.count_nonzero(lower > each) + np.count_nonzero(upper <= each) for each in candidates}
        best = min(candidates, key=lambda each: (moved[each], abs(each - low - (high - low) / 2)))
        if moved[best] <= allowed and moved[best] < min(len(lower), len(upper)):
            return best
    return low


def _roundings(value: float) -> list[tuple[float, float]]:
    """Return a number rounded down and up to one significant digit, to two, and so on."""
    exact = Decimal(value)
    steps = (Decimal(1).scaleb(exact.adjusted() - digits) for digits in range(MOST_DIGITS))
    return [(float(exact.quantize(step, ROUND_FLOOR)), float(exact.quantize(step, ROUND_CEILING))) for step in steps]


def in_words(box: Box, columns: Columns) -> str:
    """Return a box as a person would say it.

    >>> in_words(Box().above(0, 0.5), [Level("channel", "mobile app")])
    'channel is mobile app'
    >>> in_words(Box().up_to(0, 0.5), [Level("channel", "")])
    'channel is given'

    >>> in_words(Box().above(0, 70100.0).up_to(1, 60.5), ["annual_income", "spending_score"])
    'annual income above 70,100 and spending score up to 60.5'
    """
    if not box.bounds:
        return "every customer"
    return " and ".join(_part(columns[place], *bounds) for place, bounds in box.bounds)


def _part(column: str | Level, low: float, high: float) -> str:
    if isinstance(column, Level):
        if column.level == NOT_GIVEN:
            return f"{_title(column.column)} is {'given' if low == -math.inf else spoken_level(NOT_GIVEN)}"
        return f"{_title(column.column)} is {'not ' if low == -math.inf else ''}{spoken_level(column.level)}"
    return f"{_title(column)} {_limits(low, high)}"


def _title(column: str) -> str:
    return column.replace("_", " ").strip()


def _limits(low: float, high: float) -> str:
    if high == math.inf:
        return f"above {spoken_number(low)}"
    if low == -math.inf:
        return f"up to {spoken_number(high)}"
    return f"between {spoken_number(low)} and {spoken_number(high)}"


def spoken_number(value: float) -> str:
    """Return a number with all of its digits, in groups of three.

    >>> spoken_number(70100.0), spoken_number(0.25), spoken_number(1e30)
    ('70,100', '0.25', '1e+30')
    """
    if abs(value) >= WRITTEN_OUT_BELOW:
        return repr(value)
    return f"{int(value):,}" if value == int(value) else f"{Decimal(repr(value)):,f}"


def rounded_number(value: float) -> str:
    """Return a number as long as a sentence needs it: whole from 100 on, otherwise with two decimals at the most.

    >>> rounded_number(70123.4), rounded_number(0.256), rounded_number(-82.0), rounded_number(1.5e20)
    ('70,123', '0.26', '-82', '1.50e+20')
    """
    if abs(value) >= WRITTEN_OUT_BELOW:
        return f"{value:.2e}"
    return spoken_number(round(value, 0 if abs(value) >= 100 else 2))


def sql_predicate(boxes: Sequence[Box], columns: Columns, fills: Mapping[str, float]) -> str:
    """Return the union of boxes as a condition in PostgreSQL, with the columns quoted where they need it.

    `fills` holds the number that stands in a column for a missing value.

    >>> sql_predicate([Box().above(0, 70100.0), Box().up_to(1, 0.5)], ["annual_income", "order"], {"order": 0})
    'annual_income > 70100 OR coalesce("order", 0) <= 0.5'
    >>> sql_predicate([Box().above(0, 0.5)], [Level("channel", "app")], {})
    "CAST(channel AS TEXT) = 'app'"
    >>> sql_predicate([Box().up_to(0, 0.5)], [Level("channel", "app")], {})
    "CAST(channel AS TEXT) IS DISTINCT FROM 'app'"
    """
    condition = or_(false(), *(and_(true(), *_comparisons(box, columns, fills)) for box in boxes))
    dialect: Dialect = postgresql.dialect(paramstyle="named")  # type: ignore[no-untyped-call]
    return str(condition.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))


def _comparisons(box: Box, columns: Columns, fills: Mapping[str, float]) -> list[Any]:
    found = []
    for place, (low, high) in box.bounds:
        name = columns[place]
        if isinstance(name, Level):
            found.append(_is_level(name, is_so=low > -math.inf))
            continue
        column = sql_column(name, Float)
        value = func.coalesce(column, _literal(fills[name])) if name in fills else column
        if low > -math.inf:
            found.append(value > _literal(low))
        if high < math.inf:
            found.append(value <= _literal(high))
    return found


def _is_level(one: Level, *, is_so: bool) -> Any:
    """Return the condition that a customer has the level, or has not; what is blank has that of a missing value."""
    text = cast(sql_column(one.column), Text)
    if one.level == NOT_GIVEN:
        given = func.coalesce(func.trim(text), NOT_GIVEN)
        return given == NOT_GIVEN if is_so else given != NOT_GIVEN
    return text == one.level if is_so else text.is_distinct_from(one.level)


def _literal(value: float) -> Any:
    return literal(int(value) if value == int(value) and abs(value) < WRITTEN_OUT_BELOW else value)
