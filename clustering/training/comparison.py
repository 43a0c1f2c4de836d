"""A candidate beside the champion, on the same customers: what would change, and what it would cost not to."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pyarrow as pa

from clustering.algorithms import Fitted, FloatMatrix, Parameters, algorithm
from clustering.algorithms.base import NOISE, Labels, Settings, Standardised
from clustering.algorithms.silhouette import silhouette
from clustering.config import ModelSpec
from clustering.errors import ArtifactError, StoreError, TrainingError
from clustering.features import Scaling
from clustering.segments.events import Event, events_between, events_of, first_events
from clustering.segments.identity import Ids, Lineage, Overlap, moves, overlap, trace
from clustering.segments.naming import SegmentIdentity
from clustering.versions.artifacts import Artifact, ClusterSegment, segments_by_label
from clustering.versions.metrics import Comparison, NamedChange
from clustering.versions.registry import Registry, Version

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ChampionOnSample:
    """The champion, and its labels (n,) of the candidate's customers; None where it cannot label them.

    `unreadable` says why its artifact, which should be there, could not be read.
    """

    version: Version
    artifact: Artifact | None
    labels: Labels | None
    unreadable: str | None = None

    @property
    def segments(self) -> Ids | None:
        """Segment ids (n,) of the candidate's customers."""
        return None if self.labels is None else segment_ids(self.labels, self.version.clusters)


@dataclass(frozen=True)
class Kinship:
    """How a candidate's clusters descend from the champion's segments; no table where the two could not be compared."""

    table: Overlap | None
    lineage: Lineage
    survivors: Mapping[int, SegmentIdentity]


def meet(
    registry: Registry, version: Version, customers: pa.RecordBatch, *, may_retry: bool = False
) -> ChampionOnSample:
    """Let the champion label a candidate's customers, if its artifact was not pruned and its columns are still there.

    Raises StoreError where the artifact cannot be read and the caller `may_retry`.
    """
    try:
        artifact = registry.load(version)
    except (ArtifactError, StoreError) as error:
        if may_retry and isinstance(error, StoreError):
            raise
        log.warning("%s version %s cannot be compared: %s", version.model, version.version, error)
        return ChampionOnSample(version, None, None, _unreadable(version, error))
    if set(artifact.features) - set(customers.schema.names) or _lacks_values(artifact, customers):
        return ChampionOnSample(version, artifact, None)
    assigner = algorithm(artifact.algorithm).assigner(artifact.parameters)
    return ChampionOnSample(version, artifact, assigner(artifact.scaling.apply(customers)).labels)


def _lacks_values(artifact: Artifact, customers: pa.RecordBatch) -> bool:
    """Whether the version has nothing to stand for a value that some customer lacks."""
    return any(customers.column(name).null_count for name in artifact.scaling.always_present)


def _unreadable(version: Version, error: ArtifactError | StoreError) -> str | None:
    if version.artifact_pruned_at is not None:
        return None
    found = "are not what was registered" if isinstance(error, ArtifactError) else "could not be read"
    return (
        f"the files of version {version.version}, the champion, {found}: nothing was compared, and segments live on by "
        "their names alone"
    )


def kinship(champion: ChampionOnSample | None, labels: Labels, *, named: Mapping[int, str]) -> Kinship:
    """Trace a candidate's cluster labels (n,) back to the champion's segments.

    Where the champion cannot label the customers, a segment lives on in the cluster that gets its name: `named` holds
    the names that the catalogue alone would give, by cluster.
    """
    identities = {
        one.segment_id: SegmentIdentity(
            one.segment_id, one.segment_name, one.description, one.recommended_action, one.named_at
        )
        for one in (champion.version.clusters if champion else ())
        if one.segment_id
    }
    table = None
    if champion is not None and champion.segments is not None:
        table = overlap(champion.segments, labels, known=identities, clusters=int(labels.max()) + 1)
        lineage = trace(table)
    else:
        by_name = {identity.name: segment for segment, identity in identities.items()}
        lineage = Lineage({cluster: by_name[name] for cluster, name in named.items() if name in by_name}, {}, {})
    survivors = {cluster: identities[segment] for cluster, segment in lineage.survivors.items()}
    return Kinship(table, lineage, survivors)


def happened(champion: ChampionOnSample | None, kin: Kinship, clusters: tuple[ClusterSegment, ...]) -> list[Event]:
    """Return the events that a candidate with these clusters brings about when it becomes champion."""
    after = [(one.segment_id, one.segment_name) for one in clusters if one.cluster_label != NOISE]
    if champion is None:
        return first_events(dict(after))
    before = champion.version.segment_names
    if kin.table is None:
        because = f"since version {champion.version.version}, with which customers could not be compared"
        return events_between(before, dict(after), because=because)
    return events_of(kin.table, kin.lineage, before=before, after=after)


def incumbent(champion: ChampionOnSample | None, scaling: Scaling, spec: ModelSpec) -> Settings | None:
    """Return the champion's settings, which a near-tie keeps, if it has the candidate's algorithm and columns."""
    artifact = champion and champion.artifact
    return artifact.settings if artifact and _same_kind(artifact, scaling, spec) else None


def compare(
    champion: ChampionOnSample | None,
    fitted: Fitted,
    clusters: tuple[ClusterSegment, ...],
    *,
    customers: pa.RecordBatch,
    features: FloatMatrix,
    scaling: Scaling,
    spec: ModelSpec,
) -> Comparison | None:
    """Return what would change if the candidate took the champion's place; None where the two cannot be compared.

    The champion's silhouette is taken on the candidate's features (n, d).
    """
    if champion is None or champion.artifact is None or champion.labels is None or champion.segments is None:
        return None
    found = moves(champion.segments, segment_ids(fitted.labels, clusters))
    before = champion.version.segment_names
    after = {one.segment_id: one.segment_name for one in clusters}
    return Comparison(
        champion_silhouette=silhouette(features, champion.labels, seed=spec.seed),
        movement=sum(move.customers for move in found) / len(features),
        moves=tuple(
            NamedChange(**asdict(move), from_name=before[move.from_segment], to_name=after[move.to_segment])
            for move in found
        ),
        price_of_stability=price_of_stability(champion.artifact, fitted, scaling, customers, spec=spec),
    )


def segment_ids(labels: Labels, clusters: Sequence[ClusterSegment]) -> Ids:
    """Return the segment id (n,) of every cluster label (n,)."""
    return segments_by_label(clusters)[labels + 1].astype(np.int64)


def price_of_stability(
    champion: Artifact, fitted: Fitted, scaling: Scaling, customers: pa.RecordBatch, *, spec: ModelSpec
) -> float | None:
    """Return what the champion costs on these customers, over the cost of the best refit with its own settings.

    The cost is that which the algorithm minimises, a ratio scale: 1 means nothing lost. None for one that minimises
    nothing, and where algorithm or columns differ.
    """
    if not _same_kind(champion, scaling, spec):
        return None
    one, common = algorithm(spec.algorithm), _standardised(customers, scaling)
    theirs = one.cost(champion.parameters, _standardised(customers, champion.scaling), common)
    if theirs is None:
        return None
    refit = _refit(champion.settings, fitted, common.features, spec)
    ours = one.cost(refit, common, common) if refit else None
    return theirs / ours if ours else None


def _same_kind(champion: Artifact, scaling: Scaling, spec: ModelSpec) -> bool:
    theirs = (champion.algorithm, champion.scaling.columns, champion.scaling.transforms, champion.scaling.levels)
    return theirs == (spec.algorithm, scaling.columns, scaling.transforms, scaling.levels)


def _refit(settings: Settings, fitted: Fitted, features: FloatMatrix, spec: ModelSpec) -> Parameters | None:
    if dict(settings) == dict(fitted.settings):
        return fitted.parameters
    try:
        return algorithm(spec.algorithm).fit(features, settings, spec).parameters
    except TrainingError:  # too few different customers are left for as many clusters
        return None


def _standardised(customers: pa.RecordBatch, scaling: Scaling) -> Standardised:
    return Standardised(scaling.apply(customers), scaling.mean, scaling.scale)
