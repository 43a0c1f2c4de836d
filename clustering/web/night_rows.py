"""The rows of a published night that the page draws, or that it looks other rows up by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from clustering.warehouse import Transaction


@dataclass(frozen=True)
class NightRun:
    """The published run of a model and a date, with its version; `labels_dropped_at` is None while labels are there.

    `label_folder` is where labels lie that are files.
    """

    as_of: date
    run_id: int
    model_version_id: int
    label_set: int
    published_at: datetime
    version: int
    structure: str
    features: Sequence[str]
    rows_read: int
    rows_labelled: int
    rows_rejected: int
    labels_dropped_at: datetime | None
    label_folder: str | None = None


@dataclass(frozen=True)
class SegmentSize:
    """How large a segment was on a date, `share` from 0 to 1."""

    as_of: date
    segment_id: int
    segment_name: str
    customers: int
    share: float


@dataclass(frozen=True)
class SampledSegment:
    """A segment of a version among sampled customers, `share` of them from 0 to 1."""

    segment_id: int
    segment_name: str
    customers: int
    share: float


@dataclass(frozen=True)
class ColumnProfile:
    """What a column is like in a segment; numbers are None where the reason beside them says why."""

    segment_id: int
    column_name: str
    mean: float | None
    minimum: float | None
    q1: float | None
    median: float | None
    q3: float | None
    maximum: float | None
    mean_empty_because: str | None
    quartiles_empty_because: str | None
    extremes_empty_because: str | None

    @property
    def quartiles(self) -> tuple[float, float, float] | None:
        """First quartile, median and third quartile."""
        if self.q1 is None or self.median is None or self.q3 is None:
            return None
        return self.q1, self.median, self.q3

    @property
    def extremes(self) -> tuple[float, float] | None:
        """Smallest and largest value."""
        return None if self.minimum is None or self.maximum is None else (self.minimum, self.maximum)


@dataclass(frozen=True)
class OverallAverage:
    """The average of a column over all customers that a model labelled, or why there is none."""

    column_name: str
    mean: float | None
    mean_empty_because: str | None


@dataclass(frozen=True)
class MostFrequent:
    """The category of a column that most customers of a segment have, and their share of it, 0 to 1."""

    segment_id: int
    column_name: str
    group_name: str
    share: float


@dataclass(frozen=True)
class RejectedRows:
    """How many rows of the source were rejected for a reason."""

    reason: str
    customers: int


def read_night_run(transaction: Transaction, model: str, as_of: date) -> NightRun | None:
    """Return the published run of a model and a date, None where there is none."""
    return transaction.typed_row(NightRun, "page/night", model=model, as_of=as_of)
