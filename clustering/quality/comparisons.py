"""What is measured of a night beside the night before it: one number a check, subject and model."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from clustering.quality.night_counts import NightCounts
from clustering.quality.sketches import ColumnCounts, beyond, distance, other_precision
from clustering.quality.steps import NO_STEPS, PartSteps
from clustering.segments.movement import Move

NIGHT_BEFORE = "the night before"  # what the words of a figure call the night that it is compared with
VANISHED, DOUBLED = 0.2, 2.0  # times the former customers of a segment
FEWEST_IN_SEGMENT = 20  # and `min_share` of the customers, for either to matter

Key = tuple[str | None, str, str]  # model or None, check and subject


@dataclass(frozen=True)
class Figure:
    """A number of a night: a share, or for `rows` and `segment` the logarithm of a ratio to the night before.

    `customers` are those whom the share is of. `words` say what it is, with the numbers that it comes from.
    """

    check: str
    subject: str
    value: float
    customers: int
    words: str
    model: str | None = None

    @property
    def key(self) -> Key:
        """What the same figure of another night has in common with this one."""
        return (self.model, self.check, self.subject)


@dataclass(frozen=True)
class ModelMovement:
    """How a model's labels differ from those of the night before: the moves, and the customers by segment tonight.

    `split` says whether it is known whom a change of version moved.
    """

    model: str
    moves: Sequence[Move]
    sizes: Mapping[int, int]
    names: Mapping[int, str]
    split: bool
    steps: Sequence[PartSteps] = ()


def source_figures(tonight: NightCounts, before: NightCounts, *, least: int) -> Iterator[Figure]:
    """Compare what was read with what was read the night before; groups of fewer than `least` are not named."""
    yield _rows(tonight, before)
    yield from _rejected(tonight, before)
    for name in sorted(tonight.columns.keys() & before.columns.keys()):
        here, there = tonight.columns[name], before.columns[name]
        yield _missing(name, tonight, before)
        apart = distance(here, there)
        said = f"at least {apart:.1%} of the customers have another {name} than those of {NIGHT_BEFORE}"
        yield Figure("distribution", name, apart, min(here.present, there.present), said)
        yield _precision(name, here, there)
        out = beyond(here, there)
        said = f"{out:.1%} of the customers have a {name} beyond double the range of {NIGHT_BEFORE}"
        yield Figure("range", name, out, here.present, said)
    for name in sorted(tonight.groups.keys() & before.groups.keys()):
        yield _groups(name, tonight.groups[name], before.groups[name], least)


def key_figures(movement: ModelMovement) -> Iterator[Figure]:
    """Compare who was labelled with who was the night before."""
    labelled = sum(movement.sizes.values())
    new = sum(move.customers for move in movement.moves if move.from_segment is None)
    gone = sum(move.customers for move in movement.moves if move.to_segment is None)
    former = labelled - new + gone
    said = f"{gone:,} of the {former:,} customers of {NIGHT_BEFORE} are missing or rejected"
    yield Figure("gone", "customers", gone / max(1, former), former, said)
    said = f"{new:,} of the {labelled:,} customers were not there {NIGHT_BEFORE}"
    yield Figure("new", "customers", new / max(1, labelled), labelled, said)


def least_key_figures(tonight: NightCounts, before: NightCounts) -> Iterator[Figure]:
    """Say how many customers are missing and how many are new at the least, where nobody has compared their keys.

    >>> fewer, more = (NightCounts(rows, rows, {}, {}, {}, {}, None) for rows in (90, 120))
    >>> [one.value for one in least_key_figures(fewer, more)]
    [0.25, 0.0]
    """
    here, there = tonight.rows_labelled, before.rows_labelled
    gone, new = max(0, there - here), max(0, here - there)
    said = f"at least {gone:,} of the {there:,} customers of {NIGHT_BEFORE} are missing or rejected"
    yield Figure("gone", "customers", gone / max(1, there), there, said)
    said = f"at least {new:,} of the {here:,} customers were not there {NIGHT_BEFORE}"
    yield Figure("new", "customers", new / max(1, here), here, said)


def model_figures(movement: ModelMovement, *, min_share: float) -> Iterator[Figure]:
    """Compare the labels of a model with those of the night before, leaving out what a change of version did.

    Whom the passing of time alone moved has not changed, where that is known.
    """
    if not movement.split:
        return
    inner = [move for move in movement.moves if move.from_segment is not None and move.to_segment is not None]
    labelled = sum(movement.sizes.values())
    both = labelled - sum(move.customers for move in movement.moves if move.from_segment is None)
    moved = sum(move.customers - (move.by_model or 0) - (move.by_time or 0) for move in inner)
    said = f"{moved:,} of {both:,} customers are in another segment of {movement.model} by a change of their own"
    yield Figure("moved", "customers", moved / max(1, both), both, said, movement.model)
    for segment, size in sorted(movement.sizes.items()):
        by_model = sum((m.by_model or 0) * ((m.to_segment == segment) - (m.from_segment == segment)) for m in inner)
        entered = sum(move.customers for move in movement.moves if move.to_segment == segment)
        left = sum(move.customers for move in movement.moves if move.from_segment == segment)
        here, there = size - by_model, size - entered + left
        if max(here, there) < max(FEWEST_IN_SEGMENT, min_share * labelled):
            continue
        named = movement.names.get(segment, f"segment {segment}")
        said = f"{named} of {movement.model} has {here:,} customers, {there:,} {NIGHT_BEFORE}"
        ratio = math.log((here + 0.5) / (there + 0.5))
        yield Figure("segment", str(segment), ratio, max(here, there), said, movement.model)


def step_figures(model: str, parts: Sequence[PartSteps]) -> Iterator[Figure]:
    """Say how many of the sampled customers have changed at all or come far, and how many have changed in each part."""
    whole = sum(parts, NO_STEPS)
    if not whole.customers:
        return
    said = f"{whole.share:.1%} of the customers have changed for {model} since {NIGHT_BEFORE}"
    yield Figure("changed", "customers", whole.share, whole.customers, said, model)
    share = whole.far / whole.customers
    said = f"{share:.1%} of the customers stand in another place among the segments of {model} than {NIGHT_BEFORE}"
    yield Figure("displaced", "customers", share, whole.customers, said, model)
    for number, one in enumerate(parts, 1):
        said = f"{one.share:.1%} of the customers have changed in part {number} of {len(parts)} by their keys"
        yield Figure("part", str(number), one.share, one.customers, said, model)


def sampled_figures(model: str, parts: Sequence[PartSteps]) -> Iterator[Figure]:
    """Say of a sample of customers who was not there, and of the others how far they have come."""
    whole = sum(parts, NO_STEPS)
    sampled = whole.customers + whole.new
    said = f"{whole.new / max(1, sampled):.1%} of the customers were not there {NIGHT_BEFORE}"
    yield Figure("new", "customers", whole.new / max(1, sampled), sampled, said, model)
    yield from step_figures(model, parts)


def source_age(changed_at: datetime, *, read_at: datetime) -> Figure:
    """Return how many hours before it was read the source changed last."""
    hours = (read_at - changed_at).total_seconds() / 3600
    said = f"the latest change in the source was {hours:.1f} hours old ({changed_at:%Y-%m-%d %H:%M} UTC)"
    return Figure("source_age", "rows", max(0.0, hours), 0, said)


def unchanged_columns(tonight: NightCounts, before: NightCounts, columns: Collection[str]) -> list[str]:
    """Return those of the columns whose values are, added up and by their bins, exactly those of the night before."""
    return [
        name
        for name in sorted(tonight.columns.keys() & before.columns.keys() & set(columns))
        if tonight.columns[name] == before.columns[name] and tonight.totals.get(name) == before.totals.get(name)
    ]


def changed_days(tonight: NightCounts, before: NightCounts, filled: Mapping[str, bool], *, days: int) -> list[str]:
    """Return the columns of counted days that are others than `days` without any new date make them.

    Every value has grown by as many. Where some are `filled` in, those have not, and how many there are is unknown:
    then what can be explained by them has not changed.
    """
    return [
        name
        for name in sorted(tonight.columns.keys() & before.columns.keys() & filled.keys())
        if not _has_aged(name, tonight, before, days, is_filled=filled[name])
    ]


def _has_aged(name: str, tonight: NightCounts, before: NightCounts, days: int, *, is_filled: bool) -> bool:
    here, there = tonight.columns[name], before.columns[name]
    grown = Fraction(tonight.totals.get(name, "0")) - Fraction(before.totals.get(name, "0"))
    same = (here.present, here.missing) == (there.present, there.missing)
    most = days * here.present
    return same and (0 <= grown <= most if is_filled else grown == most)


def _rows(tonight: NightCounts, before: NightCounts) -> Figure:
    ratio = math.log((tonight.rows_read + 0.5) / (before.rows_read + 0.5))
    said = f"{tonight.rows_read:,} rows were read, {before.rows_read:,} {NIGHT_BEFORE}"
    return Figure("rows", "rows", ratio, min(tonight.rows_read, before.rows_read), said)


def _rejected(tonight: NightCounts, before: NightCounts) -> Iterator[Figure]:
    def rise(subject: str, here: int, there: int) -> Figure:
        shares = here / max(1, tonight.rows_read), there / max(1, before.rows_read)
        said = f"{shares[0]:.1%} of the rows were rejected{'' if subject == 'rows' else f' for {subject}'}"
        value = max(0.0, shares[0] - shares[1])
        return Figure("rejected", subject, value, tonight.rows_read, f"{said}, {shares[1]:.1%} {NIGHT_BEFORE}")

    yield rise("rows", tonight.rows_rejected, before.rows_rejected)
    for subject, rows in sorted(tonight.rejections.items()):
        yield rise(subject, rows, before.rejections.get(subject, 0))


def _missing(name: str, tonight: NightCounts, before: NightCounts) -> Figure:
    nights = (tonight, before)
    # A filled value is among the present ones. Former releases have not counted them, so only what both nights have.
    counted = name in tonight.filled and name in before.filled
    gaps = [night.filled[name] if counted else night.columns[name].missing for night in nights]
    shares = [gap / max(1, night.rows_labelled) for gap, night in zip(gaps, nights, strict=True)]
    said = f"{shares[0]:.1%} of the customers have no {name}, {shares[1]:.1%} {NIGHT_BEFORE}"
    return Figure("missing", name, abs(shares[0] - shares[1]), tonight.rows_labelled, said)


def _precision(name: str, here: ColumnCounts, there: ColumnCounts) -> Figure:
    value, place = other_precision(here, there)
    finest = "finer than hundredths" if place == "finer" else f"in {place} or finer"
    said = (
        f"for {value:.1%} of the customers, values of {name} {finest} are new or gone"
        if place
        else (f"{name} has the precision of {NIGHT_BEFORE}")
    )
    return Figure("precision", name, value, min(here.present, there.present), said)


def _groups(name: str, here: Mapping[str, int], there: Mapping[str, int], least: int) -> Figure:
    totals = [max(1, sum(sizes.values())) for sizes in (here, there)]
    shares = {group: (here.get(group, 0) / totals[0], there.get(group, 0) / totals[1]) for group in {*here, *there}}
    apart = sum(abs(one - other) for one, other in shares.values()) / 2
    named = [group for group in shares if min(here.get(group, 0), there.get(group, 0)) >= least]
    most = max(named, key=lambda group: (abs(shares[group][0] - shares[group][1]), group), default="")
    said = f"at least {apart:.1%} of the customers are in another group of {name}"
    if most:
        said += f"; most has changed {most}: {shares[most][0]:.1%}, {shares[most][1]:.1%} {NIGHT_BEFORE}"
    return Figure("groups", name, apart, min(totals), said)
