"""Give the clusters of a new version the rule of their segment and the stability of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pyarrow as pa

from clustering.algorithms.base import Labels
from clustering.config import Contract
from clustering.features import FloatVector, Scaling
from clustering.features.categories import codes_of
from clustering.segments.rules import explain_segments
from clustering.segments.thresholds import Level
from clustering.versions.artifacts import ClusterSegment


def with_explanations(
    clusters: Sequence[ClusterSegment],
    customers: pa.RecordBatch,
    labels: Labels,
    *,
    features: Sequence[str],
    contract: Contract,
    scaling: Scaling,
    stability: Sequence[float],
) -> tuple[ClusterSegment, ...]:
    """Return the clusters with rules learnt from the `features` of the customers (n,) with cluster `labels` (n,).

    `scaling` has the medians that stand for a missing value, beside the numbers of the contract, and the levels of
    categories, each of which a rule may name. `stability` holds the mean bootstrap Jaccard of the clusters from label 0
    on, nothing where it was not measured.
    """
    segment_of = np.zeros(2 + max(cluster.cluster_label for cluster in clusters), dtype=np.intp)
    for cluster in clusters:
        segment_of[cluster.cluster_label + 1] = cluster.segment_id
    fills = {name: fill for name in features if (fill := contract.columns[name].fill) is not None}
    fills |= dict(scaling.medians)
    columns, values = list[str | Level](), list[FloatVector]()
    for name in features:
        if levels := scaling.levels.get(name):
            codes = codes_of(customers.column(name), levels)
            columns += [Level(name, level) for level in levels]
            values += [(codes == place).astype(np.float64) for place in range(len(levels))]
        elif name not in scaling.levels:
            numbers = customers.column(name).to_numpy(zero_copy_only=False).astype(np.float64)
            columns.append(name)
            values.append(np.nan_to_num(numbers, nan=fills.get(name, 0.0)))
    measured = dict(enumerate(stability))
    rules = explain_segments(np.column_stack(values), segment_of[labels + 1], columns=columns, fills=fills)
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
