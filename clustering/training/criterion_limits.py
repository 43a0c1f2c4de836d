"""The criteria that a candidate is judged by, each with its limit, and what it means for customers where one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from clustering.algorithms import algorithm
from clustering.algorithms.base import GAP, Noise
from clustering.config import ModelSpec
from clustering.training.criteria import LEAST_STRENGTH
from clustering.training.jaccard_limits import LEAST_JACCARD, least_mean

_AHEAD: Mapping[Noise, tuple[str, str]] = {
    "uniform": (
        "Ahead of evenly spread customers",
        "customers spread evenly over the same room can be cut as sharply: these clusters may be chance",
    ),
    "unimodal": (
        "Ahead of customers without groups",
        "customers like these, but without any groups, look as much like clusters: these may be chance",
    ),
}


@dataclass(frozen=True)
class Criterion:
    """What is asked of a figure: at least `limit`, or at the most where `is_most`.

    A limit that depends on what else is known of a candidate is a function of its figures.

    `error` names the figure that is added to the value before it is asked, `over` the one that it is divided by, in
    which case it counts in standard errors. `fails` says what it means where it does not hold.
    """

    title: str
    figure: str
    limit: float | Callable[[Mapping[str, Any]], float]
    fails: str
    is_most: bool = False
    error: str | None = None
    over: str | None = None
    is_share: bool = False

    def value(self, figures: Mapping[str, Any]) -> float | None:
        """Return the value among the figures of a candidate, None where it was not measured."""
        value, divisor = figures.get(self.figure), figures.get(self.over or "", 1.0)
        return None if value is None or not divisor else float(value) / float(divisor)

    @property
    def is_of_each(self) -> bool:
        """Whether each candidate has a limit of its own."""
        return callable(self.limit)

    def limit_of(self, figures: Mapping[str, Any]) -> float:
        """Return the limit for a candidate with these figures."""
        return self.limit(figures) if callable(self.limit) else self.limit

    def limit_in_words(self, figures: Mapping[str, Any]) -> str:
        """Return what the value has to be for a candidate with these figures."""
        asked = self.limit_of(figures)
        limit = f"{100 * asked:g} %" if self.is_share else f"{asked:g}"
        return f"{limit} or {'less' if self.is_most else 'more'}"

    def said(self, figures: Mapping[str, Any]) -> str:
        """Return the value in words, with its standard error where that is added, a dash where it was not measured."""
        value = self.value(figures)
        if value is None:
            return "–"
        error = figures.get(self.error or "")
        return (f"{100 * value:.1f} %" if self.is_share else f"{value:.2f}") + (f" ± {error:.2f}" if error else "")

    def holds(self, figures: Mapping[str, Any]) -> bool | None:
        """Return whether a candidate's figures keep the limit, None where it was not measured."""
        value = self.value(figures)
        if value is None:
            return None
        limit = self.limit_of(figures)
        return value <= limit if self.is_most else value + figures.get(self.error or "", 0.0) >= limit


def criteria_of(spec: ModelSpec) -> list[Criterion]:
    """Return the criteria of a model's algorithm that have figures, in the order in which they are asked."""
    least = algorithm(spec.algorithm).least_errors
    found = _of_clusters_in_noise(spec) if spec.has_noise else _of_whole_divisions(spec)
    for (name, noise), errors in least.items():
        figure = name if name == GAP else f"{name}_over_{noise}"
        title, fails = _AHEAD[noise]
        found.append(Criterion(title, figure, errors, fails, over=f"{figure}_error"))
    return found


def asked(criteria: Iterable[Criterion], figures: Mapping[str, Any]) -> list[Criterion]:
    """Return the criteria, each once: of several statistics for the same question the one that was measured."""
    found: dict[str, Criterion] = {}
    for one in criteria:
        if one.title not in found or (found[one.title].value(figures) is None and one.value(figures) is not None):
            found[one.title] = one
    return list(found.values())


def _of_whole_divisions(spec: ModelSpec) -> list[Criterion]:
    return [
        Criterion(
            "Smallest cluster",
            "smallest_share",
            spec.gate.min_share,
            "a cluster holds too few customers to be a segment",
            is_share=True,
        ),
        Criterion(
            "Prediction strength",
            "prediction_strength",
            LEAST_STRENGTH,
            "one half of the customers puts together what the other half puts apart",
            error="prediction_strength_error",
        ),
        Criterion(
            "Least stability",
            "min_jaccard",
            LEAST_JACCARD,
            "a cluster is not found again where other customers of the same kind are drawn",
        ),
    ]


def _of_clusters_in_noise(spec: ModelSpec) -> list[Criterion]:
    return [
        Criterion(
            "Outliers",
            "noise_share",
            spec.most_noise,
            "too many customers belong to no cluster",
            is_most=True,
            is_share=True,
        ),
        Criterion(
            "Mean stability",
            "mean_jaccard",
            least_mean,
            "the clusters are not found again where other customers of the same kind are drawn",
        ),
    ]
