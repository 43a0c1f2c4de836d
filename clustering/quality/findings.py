"""Judge the figures of a night: what is a finding, what it means, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median
from typing import Literal

from clustering.config import Checks
from clustering.quality.allowances import (
    AGAIN,
    FEWEST_NIGHTS,
    Limit,
    PastFigure,
    limit_of_changes,
    limit_of_ratio,
    limit_of_share,
)
from clustering.quality.comparisons import DOUBLED, VANISHED, Figure, Key

Severity = Literal["hold", "warn"]
FEWEST_CHANGED = 10  # customers whose values usually change at least; of a Poisson number, none comes once in 22,000
Past = Mapping[Key, Sequence[PastFigure]]

_SETTINGS: Mapping[str, str] = {
    "gone": "max_gone_share",
    "new": "max_new_share",
    "rejected": "max_rejected_rise",
    "missing": "max_missing_rise",
    "distribution": "max_distribution_change",
    "precision": "max_distribution_change",
    "range": "max_distribution_change",
    "groups": "max_group_change",
    "moved": "max_moved_share",
    "rows": "max_row_change",
}
ADVICE: Mapping[str, str] = {
    "rows": "see whether the load of the source was complete, or ran twice",
    "gone": "see whether a part of the source is missing, or its keys are written otherwise",
    "new": "see whether rows came in twice under other keys, or keys are written otherwise",
    "rejected": "see rejected_customers for the rows and their values",
    "missing": "see whether the load filled the column, or writes another value where there is none",
    "distribution": "see whether the column's unit, meaning or source has changed",
    "precision": "see whether the column is rounded, cut to whole numbers or computed otherwise than before",
    "range": "see whether a unit has changed for some customers, or a join has added up what is not theirs",
    "groups": "see whether a part of the source is missing or came in twice",
    "moved": "see whether values stand with the right customers, and in the right columns",
    "changed": "see whether a column is of another day, or computed otherwise than before",
    "displaced": "see whether values stand with the right customers, and in the right columns",
    "uneven": "see whether a part of the source is of another day: a load that stopped, a partition that was left out",
    "segment": "see what its former customers have in common, and whether their values are right",
    "source_age": "see whether the load of the source has run",
    "unchanged": "see whether the load of the source has run",
    "repeated": "see whether an old file or backup was loaded",
    "stale": "see whether the column is still being filled",
    "drift": "see drift_checks; train the models anew if the customers are right",
    "drift_unchecked": "mend what the reason names; the next night is checked again",
    "contract": "look at the segments once; the next night is compared with this one",
}


@dataclass(frozen=True)
class JudgedFigure:
    """A figure with its limits, and whether it is a finding; a limit or what is typical is None where there is none."""

    figure: Figure
    lower_limit: float | None
    upper_limit: float | None
    expected: float | None
    finding: Severity | None

    @property
    def advice(self) -> str | None:
        """What to do about a finding."""
        return ADVICE[self.figure.check] if self.finding else None

    @property
    def description(self) -> str:
        """Say what was found, what would have been right, and what is typical."""
        if not self.finding:
            return self.figure.words
        return f"{self.figure.words}{self._allowed()}"

    def _allowed(self) -> str:
        show = _as_ratio if self.figure.check in ("rows", "segment") else _as_share
        if self.figure.check == "source_age":
            return "" if self.upper_limit is None else f"; at most {self.upper_limit:g} hours are allowed"
        if self.upper_limit is None:
            return ""
        beyond = self.figure.value > self.upper_limit
        limit = f"{'at most' if beyond else 'at least'} {show(self.upper_limit if beyond else self.lower_limit or 0.0)}"
        typical = "" if self.expected is None else f", and {show(self.expected)} is usual on such a day"
        return f"; {limit} would pass{typical}"


def judge(figures: Iterable[Figure], past: Past, checks: Checks, *, as_of: date, days: int) -> Iterator[JudgedFigure]:
    """Judge figures that compare a night with one `days` before, by what they were on the nights before that."""
    for figure in figures:
        yield _JUDGES.get(figure.check, _judge_share)(figure, past.get(figure.key, ()), checks, as_of, days)


def remark(check: str, subject: str, words: str, *, model: str | None = None, hold: bool = False) -> JudgedFigure:
    """Return a finding that is no number beyond a limit."""
    return JudgedFigure(Figure(check, subject, 1.0, 0, words, model), None, None, None, "hold" if hold else "warn")


def judge_unchanged(
    unchanged: Sequence[str],
    columns: Sequence[str],
    past: Past,
    *,
    moved: Collection[str] = (),
    same_customers: bool,
    customers: int,
) -> Iterator[JudgedFigure]:
    """Judge what is exactly as the night before: everything is a warning, one column alone may be stale.

    A column is held for only if others have changed tonight, and it itself on every night so far, and by so many of the
    `customers` that none by chance is out of the question. `columns` are those that do not change with the date alone;
    `moved` are others that have changed by more than that.
    """
    changed = [*moved, *(name for name in columns if name not in unchanged)]
    if unchanged and not changed and same_customers:
        yield remark("unchanged", "rows", "the source is exactly as it was the night before")
    for name in columns:
        words = f"{name} is exactly as it was the night before, while other columns have changed"
        before, apart = (past.get((None, check, name), ()) for check in ("stale", "distribution"))
        never = len(before) >= FEWEST_NIGHTS and not any(one.value for one in before)
        usual = median(one.value for one in apart) * customers if apart else 0.0
        stale = name in unchanged and bool(changed or not same_customers)
        figure = Figure("stale", name, float(stale), 0, words if stale else f"{name} has changed, or nothing has")
        yield JudgedFigure(figure, None, None, None, "hold" if stale and never and usual >= FEWEST_CHANGED else None)


def _judge_share(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    limit = limit_of_share(
        past,
        as_of=as_of,
        days=days,
        customers=figure.customers,
        floor=checks.min_share,
        ceiling=getattr(checks, _SETTINGS[figure.check]),
    )
    return _above(figure, limit)


def _judge_changes(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    limit = limit_of_changes(
        past,
        as_of=as_of,
        days=days,
        customers=figure.customers,
        floor=checks.min_share,
        ceiling=checks.max_moved_share if figure.check == "displaced" else 1.0,  # everybody may change a little
    )
    return _above(figure, limit)


def _above(figure: Figure, limit: Limit) -> JudgedFigure:
    """Hold for a figure beyond its upper limit."""
    finding: Severity | None = "hold" if figure.value > limit.upper else None
    return JudgedFigure(figure, None, limit.upper, limit.expected, finding)


def _judge_uneven(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    upper = max(checks.min_share, AGAIN * max((one.value for one in past), default=0.0))
    return JudgedFigure(figure, None, upper, None, "hold" if figure.value > upper else None)


def _keep(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    """Judge nothing: the nights that follow are compared with it."""
    return JudgedFigure(figure, None, None, None, None)


def _judge_rows(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    lower, upper, expected = limit_of_ratio(
        past,
        as_of=as_of,
        days=days,
        customers=figure.customers,
        floor=math.log1p(checks.min_share),
        ceiling=math.log1p(checks.max_row_change),
    )
    return JudgedFigure(figure, lower, upper, expected, None if lower <= figure.value <= upper else "hold")


def _judge_segment(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    lower, upper = math.log(VANISHED), math.log(DOUBLED)
    return JudgedFigure(figure, lower, upper, None, None if lower <= figure.value <= upper else "hold")


def _judge_age(figure: Figure, past: Sequence[PastFigure], checks: Checks, as_of: date, days: int) -> JudgedFigure:
    limit = checks.max_source_age_hours
    finding: Severity | None = "hold" if limit is not None and figure.value > limit else None
    return JudgedFigure(figure, None, limit, None, finding)


_JUDGES: Mapping[str, Callable[[Figure, Sequence[PastFigure], Checks, date, int], JudgedFigure]] = {
    "rows": _judge_rows,
    "changed": _judge_changes,
    "displaced": _judge_changes,
    "uneven": _judge_uneven,
    "part": _keep,
    "segment": _judge_segment,
    "source_age": _judge_age,
}


def _as_share(value: float) -> str:
    return f"{value:.2%}"


def _as_ratio(value: float) -> str:
    return f"{math.exp(value):.2f} times as many"
