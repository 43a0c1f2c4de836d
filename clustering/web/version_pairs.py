"""Two versions of a model side by side, by what training has kept, or else on a sample that both label."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from clustering.errors import ArtifactError, DataError, RunError
from clustering.versions.decisions import GateCheck
from clustering.versions.metrics import NamedChange
from clustering.versions.version import Version
from clustering.warehouse.customer_values import TimeLimit, customer_values
from clustering.web.backend import Backend
from clustering.web.overdue import in_time
from clustering.web.samples import SECONDS, read_night_with_labels, sample_labels
from clustering.web.trainings import ListedVersion, read_versions
from clustering.web.views import VERSIONS_LISTED, Model, choose_model, read_models

LIMIT = TimeLimit(SECONDS, 2)
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


def read_pair(opened: Backend, model: str | None, former: int | None, latter: int | None) -> Pair:
    """Return two versions of a model, by default the candidate that waits, or else the newest, and the champion.

    Raises DataError for a model or a version that there is not.
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
    moves, unknown = _moves(opened, first, second)
    checks, verdict = _gate(opened, second, champion)
    return Pair(chosen, listed, first, second, champion, moves, unknown, checks, verdict)


def _moves(opened: Backend, former: Version | None, latter: Version) -> tuple[Moves | None, str | None]:
    if former is None:
        return None, "there is no former version"
    told = latter.metrics.comparison
    if told is not None and latter.metrics.champion_version_id == former.model_version_id:
        customers = sum(cluster.customers for cluster in latter.clusters)
        return Moves(told.movement, told.moves, customers, None), None
    try:
        return _on_a_sample(opened, former, latter), None
    except (RunError, DataError, ArtifactError) as error:
        return None, str(error)


def _on_a_sample(opened: Backend, former: Version, latter: Version) -> Moves:
    """Let both versions label some of today's customers; RunError where one of them cannot."""
    from clustering.segments.identity import moves
    from clustering.training.comparison import meet  # loads scikit-learn

    registry, contract = opened.champions.registry, opened.configuration.contract
    features = [name for one in (former, latter) for name in registry.load(one).features]
    if gone := [name for name in features if name not in contract.columns]:
        raise RunError(f"the contract has no column {gone[0]} any more, which one of the versions needs")
    keys = _keys(opened, latter.model)
    with in_time("reading the sampled customers", SECONDS):
        columns = contract.only(list(dict.fromkeys(features)))
        customers = customer_values(opened.warehouse, columns, keys, limit=LIMIT).split().valid
    before, after = (meet(registry, one, customers).segments for one in (former, latter))
    if before is None or after is None or not customers.num_rows:
        raise RunError("no customer of the sample could be labelled by both versions")
    total = customers.num_rows
    found = moves(before, after)
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


def _keys(opened: Backend, model: str) -> Collection[str]:
    with in_time("drawing a sample", SECONDS), opened.reading() as transaction:
        latest = transaction.row("page/nights", models=[model])
        if latest is None:
            raise RunError(f"{model} has labelled nobody yet, so there is no sample to compare them on")
        return sample_labels(transaction, read_night_with_labels(transaction, model, latest.latest))


def interval(moved: int, total: int) -> tuple[float, float]:
    """Return what chance leaves open of a share, with a confidence of 95 % (Wilson).

    >>> [round(end, 3) for end in interval(0, 100)]
    [0.0, 0.037]
    """
    share, square = moved / total, CONFIDENCE**2
    middle = (share + square / (2 * total)) / (1 + square / total)
    reach = CONFIDENCE * math.sqrt(share * (1 - share) / total + square / (4 * total**2)) / (1 + square / total)
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _gate(opened: Backend, latter: Version, champion: Version | None) -> tuple[Sequence[GateCheck], str | None]:
    """Return the gate's questions to a candidate that waits, with its limits, and what it says in all."""
    from clustering.training.promotion import judge

    if latter.status != "candidate":
        return (), None
    try:
        verdict = judge(latter, champion, opened.configuration.select([latter.model])[latter.model].gate)
    except RunError as error:
        return (), str(error)
    return verdict.checks, verdict.reason
