"""The one face of every algorithm: propose → fit → judge → parameters → assign and explain."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.attraction import Attraction
from clustering.config import ModelSpec
from clustering.errors import TrainingError

FloatMatrix: TypeAlias = NDArray[np.float64]
FloatVector: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int32]
Settings: TypeAlias = Mapping[str, int | float | str]
Parameters: TypeAlias = Mapping[str, NDArray[Any]]
Noise: TypeAlias = Literal["uniform", "unimodal"]

DECIMALS = 6  # of a confidence, which is kept in single precision
FARTHEST = 1e6  # standard deviations; farther out, squares lose the differences that decide, and overflow in the end
NOISE = -1
GAP = "gap"  # the statistic that also tells whether a group was cut in two


@dataclass(frozen=True)
class Assignment:
    """Cluster labels and confidences (0 to 1, rounded to 6 decimals) of n rows; noise has the label -1."""

    labels: Labels
    confidence: NDArray[np.float32]


@dataclass(frozen=True)
class Fitted:
    """A trained clustering: what scoring needs as plain arrays, and the estimator for people with notebooks.

    `labels` are those that the assigner gives to the training rows; clusters are numbered by their centres. `evidence`
    is what only its algorithm judges by. The estimator is made when it is first asked for: nothing else imports
    scikit-learn.
    """

    make_estimator: Callable[[], Any]
    settings: Settings
    parameters: Parameters
    labels: Labels
    evidence: Parameters = field(default_factory=dict)

    @cached_property
    def estimator(self) -> Any:
        """The fitted estimator of scikit-learn."""
        return self.make_estimator()


@dataclass(frozen=True)
class Tried:
    """Settings that were fitted, and the figures of the fit."""

    settings: Settings
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Standardised:
    """Features (n, d) of customers, and the `mean` and `scale` (d,) that were taken off."""

    features: FloatMatrix
    mean: FloatVector
    scale: FloatVector


class Assigner(Protocol):
    """Labels rows of standardised features (n, d)."""

    def __call__(self, features: FloatMatrix, /) -> Assignment: ...


Spec = TypeVar("Spec", bound=ModelSpec)


class Algorithm(ABC, Generic[Spec]):
    """All that tells one algorithm from the others; `features` are standardised, (n, d), float64.

    Five methods have to be given. The others, and the attributes, have defaults that say: nothing of the kind.
    """

    specification: type[Spec]
    """The keys of a model's file, with their defaults; the literal of its `algorithm` is the algorithm's name."""
    replicate_rows: int = 2_000
    """Rows of a bootstrap, a split or noise: as many as their time allows."""
    proposes_best_first: bool = False
    """Whether settings are proposed in the order in which they are preferred, so that the first that passes is it."""
    proposes_by_sample: bool = False
    """Whether other samples call for other settings; the champion's own are then tried too, where `is_declared`."""
    least_errors: Mapping[tuple[str, Noise], float] = MappingProxyType({})
    """By how many standard errors which statistics have to beat which noise; without any, noise is not asked."""
    compares_settings: bool = True
    """Whether statistics depend on the settings; where they do not, all candidates are compared with noise as one."""
    personal: tuple[str, ...] = ()
    """Parameters that have a row for each of some customers; the first of them holds their features."""

    @abstractmethod
    def propose(self, features: FloatMatrix, spec: Spec, *, share: float = 1.0) -> list[Settings]:
        """Return settings to try, for all customers, from features of a `share` of them."""

    @abstractmethod
    def fit(self, features: FloatMatrix, settings: Settings, spec: Spec, *, start: Fitted | None = None) -> Fitted:
        """Fit settings; go on from the fit `start` with the same settings, where there is one and that is possible.

        Raises TrainingError when there is no fit.
        """

    @abstractmethod
    def doubts(self, fitted: Fitted, spec: Spec) -> list[str]:
        """Return the reasons why a fit is no cluster structure to rely on; none, when all is well."""

    @abstractmethod
    def assigner(self, parameters: Parameters) -> Assigner:
        """Return what labels rows by these parameters; it needs no scikit-learn."""

    @abstractmethod
    def attractions(self, parameters: Parameters) -> list[Attraction]:
        """Return what every cluster costs, by label, noise first: the assigner takes the cluster of the least cost.

        A cluster may have several costs, of which the least counts.
        """

    def further(self, tried: Sequence[Tried], spec: Spec) -> list[Settings]:
        """Return settings to try beside those that were fitted without flaws; none, when that is all."""
        return []

    def is_declared(self, settings: Settings, spec: Spec) -> bool:
        """Whether settings are among those that a specification allows; others are told of and never taken."""
        return True

    def declaration(self, settings: Settings) -> str:
        """Return the keys of a model's file by which a person chooses these settings, where the criteria do not."""
        values = {key: f"{value:.4g}" if isinstance(value, float) else value for key, value in settings.items()}
        return ", ".join(f"{key}: {value}" for key, value in values.items())

    def for_share(self, settings: Settings, share: float) -> Settings:
        """Return settings for all customers as settings for a share of them."""
        return settings

    def refits(
        self, features: FloatMatrix, drawn: NDArray[np.intp], settings: Settings, spec: Spec, *, seeds: Sequence[int]
    ) -> list[Labels | None]:
        """Fit settings to each of the samples whose rows are `drawn` (b, m), and label all rows (n, d) by each fit.

        A row that is drawn twice counts twice; the labels of a row that was not drawn are those that it would get. A
        sample's labels (n,) depend on its rows and its seed alone, and are None where it cannot be fitted.
        """
        found: list[Labels | None] = []
        for rows, seed in zip(drawn, seeds, strict=True):
            try:
                fitted = self.fit(features[rows], settings, spec.model_copy(update={"seed": seed}))
            except TrainingError:
                found.append(None)
            else:
                found.append(self.assigner(fitted.parameters)(features).labels)
        return found

    def reasons_against(self, features: FloatMatrix, names: Sequence[str]) -> list[str]:
        """Return why this algorithm must not be used on features with these names, whatever its clusters look like."""
        return []

    def values_for_groups(self, features: FloatMatrix, names: Sequence[str]) -> list[str]:
        """Return which features have values that are taken for groups; they may still divide customers."""
        return []

    def figures(self, fitted: Fitted, features: FloatMatrix) -> dict[str, float]:
        """Return figures of a fit that other algorithms do not have."""
        return {}

    def outdone(self, own: Tried, rivals: Sequence[Tried]) -> list[str]:
        """Return why one of `rivals`, which have as many clusters, makes `own`, which is one of them, superfluous."""
        return []

    def is_plainer(self, one: Settings, other: Settings) -> bool:
        """Whether settings give as many clusters as others in a plainer way: they are taken where both pass."""
        return False

    def shows_groups(self, features: FloatMatrix, fitted: Fitted, spec: Spec) -> bool:
        """Whether groups of a fit to features (n, d) are so plain that no noise has to be asked."""
        return False

    def statistics(self, features: FloatMatrix, fitted: Fitted) -> dict[str, float]:
        """Return what speaks for the groups of a fit, to compare with noise: those of `least_errors`; larger is better.

        Where there is a GAP, it also has to be larger than that of fewer clusters. What does not speak for a fit with
        these settings is left out.
        """
        return {}

    def statistics_of(
        self, samples: NDArray[np.float64], settings: Settings, spec: Spec, *, seeds: Sequence[int]
    ) -> dict[str, FloatVector]:
        """Return the statistics (b,) of fits to samples (b, m, d), NaN where one cannot be fitted."""
        found: list[dict[str, float]] = []
        for rows, seed in zip(samples, seeds, strict=True):
            try:
                found.append(self.statistics(rows, self.fit(rows, settings, spec.model_copy(update={"seed": seed}))))
            except TrainingError:
                found.append({})
        names = {name for name, _ in self.least_errors}
        return {name: np.array([one.get(name, np.nan) for one in found]) for name in names}

    def rank(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the merit of a candidate among those that pass; of equals, the first that was proposed is taken."""
        return 0.0

    def likeliness(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return how near a candidate comes to groups, among those of which none passes."""
        return self.rank(clusters, figures)

    def cost(self, parameters: Parameters, own: Standardised, common: Standardised) -> float | None:
        """Return the cost that fitting lowers, a ratio scale; None where it lowers nothing.

        `own` are customers on the scale that the parameters were fitted on, `common` the same ones on the scale in
        which several costs are compared.
        """
        return None

    def rebuild(self, parameters: Parameters, settings: Settings) -> Any:
        """Return an estimator made from parameters alone, when rows have been taken out of `personal` ones."""
        raise NotImplementedError(f"{type(self).__name__} has parameters that are personal, and no estimator of them")


def places_by_column(owners: Sequence[str]) -> dict[str, list[int]]:
    """Return the places of each column's arrays, of which a number has one and a category several.

    >>> places_by_column(["channel", "channel", "spent"])
    {'channel': [0, 1], 'spent': [2]}
    """
    return {owner: [place for place, other in enumerate(owners) if other == owner] for owner in dict.fromkeys(owners)}


def canonical_order(centres: FloatMatrix) -> NDArray[np.intp]:
    """Return the order of centres (k, d) by their first feature, then the second, and so on.

    >>> canonical_order(np.array([[1.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])).tolist()
    [2, 1, 0]
    """
    return np.lexsort(centres.T[::-1])
