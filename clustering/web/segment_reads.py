"""What a segment's own page is made of: who is in it, and who came and left in a time, with causes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

from psycopg2 import sql

from clustering.config import Configuration
from clustering.errors import DataError
from clustering.warehouse import Row, Transaction
from clustering.web.night_rows import NightRun, SegmentSize
from clustering.web.samples import read_night_with_labels
from clustering.web.views import DATES_LISTED, Model, Night, choose_model, read_models, read_night

Side: TypeAlias = Literal["came", "left"]


def _columns(own: str, other: str) -> Mapping[str, sql.Composable]:
    names = {"own": f"{own}_segment_id", "other": f"{other}_segment_id", "other_name": f"{other}_segment_name"}
    return MappingProxyType({part: sql.Identifier(name) for part, name in names.items()})


SIDES: Mapping[Side, Mapping[str, sql.Composable]] = MappingProxyType(
    {"came": _columns("to", "from"), "left": _columns("from", "to")}
)
USUAL_DAYS = 7  # that are shown where no other time is asked for
MOST_DAYS = 31
SAMPLED = 20  # members that are shown
HOPED_FOR = 5_000  # members among the labels that these are drawn from


@dataclass(frozen=True)
class Span:
    """The time in which somebody came or left, both dates included."""

    since: date
    until: date


@dataclass(frozen=True)
class Place:
    """Where a list of changes goes on: below this date and number, the newest first."""

    day: date
    change_id: int

    @classmethod
    def read(cls, text: str | None, span: Span) -> Place:
        """Return a place as its text has it; the top of the list for what is none."""
        day, _, number = (text or "").partition(".")
        try:
            return cls(date.fromisoformat(day), min(int(number), 2**63 - 1))
        except ValueError:
            return cls(span.until + timedelta(days=1), 0)

    def __str__(self) -> str:
        return f"{self.day}.{self.change_id}"


@dataclass(frozen=True)
class Moved:
    """Those who came into a segment, or left it: how many by where and why, in all, and some of them."""

    counts: Sequence[Row]
    listed: Sequence[Row]
    further: Place | None

    @property
    def customers(self) -> int:
        """How many they are, by whichever cause."""
        return sum(row.customers for row in self.counts)


@dataclass(frozen=True)
class SegmentView:
    """A segment of a model on a date: `segment` is its row, None where it has no members then."""

    model: Model
    segment_id: int
    name: str
    dates: Sequence[date]
    night: Night
    segment: Row | None
    sizes: Sequence[SegmentSize]

    @property
    def run(self) -> NightRun:
        """The run that holds for the date."""
        return self.night.run

    @property
    def row(self) -> int:
        """The place of the segment among those of its night, which the cells of the columns go by."""
        return [one.segment_id for one in self.night.segments].index(self.segment_id)

    def span(self, since: str | None) -> Span:
        """Return the time from a date up to this one: a week where none, or none that can be shown, is asked for."""
        until = self.run.as_of
        try:
            asked = date.fromisoformat(since or "")
        except ValueError:
            asked = until - timedelta(days=USUAL_DAYS - 1)
        return Span(min(max(asked, until - timedelta(days=MOST_DAYS - 1)), until), until)


def read_segment(
    transaction: Transaction, configuration: Configuration, *, model: str | None, segment_id: int, as_of: str | None
) -> SegmentView:
    """Return a segment on a date, by default the latest; DataError for a model, date or segment that there is not."""
    chosen = choose_model(read_models(transaction, configuration), model)
    dates = [row.as_of for row in transaction.rows("page/dates", model=chosen.name, at_most=DATES_LISTED)]
    shown = next((day for day in dates if not as_of or day.isoformat() == as_of), None)
    night = read_night(transaction, configuration, chosen.name, dates, shown) if shown else None
    if night is None:
        day = f" on {as_of[:30]}" if as_of else ""
        raise DataError(f"nothing was published for {chosen.name}{day}")
    found = next((one for one in night.segments if one.segment_id == segment_id), None)
    sizes = [size for size in night.sizes if size.segment_id == segment_id]
    if not sizes:
        raise DataError(f"the model {chosen.name} has had no segment {segment_id} on the dates that are kept")
    name = found.segment_name if found else sizes[-1].segment_name
    return SegmentView(chosen, segment_id, name, dates, night, found, sizes[::-1])


def read_moved(
    transaction: Transaction,
    view: SegmentView,
    side: Side,
    span: Span,
    *,
    cause: str | None,
    place: Place,
    at_most: int,
) -> Moved:
    """Return who came or left in a time; with `at_most` 0 the numbers alone."""
    values = {"model": view.model.name, "segment_id": view.segment_id, "since": span.since, "until": span.until}
    counts = transaction.rows("segment_page/counts", SIDES[side], **values)
    if not at_most:
        return Moved(counts, [], None)
    listed = read_changes(transaction, values, side, cause=cause, place=place, at_most=at_most + 1)
    further = Place(listed[at_most - 1].as_of, listed[at_most - 1].change_id) if len(listed) > at_most else None
    return Moved(counts, listed[:at_most], further)


def read_changes(
    transaction: Transaction, values: Mapping[str, Any], side: Side, *, cause: str | None, place: Place, at_most: int
) -> list[Row]:
    """Return some of those who came or left, from a place on; `values` are model, segment_id, since and until."""
    return transaction.rows(
        "segment_page/changes",
        SIDES[side],
        cause=cause,
        before_day=place.day,
        before_id=place.change_id,
        at_most=at_most,
        **values,
    )


def read_starts(transaction: Transaction, model: str, span: Span) -> list[date]:
    """Return the dates on which a model's members were told as a whole, so that no single moves are known."""
    rows = transaction.rows("segment_page/starts", model=model, since=span.since, until=span.until)
    return [row.as_of for row in rows]


def read_sample(transaction: Transaction, view: SegmentView) -> list[Row]:
    """Return some members with their confidence, always the same ones; RunError where the labels are gone."""
    night = read_night_with_labels(transaction, view.model.name, view.run.as_of)
    members = view.segment.customers if view.segment else 0
    names = {"portion": _portion(members), "label_set": sql.Literal(night.label_set)}
    return transaction.rows("segment_page/sample", names, segment_id=view.segment_id, at_most=SAMPLED)


def _portion(members: int) -> sql.Composable:
    """Return the clause that draws from blocks with enough members; of few, all are read, by an index of segments."""
    if members <= 2 * HOPED_FOR:
        return sql.SQL("")
    return sql.SQL("tablesample system ({}) repeatable (0)").format(sql.Literal(100 * HOPED_FOR / members))
