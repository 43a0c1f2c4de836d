"""Two versions of a model side by side, or one alone: by what training has kept, and on a sample that they label."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from clustering.errors import ArtifactError, ClusteringError, DataError, RunError, SourceError, StoreError
from clustering.versions.decisions import GateCheck
from clustering.versions.metrics import NamedChange
from clustering.versions.version import Version
from clustering.warehouse.customer_values import CustomerValues
from clustering.web.backend import Backend
from clustering.web.error_answers import explain
from clustering.web.trainings import Action, ListedVersion, action, read_versions
from clustering.web.version_evidence import Evidence, read_evidence
from clustering.web.version_samples import (
    SampledVersion,
    load_artifact,
    read_sample,
    sample_version,
    segment_ids,
    valid_customers,
)
from clustering.web.views import VERSIONS_LISTED, Model, choose_model, read_models

log = logging.getLogger(__name__)

Value = TypeVar("Value")

CONFIDENCE = 1.96  # standard deviations on either side of a share: 95 %


@dataclass(frozen=True)
class Moves:
    """The customers who would be in another segment, as shares of those whom both versions labelled.

    `between` is what chance leaves open of the share, where they are a sample of today's customers.
    """

    share: float
    moves: Sequence[NamedChange]
    customers: int
    between: tuple[float, float] | None


@dataclass(frozen=True)
class Pair:
    """Two versions, with the champion among them or not; `former` is None for a first version."""

    model: Model
    listed: Sequence[ListedVersion]
    former: Version | None
    latter: Version
    champion: Version | None
    moves: Moves | None
    unknown: str | None
    checks: Sequence[GateCheck]
    verdict: str | None
    evidence: Evidence
    sampled: SampledVersion | None
    unsampled: str | None

    @property
    def is_refused(self) -> bool:
        """Whether the latter was refused, or would be."""
        return self.latter.status == "refused" or self.latter.metrics.refusal is not None

    @property
    def action(self) -> Action | None:
        """How a person makes the latter champion; None where that is not possible."""
        own = next((one for one in self.listed if one.version == self.latter.version), None)
        champion = next((one for one in self.listed if one.status == "champion"), None)
        return None if own is None else action(own, champion)

    @property
    def names(self) -> dict[int, str]:
        """The segments of both, outliers last."""
        found = {**(self.former.segment_names if self.former else {}), **self.latter.segment_names}
        return dict(sorted(found.items(), key=lambda one: (one[0] == 0, one[0])))

    @property
    def waits(self) -> bool:
        """Whether a person may still decide on the latter, which was compared with the present champion."""
        compared = self.latter.metrics.champion_version_id
        present = self.champion.model_version_id if self.champion else None
        return self.latter.status == "candidate" and compared == present


def read_pair(
    opened: Backend,
    model: str | None,
    former: int | None,
    latter: int | None,
    asked: Sequence[str | None] = (None, None),
) -> Pair:
    """Return two versions of a model, by default the candidate that waits, or else the newest, and the champion.

    `asked` are the columns to draw today's customers by. Raises DataError for a model or a version that there is not.
    """
    with opened.reading() as transaction:
        chosen = choose_model(read_models(transaction, opened.configuration), model)
        listed = read_versions(transaction, chosen.name, at_most=VERSIONS_LISTED)
    if not listed:
        raise DataError(f"{chosen.name} has not been trained yet")
    registry = opened.champions.registry
    champion = registry.champions([chosen.name]).get(chosen.name)
    waiting = [one.version for one in listed if one.status == "candidate"]
    try:
        second = registry.numbered(chosen.name, latter or (waiting or [listed[0].version])[0])
        usual = [one.version for one in listed if one.version < second.version][:1]
        if champion is not None and champion.version != second.version:
            usual = [champion.version]
        first = registry.numbered(chosen.name, former or usual[0]) if former or usual else None
    except ArtifactError as error:
        raise DataError(str(error)) from None
    with opened.reading() as transaction:
        evidence = read_evidence(transaction, second, opened.configuration.models[chosen.name])
    today = _Today(opened, chosen.name)
    moves, unknown = _moves(today, first, second)
    sampled, unsampled = _or_reason(lambda: today.see(second, asked))
    checks, verdict = _gate(opened, second, champion, evidence)
    return Pair(chosen, listed, first, second, champion, moves, unknown, checks, verdict, evidence, sampled, unsampled)


class _Today:
    """Some of today's customers, read when they are first asked for, and what versions make of them."""

    def __init__(self, opened: Backend, model: str) -> None:
        self._opened = opened
        self._model = model

    @cached_property
    def _sample(self) -> tuple[CustomerValues | None, str | None]:
        return _or_reason(lambda: read_sample(self._opened, self._model))

    def _read(self) -> CustomerValues:
        sample, reason = self._sample
        if sample is None:
            raise RunError(reason or "today's customers cannot be read")
        return sample

    def see(self, version: Version, asked: Sequence[str | None]) -> SampledVersion:
        """Return what a version makes of them."""
        artifact = load_artifact(self._opened, version)
        return sample_version(self._opened.configuration, version, artifact, self._read(), asked)

    def moves(self, former: Version, latter: Version) -> Moves:
        """Let both versions label them."""
        from clustering.segments.identity import moves

        artifacts = [load_artifact(self._opened, one) for one in (former, latter)]
        customers = valid_customers(self._read(), artifacts)
        total = customers.num_rows
        found = moves(*(segment_ids(one, customers) for one in artifacts))
        names = former.segment_names, latter.segment_names
        named = [
            NamedChange(
                one.from_segment,
                one.to_segment,
                one.customers,
                one.share,
                from_name=names[0][one.from_segment],
                to_name=names[1][one.to_segment],
            )
            for one in found
        ]
        moved = sum(one.customers for one in found)
        return Moves(moved / total, named, total, interval(moved, total))


def _moves(today: _Today, former: Version | None, latter: Version) -> tuple[Moves | None, str | None]:
    if former is None:
        return None, "there is no former version"
    told = latter.metrics.comparison
    if told is not None and latter.metrics.champion_version_id == former.model_version_id:
        customers = sum(cluster.customers for cluster in latter.clusters)
        return Moves(told.movement, told.moves, customers, None), None
    return _or_reason(lambda: today.moves(former, latter))


def _or_reason(read: Callable[[], Value]) -> tuple[Value | None, str | None]:
    """Return what is read, or why it cannot be: the rest of the page needs neither files nor the source."""
    try:
        return read(), None
    except (RunError, DataError, ArtifactError) as error:
        return None, str(error)
    except StoreError as error:
        log.warning("%s", error)
        return None, "the model store cannot be read at this moment; the server's log says why"
    except SourceError as error:
        log.warning("%s", error)
        return None, "the files of customers cannot be reached at this moment; the server's log says why"
    except (ClusteringError, DBAPIError) as error:
        log.warning("%s", error)
        return None, explain(error)


def interval(moved: int, total: int) -> tuple[float, float]:
    """Return what chance leaves open of a share, with a confidence of 95 % (Wilson).

    >>> [round(end, 3) for end in interval(0, 100)]
    [0.0, 0.037]
    """
    share, square = moved / total, CONFIDENCE**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    reach = CONFIDENCE * math.sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _gate(
    opened: Backend, latter: Version, champion: Version | None, evidence: Evidence
) -> tuple[Sequence[GateCheck], str | None]:
    """Return the gate's questions to a version, with its limits, and what it says, or has said, in all."""
    from clustering.training.promotion import judge

    if latter.status != "candidate":
        said = evidence.decision
        return (said.checks, said.reason) if said else ((), None)
    try:
        verdict = judge(latter, champion, opened.configuration.select([latter.model])[latter.model].gate)
    except RunError as error:
        return (), str(error)
    return verdict.checks, verdict.reason
