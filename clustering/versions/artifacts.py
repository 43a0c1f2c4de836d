"""Versions as directories of the model store: plain arrays, a readable record, and an estimator for notebooks.

    <store>/<model>/<version>-<hash>/
        parameters.npz      what scoring needs, plain arrays
        meta.json           everything else that scoring and people need; holds the SHA-256 of the others
        model.joblib        the fitted scikit-learn estimator, never read by scoring

A directory is complete as soon as it has its meta.json, and is never changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms import algorithm, algorithm_names
from clustering.algorithms.base import Parameters
from clustering.drift.reference import Reference
from clustering.errors import ArtifactError
from clustering.features import Scaling
from clustering.segments.stability_bands import stability_band
from clustering.versions.stored_files import ESTIMATOR, META, PARAMETERS, Store, require_name
from clustering.versions.stores import open_store

FORMAT = 1

Place: TypeAlias = Path | str | Store
SegmentIds = NDArray[np.int32]


@dataclass(frozen=True)
class ClusterSegment:
    """The segment that a cluster label of a version stands for, and its customers in the training sample.

    `named_at` is the centre where a name that is not the catalogue's was made. The rule is the segment's (see
    `segments.rules`), the stability its cluster's mean bootstrap Jaccard; what was not found or measured is None.
    """

    cluster_label: int
    segment_id: int
    segment_name: str
    description: str
    recommended_action: str
    customers: int
    named_at: Mapping[str, float] | None = None
    rule: str | None = None
    rule_sql: str | None = None
    rule_coverage: float | None = None
    rule_precision: float | None = None
    rule_fidelity: float | None = None
    stability: float | None = None

    @property
    def stability_band(self) -> str | None:
        """What the stability means; None where it was not measured."""
        return None if self.stability is None else stability_band(self.stability)


def segments_by_label(clusters: Sequence[ClusterSegment]) -> SegmentIds:
    """Return the segment ids (k + 1,) by cluster label + 1, so that noise (-1) comes first."""
    segments = np.zeros(2 + max(cluster.cluster_label for cluster in clusters), dtype=np.int32)
    for cluster in clusters:
        segments[cluster.cluster_label + 1] = cluster.segment_id
    return segments


@dataclass(frozen=True)
class Artifact:
    """What a version consists of, apart from its place in the registry.

    Versions of releases that did not watch nights have no reference.
    """

    model: str
    algorithm: str
    scaling: Scaling
    settings: Mapping[str, Any]
    clusters: tuple[ClusterSegment, ...]
    parameters: Parameters
    reference: Reference | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that go into the distance, in the order of the parameters."""
        return self.scaling.columns


def write_artifact(
    store: Place, artifact: Artifact, *, version: int, estimator: Any, warehouse: str | None = None
) -> tuple[str, str]:
    """Write a version's files and return its name within the store and the SHA-256 of its meta.json.

    `warehouse` is the database that is about to register it, so that its files are known there should that fail.
    """
    import joblib  # only training writes; scoring neither needs it nor pays for its import

    parameters, dumped = _npz(artifact.parameters), io.BytesIO()
    joblib.dump(estimator, dumped)
    hashes = {"parameters_sha256": _sha256(parameters), "estimator_sha256": _sha256(dumped.getvalue())}
    meta = json.dumps(_meta(artifact, version=version) | {"warehouse": warehouse} | hashes, indent=2).encode()
    digest = _sha256(meta)
    name = f"{artifact.model}/{version}-{digest[:12]}"
    open_store(store).write(name, {PARAMETERS: parameters, ESTIMATOR: dumped.getvalue(), META: meta})
    return name, digest


def read_artifact(store: Place, name: str, *, sha256: str, fresh: bool = False) -> Artifact:
    """Read a version's files, from the store itself where it has to be `fresh`.

    Otherwise what this machine has kept of them is enough. What has values of single customers is never kept, since
    they may be forgotten. Raises StoreError when a file cannot be read, ArtifactError when it is not what was
    registered, has an unknown format, or would not lie in the store.
    """
    require_name(name)
    opened = open_store(store)
    meta = json.loads(_read(opened, name, META, sha256, keep=not fresh))
    if meta.get("format") != FORMAT:
        raise ArtifactError(
            f"{opened.called(name, META)}: format {meta.get('format')!r} is unknown to this release, which reads "
            f"format {FORMAT}; install the release that trained it, or retrain the model"
        )
    keep = not fresh and not _is_personal(meta["algorithm"])
    parameters = _read(opened, name, PARAMETERS, meta["parameters_sha256"], keep=keep)
    try:
        with np.load(io.BytesIO(parameters), allow_pickle=False) as arrays:
            loaded = {key: arrays[key] for key in arrays.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{opened.called(name, PARAMETERS)}: not a file of plain arrays: {error}") from None
    return Artifact(
        model=meta["model"],
        algorithm=meta["algorithm"],
        scaling=Scaling.from_dict(meta["scaling"]),
        settings=meta["settings"],
        clusters=tuple(ClusterSegment(**cluster) for cluster in meta["clusters"]),
        parameters=loaded,
        reference=Reference.from_dict(meta["reference"]) if meta.get("reference") else None,
    )


def remove_artifact(store: Place, name: str, *, model: str, version: int) -> None:
    """Remove a version's files, if they are still there.

    Raises ArtifactError for a name of anything else, StoreError where they cannot be removed.
    """
    require_name(name)
    if not name.startswith(f"{model}/{version}-"):
        raise ArtifactError(f"the artifact {name!r} of {model} version {version} is another version's; not removed")
    open_store(store).remove(name)


def _meta(artifact: Artifact, *, version: int) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "model": artifact.model,
        "version": version,
        "algorithm": artifact.algorithm,
        "scaling": artifact.scaling.to_dict(),
        "settings": dict(artifact.settings),
        "clusters": [asdict(cluster) for cluster in artifact.clusters],
        "reference": artifact.reference.to_dict() if artifact.reference else None,
    }


def _npz(parameters: Parameters) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **dict(parameters))
    return buffer.getvalue()


def _is_personal(name: str) -> bool:
    return name not in algorithm_names() or bool(algorithm(name).personal)


def _read(store: Store, name: str, file: str, sha256: str, *, keep: bool) -> bytes:
    cache = store.cache if keep else None
    kept = cache.get(sha256) if cache else None
    if kept is not None:
        return kept
    content = store.read(name, file)
    if _sha256(content) != sha256:
        raise ArtifactError(
            f"{store.called(name, file)}: has the SHA-256 {_sha256(content)}, but {sha256} was registered; the file "
            "was changed or damaged: restore it from a backup or retrain the model"
        )
    if cache:
        cache.put(content)
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
