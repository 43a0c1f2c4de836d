"""The checks of a night: inputs, assignments and structure of every model, with one rate of false alarms for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from clustering.algorithms.base import NOISE
from clustering.drift.chance import Difference, difference
from clustering.drift.reference import CONFIDENCE, DISTANCE, FEATURE, Reference

Layer = Literal["inputs", "assignments", "structure"]
Bins = Callable[[str, int], str]

# A version fits its own sample a little better than other customers, most of all where groups are faint. So the limits
# of assignments and structure are those that half as many training customers would bring, with as many of them tonight.
FITTED = 1.5**0.5


@dataclass(frozen=True)
class ModelNight:
    """What one version has seen tonight: rows, values that are missing, customers by cluster label and by bin."""

    model: str
    model_version_id: int
    reference: Reference
    structured: bool
    segments: Mapping[int, tuple[int, str]]  # by cluster label: number and name
    rejected: int
    customers: int
    missing: Mapping[str, int]
    clusters: Mapping[int, int]
    measures: Mapping[str, Sequence[int]]
    describe_bin: Bins  # histogram and place of the bin -> where it lies, in words


@dataclass(frozen=True)
class Comparison:
    """Customers in some bins tonight and in the training sample; `bins` says what each of them is."""

    night: ModelNight
    layer: Layer
    check: str
    subject: str
    counts: tuple[int, ...]
    expected: tuple[int, ...]
    bins: tuple[str, ...]

    @property
    def can_alarm(self) -> bool:
        """Whether a difference says by itself that something has changed; parts of a continuum have nothing to lose."""
        return self.layer == "inputs" or self.night.structured


@dataclass(frozen=True)
class DriftCheck:
    """The result of a comparison; `statistic` is Cohen's w, and above the `threshold` is an alarm."""

    comparison: Comparison
    statistic: float
    threshold: float

    @property
    def alarm(self) -> bool:
        """Whether the difference is too large for chance, and large enough to matter."""
        return self.comparison.can_alarm and self.statistic > self.threshold

    @property
    def description(self) -> str:
        """Say in a sentence where the night differs most from the training sample."""
        one = self.comparison
        here, there = _shares(one.counts), _shares(one.expected)
        place = max(range(len(here)), key=lambda bin_: abs(here[bin_] - there[bin_]))
        if len(here) == 2:
            place = 0
        said = f"{one.bins[place]}: {here[place]:.1%} tonight, {there[place]:.1%} in the training sample"
        return said if one.can_alarm else f"{said}; no alarm by itself, since no groups were found in training"


def check_nights(nights: Sequence[ModelNight], *, false_alarms: float, min_effect: float) -> list[DriftCheck]:
    """Compare all models' night with their training samples.

    `false_alarms` is the probability of any alarm in a night without drift: all checks that can alarm share it equally
    (Bonferroni). A difference below `min_effect` (Cohen's w) never alarms, however many customers there are.
    """
    comparisons = [comparison for night in nights for comparison in _comparisons(night)]
    level = false_alarms / max(1, sum(comparison.can_alarm for comparison in comparisons))
    return [_check(comparison, level, min_effect) for comparison in comparisons]


def _check(comparison: Comparison, level: float, min_effect: float) -> DriftCheck:
    found: Difference = difference(comparison.counts, comparison.expected, level=level)
    allowed = found.by_chance * (1.0 if comparison.layer == "inputs" else FITTED)
    return DriftCheck(comparison, found.effect, max(allowed, min_effect))


def _comparisons(night: ModelNight) -> Iterator[Comparison]:
    reference = night.reference

    def pair(layer: Layer, check: str, subject: str, count: int, expected: int, words: str) -> Comparison:
        bins = (count, night.customers - count), (expected, reference.customers - expected)
        return Comparison(night, layer, check, subject, *bins, (words, f"not {words}"))

    rows = (night.rejected, night.customers), (reference.rejected, reference.customers)
    yield Comparison(night, "inputs", "rejected", "rows", *rows, ("rejected rows", "valid rows"))
    for column, expected in reference.missing.items():
        if column in night.missing:
            yield pair("inputs", "missing", column, night.missing[column], expected, f"customers without {column}")
    for segment, (name, labels) in sorted(_segments(night).items()):
        count, expected = (sum(counts.get(label, 0) for label in labels) for counts in _both(night))
        yield pair("assignments", "share", str(segment), count, expected, f"customers in {name}")
    if NOISE in night.segments:
        count, expected = (counts.get(NOISE, 0) for counts in _both(night))
        yield pair("structure", "noise", "customers", count, expected, "customers in no group")
    for name, histogram in reference.histograms.items():
        counts = tuple(night.measures[name])
        words = tuple(night.describe_bin(name, place) for place in range(len(counts)))
        yield Comparison(night, *_kind(name), counts, histogram.counts, words)


def _both(night: ModelNight) -> tuple[Mapping[int, int], Mapping[int, int]]:
    return night.clusters, night.reference.clusters


def _segments(night: ModelNight) -> dict[int, tuple[str, list[int]]]:
    found: dict[int, tuple[str, list[int]]] = {}
    for label, (segment, name) in night.segments.items():
        if label != NOISE:
            found.setdefault(segment, (name, []))[1].append(label)
    return found


def _kind(histogram: str) -> tuple[Layer, str, str]:
    if histogram in (CONFIDENCE, DISTANCE):
        return "structure", histogram, "customers"
    return "inputs", "distribution", histogram.removeprefix(FEATURE)


def _shares(counts: Sequence[int]) -> list[float]:
    total = max(1, sum(counts))
    return [count / total for count in counts]
