"""Versions as directories of the model store: plain arrays, a readable record, and an estimator for notebooks.

    <store>/<model>/<version>-<hash>/
        parameters.npz      what scoring needs, plain arrays
        meta.json           everything else that scoring and people need; holds the SHA-256 of the others
        model.joblib        the fitted scikit-learn estimator, never read by scoring

A directory appears by one rename, complete, and is never changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import Parameters
from clustering.drift.reference import Reference
from clustering.errors import ArtifactError, StoreError
from clustering.features import Scaling
from clustering.segments.stability_bands import stability_band

FORMAT = 1
META, PARAMETERS, ESTIMATOR = "meta.json", "parameters.npz", "model.joblib"

_NAME = re.compile(r"[^/\\\0]+/[0-9]+-[0-9a-f]{12}")

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


def write_artifact(store: Path, artifact: Artifact, *, version: int, estimator: Any) -> tuple[str, str]:
    """Write a version's directory and return its name within the store and the SHA-256 of its meta.json."""
    import joblib  # only training writes; scoring neither needs it nor pays for its import

    parameters, dumped = _npz(artifact.parameters), io.BytesIO()
    joblib.dump(estimator, dumped)
    hashes = {"parameters_sha256": _sha256(parameters), "estimator_sha256": _sha256(dumped.getvalue())}
    meta = json.dumps(_meta(artifact, version=version) | hashes, indent=2).encode()
    digest = _sha256(meta)
    name = f"{artifact.model}/{version}-{digest[:12]}"
    directory = _directory(store, name)
    with _draft(store, artifact.model) as draft:
        (draft / PARAMETERS).write_bytes(parameters)
        (draft / META).write_bytes(meta)
        (draft / ESTIMATOR).write_bytes(dumped.getvalue())
        draft.chmod(0o775)
        if directory.exists():  # same content: left by an attempt that could not be registered
            shutil.rmtree(directory)
        draft.replace(directory)
    return name, digest


def require_writable(store: Path, model: str) -> None:
    """Raise StoreError where no version of a model could be stored, before hours are spent on making one."""
    with _draft(store, model):
        pass


@contextmanager
def _draft(store: Path, model: str) -> Iterator[Path]:
    """Make a folder beside a model's versions, and remove it afterwards, unless it has become one of them."""
    draft = None
    try:
        (store / model).mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=store / model))
        yield draft
    except OSError as error:
        raise StoreError(
            f"{store}: no version of {model} can be written there ({error.strerror}); the model store "
            "(CLUSTERING_STORE) has to be a folder with room that this user may write to"
        ) from None
    finally:
        if draft is not None:
            shutil.rmtree(draft, ignore_errors=True)


def read_artifact(store: Path, name: str, *, sha256: str) -> Artifact:
    """Read a version's directory.

    Raises StoreError when a file cannot be read, ArtifactError when it is not what was registered, has an unknown
    format, or would not lie in the store.
    """
    directory = _directory(store, name)
    raw = _read(directory / META, sha256)
    meta = json.loads(raw)
    if meta.get("format") != FORMAT:
        raise ArtifactError(
            f"{directory / META}: format {meta.get('format')!r} is unknown to this release, which reads "
            f"format {FORMAT}; install the release that trained it, or retrain the model"
        )
    parameters = _read(directory / PARAMETERS, meta["parameters_sha256"])
    try:
        with np.load(io.BytesIO(parameters), allow_pickle=False) as arrays:
            loaded = {key: arrays[key] for key in arrays.files}
    except (ValueError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{directory / PARAMETERS}: not a file of plain arrays: {error}") from None
    return Artifact(
        model=meta["model"],
        algorithm=meta["algorithm"],
        scaling=Scaling.from_dict(meta["scaling"]),
        settings=meta["settings"],
        clusters=tuple(ClusterSegment(**cluster) for cluster in meta["clusters"]),
        parameters=loaded,
        reference=Reference.from_dict(meta["reference"]) if meta.get("reference") else None,
    )


def remove_artifact(store: Path, name: str, *, model: str, version: int) -> None:
    """Remove a version's directory, if it is still there.

    Raises ArtifactError for a name of anything else, StoreError where it cannot be removed.
    """
    directory = _directory(store, name)
    if not name.startswith(f"{model}/{version}-"):
        raise ArtifactError(f"the artifact {name!r} of {model} version {version} is another version's; not removed")
    try:
        if directory.exists():
            shutil.rmtree(directory)
    except OSError as error:
        raise StoreError(
            f"{directory}: cannot be removed ({error.strerror}); remove it, nothing needs it any more"
        ) from None


def _directory(store: Path, name: str) -> Path:
    """Return a version's directory. Names come from the warehouse, where others may write: none leads elsewhere."""
    if _NAME.fullmatch(name) and (store / name).resolve() == store.resolve() / name:
        return store / name
    raise ArtifactError(
        f"the artifact {name[:200]!r} in segmentation.model_versions lies outside of the model store, or is no "
        "version's directory of it; retrain the model, and find out who wrote that"
    )


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


def _read(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"{path}: cannot be read ({error.strerror}); every machine that runs tasks needs the same model store "
            "(CLUSTERING_STORE), otherwise restore the file from a backup or retrain the model"
        ) from None
    if _sha256(content) != sha256:
        raise ArtifactError(
            f"{path}: has the SHA-256 {_sha256(content)}, but {sha256} was registered; the file was changed or "
            "damaged: restore it from a backup or retrain the model"
        )
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
