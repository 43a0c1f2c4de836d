"""Which averages, quartiles and extremes of a column are left out, because they would tell of too few customers.

People know how many customers are in each segment, the rounded average of each segment that has one, and that of all
customers, by every model. What they can say of an average that is left out follows from a sum: that of all customers,
less those of the other segments. Of each of these they know what rounding leaves of it. Three segments of one model:

              customers   average   sum lies between
    one            400       41.2   16,460 and 16,500
    two            300       38.9   11,655 and 11,685
    three            2       left out

The rule takes it that people know the sum of all customers exactly, whichever models and dates tell it. They then know
that of segment three within 35, and the average of its two customers within 17: nothing. Of four customers beside 90
and 8, in whole years, they would know it within one. Then segments go with it, the smallest first, until no average
that is left out is known within 10 %.

>>> def cell(customers, total, lowest, highest):
...     return Profile(customers, Fraction(total), lowest, highest)
>>> large = [cell(400, 16_480, 18, 90), cell(300, 11_670, 18, 90), cell(2, 82, 30, 52)]
>>> withheld(large, least=5, is_protected=True, is_whole=True)
[None, None, <Why.FEW: 1>]
>>> small = [cell(90, 3_708, 18, 90), cell(8, 312, 18, 90), cell(4, 164, 30, 52)]
>>> withheld(small, least=5, is_protected=True, is_whole=True)
[None, <Why.TOLD: 2>, <Why.FEW: 1>]

This holds date by date, so that dates taken together tell no more of an average of few that stays the same: whatever
each of them leaves open reaches beyond 10 % on either side, or to the least or greatest value of all customers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from enum import Enum
from fractions import Fraction
from typing import NamedTuple

from clustering.segments.profiles import Profile
from clustering.segments.rounding import rounded, rounded_from

QUARTILES_FROM = 20  # customers; the quartiles and extremes of five are their five values
NEAR = Fraction(1, 10)  # of an average: whoever knows it within this much has been told


class Why(Enum):
    """Why an average is left out."""

    NOBODY = 0
    FEW = 1
    TOLD = 2


class Room(NamedTuple):
    """How far the sum of a segment can lie below and above what it is, for all that people know."""

    below: Fraction
    above: Fraction


def withheld(cells: Sequence[Profile], *, least: int, is_protected: bool, is_whole: bool) -> list[Why | None]:
    """Return why the average of each segment of a model is left out, None for those that are published.

    `cells` hold one column, segment by segment. `is_protected` says that nobody reads the column customer by customer,
    so that what would tell of too few is left out too; `is_whole` that its values are whole numbers.
    """
    few = {place for place, cell in enumerate(cells) if 0 < cell.present < least}
    told = _told_by(cells, few, is_whole=is_whole) if few and is_protected else set[int]()
    return [
        Why.NOBODY if not cell.present else Why.FEW if place in few else Why.TOLD if place in told else None
        for place, cell in enumerate(cells)
    ]


def extremes_tell(models: Iterable[tuple[Sequence[Profile], Sequence[Why | None]]]) -> bool:
    """Return whether a least or greatest value of a protected column may be told to be one of too few customers'.

    `models` hold the segments of each model, and why their averages are left out. The greatest value that any model
    shows belongs to somebody whom a model leaves out where none of that model's own segments shows it. Both ends are
    left out together, so that nobody can tell which of them was at stake.
    """
    return any(_extremes_tell(cells, why) for cells, why in models if any(reason is Why.FEW for reason in why))


def _extremes_tell(cells: Sequence[Profile], why: Sequence[Why | None]) -> bool:
    held = [(cell, reason) for cell, reason in zip(cells, why, strict=True) if cell.present]
    shown = [cell for cell, reason in held if reason is None and cell.present >= QUARTILES_FROM]
    return not shown or _range(shown) != _range([cell for cell, _ in held])


def _told_by(cells: Sequence[Profile], few: set[int], *, is_whole: bool) -> set[int]:
    """Return the segments to leave out besides `few`: the smallest that do, without any that is not needed."""
    lowest, highest = _range([cell for cell in cells if cell.present])
    open_room = [Room(cell.total - cell.present * lowest, cell.present * highest - cell.total) for cell in cells]
    kept_room = [_room(cell, is_whole=is_whole) for cell in cells]

    def is_safe(hidden: set[int]) -> bool:
        rooms = [open_room[place] if place in hidden else kept_room[place] for place in range(len(cells))]
        below, above = sum(room.below for room in rooms), sum(room.above for room in rooms)
        return not any(
            _is_told(cells[place], Room(above - rooms[place].above, below - rooms[place].below), lowest, highest)
            for place in hidden
        )

    published = sorted(
        (place for place, cell in enumerate(cells) if cell.present and place not in few),
        key=lambda place: cells[place].present,
    )
    more: list[int] = []
    while len(more) < len(published) and not is_safe(few | {*more}):
        more.append(published[len(more)])
    for place in list(more):
        fewer = [other for other in more if other != place]
        if is_safe(few | {*fewer}):
            more = fewer
    return set(more)


def _is_told(cell: Profile, room: Room, lowest: Fraction, highest: Fraction) -> bool:
    """Return whether the sum of a segment is known too well; where all values are alike, nothing can be done."""
    least, most = cell.present * lowest, cell.present * highest
    low, high = max(cell.total - room.below, least), min(cell.total + room.above, most)
    # Of a column such as a year of birth everybody knows every average within 10 %: there, of what values differ by.
    near = NEAR * min(max(abs(low), abs(high)), most - least)
    own = NEAR * min(abs(cell.total), most - least)
    if least == most:
        return False
    is_near_below = low > least and cell.total - low <= own
    is_near_above = high < most and high - cell.total <= own
    return high - low <= 2 * near or is_near_below or is_near_above


def _room(cell: Profile, *, is_whole: bool) -> Room:
    """Return what the rounded average and the extremes of a segment leave open of its sum."""
    if not cell.present:
        return Room(Fraction(0), Fraction(0))
    lowest, highest = _range([cell])
    low, high = rounded_from(rounded(cell.total / cell.present) or 0.0)
    low, high = cell.present * max(low, lowest), cell.present * min(high, highest)
    if is_whole:
        low, high = Fraction(math.ceil(low)), Fraction(math.floor(high))
    return Room(cell.total - low, high - cell.total)


def _range(cells: Sequence[Profile]) -> tuple[Fraction, Fraction]:
    """Return the least and greatest value of some segments, of which each holds somebody with a value."""
    least = min(cell.minimum for cell in cells if cell.minimum is not None)
    greatest = max(cell.maximum for cell in cells if cell.maximum is not None)
    return Fraction(least), Fraction(greatest)
