"""What the training of a version has tried, what speaks against each of it, and what would use it all the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from clustering.algorithms import algorithm, algorithm_names
from clustering.config import ModelSpec, declared_lines
from clustering.errors import ConfigurationError
from clustering.versions.decisions import GateCheck
from clustering.versions.documents import known_fields
from clustering.versions.version import Version
from clustering.warehouse import Transaction

if TYPE_CHECKING:
    from clustering.training.criterion_limits import Criterion


@dataclass(frozen=True)
class Tried:
    """A candidate of a training; `verdict` is what speaks against it, in words."""

    settings: Mapping[str, Any]
    chosen: bool
    verdict: str
    clusters: int | None
    figures: Mapping[str, Any]

    @property
    def in_words(self) -> str:
        """Its settings in one line."""
        return ", ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self.settings.items()
        )


@dataclass(frozen=True)
class TrainedAs:
    """What a version's row says of its training."""

    algorithm: str
    sample_rows: int
    trained_at: datetime


@dataclass(frozen=True)
class LastWord:
    """What was decided last on a version, by whom, and by which of the gate's limits."""

    decision: str
    reason: str
    decided_by: str
    decided_at: datetime
    checks: Sequence[GateCheck]

    @classmethod
    def of_columns(cls, *, checks: Sequence[Mapping[str, Any]], **columns: Any) -> Self:
        """Return what the columns of a row say; the one of JSON is read."""
        return cls(checks=[GateCheck(**known_fields(GateCheck, check)) for check in checks], **columns)


@dataclass(frozen=True)
class Evidence:
    """The training of a version, its candidates, the chosen one first, and the criteria that they were asked.

    `declaration` are the lines of the model's file by which the clusters are used although they were refused, None
    where there are none. `criteria` is empty where the model's file now names another algorithm.
    """

    training: TrainedAs
    candidates: Sequence[Tried]
    criteria: Sequence[Criterion]
    declaration: str | None
    decision: LastWord | None

    @property
    def chosen(self) -> Tried | None:
        """The candidate that became the version; None where an older release kept none."""
        return next((one for one in self.candidates if one.chosen), None)

    @property
    def fails(self) -> list[str]:
        """What the limits that the chosen candidate does not keep mean for customers."""
        figures = self.chosen.figures if self.chosen else {}
        return [one.fails for one in self.asked(figures) if one.holds(figures) is False]

    def asked(self, figures: Mapping[str, Any]) -> list[Criterion]:
        """Return the criteria, each once: of several statistics for the same question the one that was measured."""
        from clustering.training.criterion_limits import asked

        return asked(self.criteria, figures)


def read_evidence(transaction: Transaction, version: Version, spec: ModelSpec) -> Evidence:
    """Return what the warehouse knows of a version's training, whatever has become of its files."""
    from clustering.training.criterion_limits import criteria_of

    identity = version.model_version_id
    training = transaction.typed_row(TrainedAs, "page/training", model_version_id=identity)
    if training is None:
        raise ConfigurationError(f"version {version.version} of {version.model} is gone")
    candidates = transaction.typed_rows(Tried, "page/candidates", model_version_id=identity)
    return Evidence(
        training,
        candidates,
        criteria_of(spec) if training.algorithm == spec.algorithm else (),
        _declaration(version, training, candidates, spec),
        transaction.typed_row(LastWord.of_columns, "page/decision", model_version_id=identity),
    )


def _declaration(version: Version, training: TrainedAs, candidates: Sequence[Tried], spec: ModelSpec) -> str | None:
    """Return the lines by which a refused version is used; what an older release has not kept follows from settings."""
    declared = version.metrics.declaration
    chosen = next((one for one in candidates if one.chosen), None)
    is_older = declared is None and (version.metrics.refusal or "").startswith("no cluster structure")
    if is_older and chosen is not None and training.algorithm in algorithm_names():
        declared = algorithm(training.algorithm).declaration(chosen.settings)
    if declared is None:
        return None
    other = "" if training.algorithm == spec.algorithm else f"algorithm: {training.algorithm}\n"
    return other + declared_lines(declared)
