"""Give the clusters of a new version the rule of their segment and the stability of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from clustering.algorithms.base import Labels
from clustering.config import Contract
from clustering.segments.rules import explain_segments
from clustering.versions.artifacts import ClusterSegment


def with_explanations(
    clusters: Sequence[ClusterSegment],
    customers: pa.RecordBatch,
    labels: Labels,
    *,
    features: Sequence[str],
    contract: Contract,
    medians: Mapping[str, float],
    stability: Sequence[float],
) -> tuple[ClusterSegment, ...]:
    """Return the clusters with rules learnt from the `features` of the customers (n,) with cluster `labels` (n,).

    `medians` are what stands for a missing value, beside the numbers of the contract. `stability` holds the mean
    bootstrap Jaccard of the clusters from label 0 on, nothing where it was not measured.
    """
    segment_of = np.zeros(2 + max(cluster.cluster_label for cluster in clusters), dtype=np.intp)
    for cluster in clusters:
        segment_of[cluster.cluster_label + 1] = cluster.segment_id
    fills = {name: fill for name in features if (fill := contract.columns[name].fill) is not None} | dict(medians)
    columns = [
        np.nan_to_num(
            customers.column(name).to_numpy(zero_copy_only=False).astype(np.float64), nan=fills.get(name, 0.0)
        )
        for name in features
    ]
    measured = dict(enumerate(stability))
    rules = explain_segments(np.column_stack(columns), segment_of[labels + 1], columns=features, fills=fills)
    return tuple(
        replace(
            cluster,
            rule=rule.words,
            rule_sql=rule.sql,
            rule_coverage=rule.coverage,
            rule_precision=rule.precision,
            rule_fidelity=rule.fidelity,
            stability=measured.get(cluster.cluster_label),
        )
        for cluster in clusters
        for rule in (rules[cluster.segment_id],)
    )
