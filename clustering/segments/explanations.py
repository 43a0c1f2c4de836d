"""Why a customer is in this segment rather than in the runner-up: what each feature adds, in closed form.

Every algorithm puts a customer x into the cluster of the least cost, and every cost is a quadratic form of the distance
to the nearest of the cluster's points plus a constant: (x − p)ᵀ F (x − p) + c.

    K-Means             p the centroid, F the identity, c = 0
    Gaussian mixture    p the mean, F half the precision matrix, c = −log(weight · √det(precision / 2π)): the cost is
                        minus the logarithm of the weighted density
    DBSCAN              p the core customers, F the identity, c = 0; noise costs eps² wherever it is

The cost splits exactly over the features: feature i takes zᵢ (F z)ᵢ of z = x − p, with cross terms halved between both
of their features. That is the Shapley value of a quadratic form (Mayrhofer & Filzmoser, 2023, Econometrics and
Statistics). The difference of two such costs, the pull, splits the same way; constants stay apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import algorithm
from clustering.algorithms.base import FARTHEST, NOISE, FloatMatrix, FloatVector, Parameters
from clustering.config import AlgorithmName
from clustering.features import Scaling
from clustering.segments.rules import OUTLIERS
from clustering.segments.thresholds import rounded_number

NOBODY = -1  # the runner-up where there is only one segment
NEIGHBOURS = 4  # core customers looked at, since several can be equally near: the first of them counts

THE_ONLY_SEGMENT = "There is no other segment."


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
    def algorithm(self) -> AlgorithmName: ...
    @property
    def scaling(self) -> Scaling: ...
    @property
    def clusters(self) -> Sequence[Cluster]: ...
    @property
    def parameters(self) -> Parameters: ...


@dataclass(frozen=True)
class Attraction:
    """What a customer's distance from a cluster costs.

    `points` is (m, d), without rows for noise; `form` is (d, d), None for the identity.
    """

    cluster_label: int
    points: FloatMatrix
    form: FloatMatrix | None
    constant: float

    def terms(self, features: FloatMatrix) -> FloatMatrix:
        """Return what each feature of rows (n, d) costs; with the constant, their sum is a row's cost."""
        if not len(self.points):
            return np.zeros_like(features)
        difference = features - self._nearest(features)
        weighed = difference if self.form is None else np.einsum("ni,ij->nj", difference, self.form)
        terms: FloatMatrix = difference * weighed
        return terms

    def _nearest(self, features: FloatMatrix) -> FloatMatrix:
        if len(self.points) == 1:
            return self.points
        from scipy.spatial import cKDTree

        near = cKDTree(self.points).query(features, k=[*range(1, 1 + min(NEIGHBOURS, len(self.points)))])[1]
        near = np.sort(near, axis=1)
        squares = (features[:, np.newaxis] - self.points[near]) ** 2
        nearest: FloatMatrix = self.points[near[np.arange(len(near)), squares.sum(axis=2).argmin(axis=1)]]
        return nearest


@dataclass(frozen=True)
class Explanations:
    """Why n customers are in their segments.

    `pulls` (n, d) are the features' parts of what the runner-up would cost more, `constant` (n,) is the part of none
    of them, and `total` (n,) the sum of both. A negative pull speaks for the runner-up. `strongest` is the place of the
    feature with the largest pull. Without another segment the runner-up is NOBODY and everything is 0.
    """

    segments: NDArray[np.intp]
    runners_up: NDArray[np.intp]
    pulls: FloatMatrix
    constant: FloatVector
    total: FloatVector
    strongest: NDArray[np.intp]
    sentences: tuple[str, ...] = ()


def explain(version: Explainable, features: FloatMatrix) -> Explanations:
    """Return why rows of standardised features (n, d) are in their segments.

    The runner-up is the segment with the least cost among the others; noise only where there is no other one. Features
    count as at most FARTHEST standard deviations. Memory grows with rows × clusters × features.
    """
    features = np.clip(features, -FARTHEST, FARTHEST)
    found = attractions(version)
    segment_of = {cluster.cluster_label: cluster.segment_id for cluster in version.clusters}
    segments = np.array([segment_of[each.cluster_label] for each in found])
    labels = algorithm(version.algorithm).assigner(version.parameters)(features).labels
    own = np.searchsorted([each.cluster_label for each in found], labels)
    terms = np.stack([each.terms(features) for each in found])
    constants = np.array([each.constant for each in found])
    other = _runners_up(terms.sum(axis=2) + constants[:, np.newaxis], segments, own)
    rows = np.arange(len(features))
    pulls = terms[other, rows] - terms[own, rows]
    constant = constants[other] - constants[own]
    plain = Explanations(
        segments=segments[own],
        runners_up=np.where(other == own, NOBODY, segments[other]),
        pulls=pulls,
        constant=constant,
        total=pulls.sum(axis=1) + constant,
        strongest=pulls.argmax(axis=1),
    )
    return replace(plain, sentences=_sentences(version, features, plain))


def _runners_up(costs: FloatMatrix, segments: NDArray[np.intp], own: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return for each row the cheapest cluster (places in `costs`, (k, n)) of another segment, or `own`."""
    groups = set(segments.tolist()) - {OUTLIERS}
    barred = segments[:, np.newaxis] == segments[own]
    if len(groups) > 1:
        barred |= (segments == OUTLIERS)[:, np.newaxis]
    return np.where(barred.all(axis=0), own, np.where(barred, np.inf, costs).argmin(axis=0))


def attractions(version: Explainable) -> list[Attraction]:
    """Return what every cluster of a version costs, by cluster label."""
    return _OF[version.algorithm](version.parameters)


def _of_kmeans(parameters: Parameters) -> list[Attraction]:
    centroids = parameters["centroids"]
    return [Attraction(label, centroids[label : label + 1], None, 0.0) for label in range(len(centroids))]


def _of_gmm(parameters: Parameters) -> list[Attraction]:
    means, weights = parameters["means"], parameters["weights"]
    dimensions = means.shape[1]
    precisions = np.linalg.inv(parameters["covariances"])
    halves = (precisions + np.swapaxes(precisions, 1, 2)) / 4
    constants = -np.log(weights) - 0.5 * np.linalg.slogdet(precisions)[1] + 0.5 * dimensions * np.log(2 * np.pi)
    return [
        Attraction(label, means[label : label + 1], halves[label], float(constants[label]))
        for label in range(len(means))
    ]


def _of_dbscan(parameters: Parameters) -> list[Attraction]:
    core, labels = parameters["core"], parameters["core_labels"]
    noise = Attraction(NOISE, core[:0], None, float(parameters["eps"]) ** 2)
    return [noise, *(Attraction(int(label), core[labels == label], None, 0.0) for label in np.unique(labels))]


_OF = {"kmeans": _of_kmeans, "gmm": _of_gmm, "dbscan": _of_dbscan}


def _sentences(version: Explainable, features: FloatMatrix, found: Explanations) -> tuple[str, ...]:
    names = {cluster.segment_id: cluster.segment_name for cluster in version.clusters} | {NOBODY: ""}
    rows = np.arange(len(features))
    values = version.scaling.invert(features)[rows, found.strongest]
    pulls = found.pulls[rows, found.strongest]
    everything = np.abs(found.pulls).sum(axis=1) + np.abs(found.constant)
    shares = np.divide(pulls, everything, out=np.zeros_like(pulls), where=everything > 0)
    return tuple(
        _sentence(version.scaling.columns[place], value, share, segment=names[own], runner_up=names[other])
        for place, value, share, own, other in zip(
            *(each.tolist() for each in (found.strongest, values, shares, found.segments, found.runners_up)),
            strict=True,
        )
    )


def _sentence(column: str, value: float, share: float, *, segment: str, runner_up: str) -> str:
    if not runner_up:
        return THE_ONLY_SEGMENT
    if share <= 0:
        return f"No value pulls towards {segment} rather than {runner_up}: size and spread of the groups decide."
    spoken = column.replace("_", " ")
    return (
        f"{spoken[:1].upper()}{spoken[1:]} {rounded_number(value)} pulls most towards {segment} rather than "
        f"{runner_up}: {100 * share:.0f} % of all pulls."
    )
