"""Why a customer is in this segment rather than in the runner-up: what each feature adds, in closed form.

Every algorithm puts a customer x into the cluster of the least cost, and every cost is a quadratic form of the distance
to the nearest of the cluster's points plus a constant: (x − p)ᵀ F (x − p) + c. What p, F and c are is the algorithm's
own: see its `attractions`.

The cost splits exactly over the features: feature i takes zᵢ (F z)ᵢ of z = x − p, with cross terms halved between both
of their features. That is the Shapley value of a quadratic form (Mayrhofer & Filzmoser, 2023, Econometrics and
Statistics). The difference of two such costs, the pull, splits the same way; constants stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import algorithm
from clustering.algorithms.base import FARTHEST, FloatMatrix, FloatVector, Parameters
from clustering.errors import ArtifactError
from clustering.features import Scaling
from clustering.segments.rules import OUTLIERS
from clustering.segments.thresholds import rounded_number

NOBODY = -1  # the runner-up where there is only one segment

THE_ONLY_SEGMENT = "There is no other segment."
CHANGED = -1e-9  # of all pulls: a smaller total is no rounding error, but speaks against the label


class Cluster(Protocol):
    """The segment of a cluster label."""

    @property
    def cluster_label(self) -> int: ...
    @property
    def segment_id(self) -> int: ...
    @property
    def segment_name(self) -> str: ...


class Explainable(Protocol):
    """What reasons need of a version; an `Artifact` is one."""

    @property
    def algorithm(self) -> str: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def clusters(self) -> Sequence[Cluster]: ...
    @property
    def parameters(self) -> Parameters: ...


@dataclass(frozen=True)
class Explanations:
    """Why n customers are in their segments.

    `pulls` (n, d) are the features' parts of what the runner-up would cost more, `constant` (n,) is the part of none
    of them, and `total` (n,) the sum of both. A negative pull speaks for the runner-up. `strongest` is the place of the
    feature with the largest pull. `shares` (n, d + 1) are those of the pulls, and last of the constant, in the sum of
    their absolute values. Without another segment the runner-up is NOBODY and everything is 0.
    """

    segments: NDArray[np.intp]
    runners_up: NDArray[np.intp]
    pulls: FloatMatrix
    constant: FloatVector
    total: FloatVector
    shares: FloatMatrix
    strongest: NDArray[np.intp]
    sentences: tuple[str, ...] = ()


@dataclass(frozen=True)
class Given:
    """The cluster labels (n,) that a version gave to customers on a date, when their values may have been others."""

    labels: NDArray[np.signedinteger]
    as_of: date


def explain(version: Explainable, features: FloatMatrix, given: Given | None = None) -> Explanations:
    """Return why rows of standardised features (n, d) are in their segments, or in those of labels that were `given`.

    Where features speak against a given label, the total is negative, and the sentence says that the values have
    changed. Raises ArtifactError for a given label of a cluster that the version no longer has.

    The runner-up is the segment with the least cost among the others; noise only where there is no other one. Features
    count as at most FARTHEST standard deviations. Memory grows with rows × clusters × features.
    """
    features = np.clip(features, -FARTHEST, FARTHEST)
    found = algorithm(version.algorithm).attractions(version.parameters)
    segment_of = {cluster.cluster_label: cluster.segment_id for cluster in version.clusters}
    segments = np.array([segment_of[each.cluster_label] for each in found])
    terms = np.stack([each.terms(features) for each in found])
    constants = np.array([each.constant for each in found])
    costs = terms.sum(axis=2) + constants[:, np.newaxis]
    own = _places(
        given.labels if given else algorithm(version.algorithm).assigner(version.parameters)(features).labels,
        np.array([each.cluster_label for each in found]),
        costs,
    )
    other = _runners_up(costs, segments, own)
    rows = np.arange(len(features))
    pulls = _by_column(terms[other, rows] - terms[own, rows], version.scaling)
    constant = constants[other] - constants[own]
    parts = np.column_stack([pulls, constant])
    everything = np.abs(parts).sum(axis=1, keepdims=True)
    plain = Explanations(
        segments=segments[own],
        runners_up=np.where(other == own, NOBODY, segments[other]),
        pulls=pulls,
        constant=constant,
        total=pulls.sum(axis=1) + constant,
        shares=np.divide(parts, everything, out=np.zeros_like(parts), where=everything > 0),
        strongest=pulls.argmax(axis=1),
    )
    return replace(plain, sentences=_sentences(version, features, plain, since=given.as_of if given else None))


def _by_column(pulls: FloatMatrix, scaling: Scaling) -> FloatMatrix:
    """Return the pulls of columns; a category's is the sum of those of its levels."""
    if not scaling.levels:
        return pulls
    return np.column_stack([pulls[:, scaling.places(column)].sum(axis=1) for column in scaling.columns])


def _places(
    labels: NDArray[np.signedinteger], present: NDArray[np.signedinteger], costs: FloatMatrix
) -> NDArray[np.intp]:
    """Return the place in `present` (k,) of each row's label, of several with that label the cheapest."""
    if gone := sorted(set(labels.tolist()) - set(present.tolist())):
        raise ArtifactError(f"the version no longer has the cluster {gone[0]}, since customers were forgotten; retrain")
    found: NDArray[np.intp] = np.where(present[:, np.newaxis] == labels, costs, np.inf).argmin(axis=0)
    return found


def _runners_up(costs: FloatMatrix, segments: NDArray[np.intp], own: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each row the cheapest cluster (places in `costs`, (k, n)) of another segment, or `own`."""
    groups = set(segments.tolist()) - {OUTLIERS}
    barred = segments[:, np.newaxis] == segments[own]
    if len(groups) > 1:
        barred |= (segments == OUTLIERS)[:, np.newaxis]
    return np.where(barred.all(axis=0), own, np.where(barred, np.inf, costs).argmin(axis=0))


def _sentences(
    version: Explainable, features: FloatMatrix, found: Explanations, *, since: date | None
) -> tuple[str, ...]:
    names = {cluster.segment_id: cluster.segment_name for cluster in version.clusters} | {NOBODY: ""}
    rows = np.arange(len(features))
    values = _values(version.scaling, features, found.strongest)
    shares = found.shares[rows, found.strongest]
    changed = (found.shares.sum(axis=1) < CHANGED) & (since is not None)
    told = (found.strongest, shares, found.segments, found.runners_up, changed)
    return tuple(
        f"The values have changed since {since}: today they are nearer to {names[other]} than to {names[own]}."
        if has_changed
        else _sentence(version.scaling.columns[place], value, share, segment=names[own], runner_up=names[other])
        for value, (place, share, own, other, has_changed) in zip(
            values, zip(*(each.tolist() for each in told), strict=True), strict=True
        )
    )


def _values(scaling: Scaling, features: FloatMatrix, columns: NDArray[np.intp]) -> list[str]:
    """Return the value of one column a row (n,), in words."""
    numbers = scaling.invert(features)
    said = {
        place: scaling.category(features, column)
        if column in scaling.levels
        else [rounded_number(value) for value in numbers[:, scaling.places(column).start].tolist()]
        for place, column in enumerate(scaling.columns)
        if (columns == place).any()
    }
    return [said[place][row] for row, place in enumerate(columns.tolist())]


def _sentence(column: str, value: str, share: float, *, segment: str, runner_up: str) -> str:
    if not runner_up:
        return THE_ONLY_SEGMENT
    if share <= 0:
        return f"No value pulls towards {segment} rather than {runner_up}: size and spread of the groups decide."
    spoken = column.replace("_", " ")
    return (
        f"{spoken[:1].upper()}{spoken[1:]} {value} pulls most towards {segment} rather than "
        f"{runner_up}: {100 * share:.0f} % of all pulls."
    )
