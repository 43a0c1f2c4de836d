"""Ward's hierarchical clustering, assigned to the nearest mean: an algorithm that the product does not have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np

from clustering.algorithms import Algorithm, Assigner, Assignment, Attraction, Fitted, FloatMatrix, Parameters, Settings
from clustering.algorithms.base import (
    FloatVector,
    Labels,
    Noise,
    Standardised,
    canonical_order,
)
from clustering.algorithms.blocks import assign_in_blocks, squared_distances
from clustering.algorithms.cluster_checks import require_different_rows, require_every_cluster, small_clusters
from clustering.config import ModelSpec


class WardSpec(ModelSpec):
    """Ward: the numbers of groups to try."""

    algorithm: Literal["ward"]
    """Ward."""
    groups: tuple[int, int] = (4, 6)
    """The numbers of groups to try."""

    @property
    def is_declared(self) -> bool:
        """Whether a person chose the number of groups."""
        return self.groups[0] == self.groups[1]


class Ward(Algorithm[WardSpec]):
    """Ward's method; of the parameters, `means` is (k, d)."""

    specification = WardSpec
    replicate_rows = 400
    least_errors: Mapping[tuple[str, Noise], float] = {("explained", "uniform"): 3.0}

    def propose(self, features: FloatMatrix, spec: WardSpec, *, share: float = 1.0) -> list[Settings]:
        """Return one candidate for every number of groups."""
        return [{"groups": groups} for groups in range(spec.groups[0], spec.groups[1] + 1)]

    def fit(self, features: FloatMatrix, settings: Settings, spec: WardSpec, *, start: Fitted | None = None) -> Fitted:
        """Merge customers until as many groups are left; every customer then belongs to the nearest mean."""
        from sklearn.cluster import AgglomerativeClustering

        groups = int(settings["groups"])
        require_different_rows(features, max(groups, 2))
        estimator = AgglomerativeClustering(groups).fit(features)
        means = np.stack([features[estimator.labels_ == label].mean(axis=0) for label in range(groups)])
        parameters = {"means": means[canonical_order(means)]}
        labels = self.assigner(parameters)(features).labels
        require_every_cluster(labels, groups)
        return Fitted(lambda: estimator, settings, parameters, labels)

    def doubts(self, fitted: Fitted, spec: WardSpec) -> list[str]:
        """Return a doubt for a single group and for a very small one."""
        return small_clusters(fitted.labels, clusters=len(fitted.parameters["means"]), least_share=spec.gate.min_share)

    def assigner(self, parameters: Parameters) -> Assigner:
        """Return what labels rows with the nearest mean."""

        def kernel(columns: FloatMatrix) -> tuple[Labels, FloatVector]:
            distances = np.stack([squared_distances(columns, mean) for mean in parameters["means"]])
            return distances.argmin(axis=0).astype(np.int32), 1.0 / (1.0 + distances.min(axis=0))

        def assign(features: FloatMatrix, /) -> Assignment:
            return assign_in_blocks(features, kernel)

        return assign

    def attractions(self, parameters: Parameters) -> list[Attraction]:
        """Return the squared distances from the means."""
        return [Attraction(label, mean[np.newaxis], None, 0.0) for label, mean in enumerate(parameters["means"])]

    def statistics(self, features: FloatMatrix, fitted: Fitted) -> dict[str, float]:
        """Return the share of the variance that the groups explain."""
        within = features - fitted.parameters["means"][fitted.labels]
        return {"explained": 1.0 - float((within**2).sum() / ((features - features.mean(axis=0)) ** 2).sum())}

    def rank(self, clusters: int, figures: Mapping[str, float]) -> float:
        """Return the silhouette."""
        return figures.get("silhouette", 0.0)

    def cost(self, parameters: Parameters, own: Standardised, common: Standardised) -> float:
        """Return the variance within the groups, in the common scale."""
        means = (parameters["means"] * own.scale + own.mean - common.mean) / common.scale
        return float(np.min([((common.features - mean) ** 2).sum(axis=1) for mean in means], axis=0).mean())
