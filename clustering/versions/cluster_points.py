"""Keep in the warehouse what `segmentation.explain_customer` computes reasons from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from clustering.algorithms.base import FloatMatrix
from clustering.features import Scaling
from clustering.segments.explanations import Attraction, attractions
from clustering.versions.artifacts import Artifact
from clustering.warehouse import Transaction

MOST_POINTS = 50_000  # core customers of a DBSCAN version; with more, its reasons come from the artifact only


def keep_explanations(transaction: Transaction, model_version_id: int, artifact: Artifact) -> None:
    """Write the features and the clusters of a version that is being registered."""
    version = {"model_version_id": model_version_id}
    transaction.insert("explaining/insert_feature", [version | record for record in _features(artifact.scaling)])
    transaction.insert("explaining/insert_cluster", [version | record for record in _clusters(attractions(artifact))])


def replace_clusters(transaction: Transaction, model_version_id: int, artifact: Artifact) -> None:
    """Write the clusters of a version anew, from an artifact that has taken the place of its former one."""
    drop_explanations(transaction, model_version_id)
    version = {"model_version_id": model_version_id}
    transaction.insert("explaining/insert_cluster", [version | record for record in _clusters(attractions(artifact))])


def drop_explanations(transaction: Transaction, model_version_id: int) -> None:
    """Remove the clusters of a version whose artifact is removed; DBSCAN's hold values of customers."""
    transaction.execute("explaining/delete_clusters", model_version_id=model_version_id)


def _features(scaling: Scaling) -> list[dict[str, Any]]:
    columns = zip(scaling.columns, scaling.transforms, scaling.mean.tolist(), scaling.scale.tolist(), strict=True)
    names = ("feature", "transform", "mean", "scale")
    return [{"place": place, **dict(zip(names, values, strict=True))} for place, values in enumerate(columns, 1)]


def _clusters(found: Sequence[Attraction]) -> list[dict[str, Any]]:
    kept = sum(len(each.points) for each in found) <= MOST_POINTS
    return [
        {
            "cluster_label": each.cluster_label,
            "points": _array(each.points) if kept else None,
            "form": None if each.form is None else _array(each.form),
            "constant": each.constant,
        }
        for each in found
    ]


def _array(values: FloatMatrix) -> str:
    """Return values row after row as PostgreSQL writes an array, every double to its last bit."""
    flat: Iterable[float] = np.ravel(values).tolist()
    return f"{{{','.join(map(repr, flat))}}}"
