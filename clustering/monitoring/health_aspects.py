"""What speaks for and against a published night, in words: fresh, complete, drifted, trusted, and since when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal, Self, TypeAlias

State: TypeAlias = Literal["good", "care", "bad", "unknown"]

FRESH_DAYS = 2  # after which the view segment_health, too, calls a night old
MOST_REJECTED = 0.05  # share of the rows, as in that view
_OF_SOURCE_TIME = ("source_age", "unchanged", "repeated")
_OF_ROWS = ("rows", "gone", "new", "rejected", "missing", "stale", "uneven")
_OF_CUSTOMERS = ("distribution", "precision", "range", "groups", "moved", "changed", "displaced", "segment")
_OF_DRIFT = (*_OF_CUSTOMERS, "drift", "drift_unchecked")
TOLD = 4  # reasons of an answer; the others are a number
NO_GROUPS = "the customers form no groups, the segments divide them"


@dataclass(frozen=True)
class Aspect:
    """One question about a night with its answer.

    `state` is good, care (it can be used by who knows the reason), bad or unknown; `verdict` says the same in a word or
    two, `reason` in a sentence. `since` is the first date of those without a gap for which the state has been the same,
    of as many nights as are looked back at; None where there is no such date.
    """

    name: Literal["fresh", "complete", "drifted", "trusted"]
    state: State
    verdict: str
    reason: str
    since: date | None


@dataclass(frozen=True)
class SegmentTrust:
    """Whether a segment could be relied on that night: `yes`, `with care` or `no`; reasons are None for nothing."""

    as_of: date
    segment_id: int
    segment_name: str
    trust: str
    own_reasons: str | None
    night_reasons: str | None


@dataclass(frozen=True)
class Unpublished:
    """A later run that readers are not shown: going on, held, ended, or without the model."""

    run_id: int
    as_of: date
    status: str
    reason: str | None
    is_left_out: bool
    since: datetime


@dataclass(frozen=True)
class Night:
    """What is known of a published night; `findings` are pairs of a check and what it found, the grave ones first."""

    as_of: date
    run_id: int
    published_at: datetime
    version: int
    structure: str
    rows_read: int
    rows_rejected: int
    source_time: str
    drift_checks: int
    drift_alarms: int
    drift_words: str | None
    findings: Sequence[tuple[str, str]]
    today: date

    @classmethod
    def of_columns(cls, *, findings: Sequence[Sequence[str]], **columns: Any) -> Self:
        """Return what the columns of a row say."""
        return cls(findings=[(check, words) for check, words in findings], **columns)

    def found(self, checks: Sequence[str]) -> list[str]:
        """Return what some of the checks found."""
        return [words for check, words in self.findings if check in checks]

    @property
    def rejected_share(self) -> float:
        """Share of the source's rows that could not be labelled, 0 to 1."""
        return self.rows_rejected / self.rows_read if self.rows_read else 0.0

    @property
    def incomplete(self) -> list[str]:
        """What says that rows or values are missing."""
        told = self.found(_OF_ROWS)
        if self.rejected_share > MOST_REJECTED:
            told.insert(0, f"{self.rejected_share:.0%} of the rows were rejected")
        if self.source_time == "substituted":
            told.append("made from the rows of a later day")
        return told

    @property
    def drift(self) -> list[str]:
        """What says that customers are no longer those that the version was trained on, or were the night before."""
        alarms = [f"{self.drift_alarms} of {self.drift_checks} checks: {self.drift_words}"] if self.drift_alarms else []
        return [*alarms, *self.found(_OF_DRIFT)]


def nothing_published(later: Unpublished | None) -> list[Aspect]:
    """Return the answers for a model without any published night."""
    reason = "No night of this model was published yet"
    if later:
        reason = f"{reason}: {_of_later(later)}"
    rest = [Aspect(name, "unknown", "Unknown", "No night was published yet.", None) for name in _REST]
    return [Aspect("fresh", "bad", "Nothing yet", f"{reason}.", None), *rest]


def fresh(night: Night, *, latest: date, later: Unpublished | None, retired: tuple[date, str] | None = None) -> Aspect:
    """Say whether the night is the newest that there could be."""
    published = night.published_at.date()
    if night.as_of < latest:
        words = f"A former date; the latest one published is {_day(latest)}."
        return Aspect("fresh", "unknown", "A former date", words, None)
    if retired:
        return Aspect("fresh", "bad", "Retired", f"Retired from {_day(retired[0])} on: {retired[1]}.", retired[0])
    age = (night.today - night.as_of).days
    if age < 0:
        words = f"Dated {-age} {'day' if age == -1 else 'days'} ahead, and hides the nights until then."
        return Aspect("fresh", "bad", "Ahead of its time", words, published)
    if age > FRESH_DAYS:
        words = f"{age} days old: {_of_later(later)}." if later else f"{age} days old: no night has been run since."
        return Aspect("fresh", "bad", "Old", words, night.as_of + timedelta(days=FRESH_DAYS + 1))
    if later and later.status != "running":
        verdict = "Held" if later.status == "held" else "Not the newest"
        return Aspect("fresh", "care", verdict, f"{_sentence(_of_later(later))}.", later.since.date())
    if told := night.found(_OF_SOURCE_TIME):
        return Aspect("fresh", "care", "Old source", f"{_sentence(_listed(told))}.", night.as_of)
    going = f"; {_of_later(later)}" if later else ""
    return Aspect("fresh", "good", "Fresh", f"Published {_day(published)}{going}.", published)


def complete(nights: Sequence[Night]) -> Aspect:
    """Say whether the rows and values of the source were all there; `nights` are the newest first."""
    night = nights[0]
    if told := night.incomplete:
        state: State = "care"
        reason, verdict = _listed(told), "Incomplete"
    else:
        state, verdict = "good", "Complete"
        reason = f"{night.rows_read:,} rows read, {night.rows_rejected:,} of them rejected"
    since = _since(nights, lambda one: bool(one.incomplete))
    return Aspect("complete", state, verdict, f"{_sentence(reason)}.", since)


def drifted(nights: Sequence[Night]) -> Aspect:
    """Say whether the customers are still those that the version was trained on; `nights` are the newest first."""
    night = nights[0]
    since = _since(nights, _drift_state)
    if told := night.drift:
        return Aspect("drifted", "care", "Drifted", f"{_sentence(_listed(told))}.", since)
    if not night.drift_checks:
        return Aspect("drifted", "unknown", "Not checked", "This night was not checked for drift.", since)
    words = f"None of {night.drift_checks} checks says that customers have drifted since the training."
    return Aspect("drifted", "good", "No drift", words, since)


def trusted(nights: Sequence[Night], segments: Sequence[Sequence[SegmentTrust]]) -> Aspect:
    """Say how many segments can be relied on; `segments` are those of each night."""
    night, own = nights[0], segments[0]
    by_date = dict(zip((one.as_of for one in nights), segments, strict=True))
    since = _since(nights, lambda one: _worst(by_date[one.as_of]))
    worst = _worst(own)
    if worst == "yes":
        words = f"Nothing speaks against any of the {len(own)} segments."
        return Aspect("trusted", "good", "Trusted", words, since)
    counts = [(len([one for one in own if one.trust == trust]), words) for trust, words in _TRUST.items()]
    told = [", ".join(f"{count} {words}" for count, words in counts if count)]
    if any(one.night_reasons for one in own) and (complete(nights).state, drifted(nights).state) != ("good", "good"):
        told[0] += " for what is said beside this"
    told += [f"{one.segment_name}: {one.own_reasons}" for one in own if one.own_reasons]
    if night.structure == "none":
        told.append(NO_GROUPS)
    told += night.found([check for check, _ in night.findings if check not in TOLD_BEFORE])
    state: State = "bad" if worst == "no" else "care"
    verdict = "Not all trusted" if worst == "no" else "With care"
    return Aspect("trusted", state, verdict, f"{_sentence(_listed(told))}.", since)


_REST: tuple[Literal["complete"], Literal["drifted"], Literal["trusted"]] = ("complete", "drifted", "trusted")
_TRUST = {"yes": "can be relied on", "with care": "with care", "no": "cannot be relied on"}
TOLD_BEFORE = (*_OF_SOURCE_TIME, *_OF_ROWS, *_OF_DRIFT)


def _worst(segments: Sequence[SegmentTrust]) -> str:
    found = {one.trust for one in segments}
    return next((trust for trust in reversed(_TRUST) if trust in found), "yes")


def _drift_state(night: Night) -> str:
    return "drifted" if night.drift else "none" if night.drift_checks else "unknown"


def _since(nights: Sequence[Night], state: Callable[[Night], Any]) -> date:
    since = nights[0].as_of
    for night in nights[1:]:
        if state(night) != state(nights[0]):
            break
        since = night.as_of
    return since


def _of_later(later: Unpublished) -> str:
    night = f"the night of {_day(later.as_of)}"
    if later.is_left_out:
        return f"{night} had to leave this model out, because its version could not be used"
    if later.status == "held":
        return f"{night} is held and waits for a decision (run {later.run_id})"
    if later.status == "abandoned":
        return (
            f"{night} ended without being published (run {later.run_id}){f': {later.reason}' if later.reason else ''}"
        )
    return f"{night} is being made"


def _listed(told: Sequence[str]) -> str:
    more = len(told) - TOLD
    return "; ".join([*told[:TOLD], *([f"and {more} more"] if more > 0 else [])])


def _day(value: date) -> str:
    return f"{value.day} {value:%b %Y}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
