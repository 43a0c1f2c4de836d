"""Customer segmentation in a PostgreSQL warehouse.

The names below are the package's face; each is loaded when it is first used, so importing the package is cheap.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clustering.config import Configuration, load_configuration
    from clustering.errors import ClusteringError, PermanentError, TransientError
    from clustering.library import Clustering, cluster
    from clustering.monitoring.alarms import watch
    from clustering.privacy.forgetting import forget
    from clustering.scoring import (
        abandon_run,
        cluster_records,
        drop_expired,
        end_of_past,
        plan_run,
        publish_run,
        score_shard,
    )
    from clustering.training import (
        approve,
        change_champion,
        draw_sample,
        drop_sample,
        end_workers,
        gate,
        preview,
        promote,
        prune,
        roll_back,
        train,
    )
    from clustering.versions.own_names import name_segment, reset_segment_name
    from clustering.versions.registry import Registry
    from clustering.warehouse import Warehouse, migrate

__all__ = [
    "Clustering",
    "ClusteringError",
    "Configuration",
    "PermanentError",
    "Registry",
    "TransientError",
    "Warehouse",
    "abandon_run",
    "approve",
    "change_champion",
    "cluster",
    "cluster_records",
    "draw_sample",
    "drop_expired",
    "drop_sample",
    "end_of_past",
    "end_workers",
    "forget",
    "gate",
    "load_configuration",
    "migrate",
    "name_segment",
    "plan_run",
    "preview",
    "promote",
    "prune",
    "publish_run",
    "reset_segment_name",
    "roll_back",
    "score_shard",
    "train",
    "watch",
]

_MODULES = {
    "clustering.config": ("Configuration", "load_configuration"),
    "clustering.errors": ("ClusteringError", "TransientError", "PermanentError"),
    "clustering.privacy.forgetting": ("forget",),
    "clustering.library": ("Clustering", "cluster"),
    "clustering.versions.registry": ("Registry",),
    "clustering.scoring": (
        "abandon_run",
        "cluster_records",
        "drop_expired",
        "end_of_past",
        "plan_run",
        "publish_run",
        "score_shard",
    ),
    "clustering.monitoring.alarms": ("watch",),
    "clustering.versions.own_names": ("name_segment", "reset_segment_name"),
    "clustering.training": (
        "approve",
        "change_champion",
        "draw_sample",
        "drop_sample",
        "end_workers",
        "gate",
        "preview",
        "promote",
        "prune",
        "roll_back",
        "train",
    ),
    "clustering.warehouse": ("Warehouse", "migrate"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
