"""Who a cluster is: the champion's segments found again among a candidate's clusters.

Both versions label the *same* customers, so what differs is the model's doing and not the customers'. Segment 0, the
noise, never takes part; its customers still count in the size of whatever holds them on the other side.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from clustering.algorithms.base import Labels

SURVIVES = 0.5  # Jaccard; a cluster below it is dissolved (Hennig, 2007)
MOST = 0.5
PART = 0.1  # of a split or merged segment; what is smaller are strays

Ids: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Overlap:
    """How the same customers fall into the champion's segments and into a candidate's clusters.

    `counts` (s, k) are customers per segment and cluster, `of_segments` (s,) and `of_clusters` (k,) all customers of
    each, with those that the other version calls noise.
    """

    segments: tuple[int, ...]
    counts: Ids
    of_segments: Ids
    of_clusters: Ids

    @property
    def jaccard(self) -> NDArray[np.float64]:
        """Shared customers over customers in either, (s, k)."""
        union = self.of_segments[:, np.newaxis] + self.of_clusters - self.counts
        shares: NDArray[np.float64] = self.counts / np.maximum(union, 1)
        return shares


@dataclass(frozen=True)
class Lineage:
    """What became of the champion's segments.

    `survivors` gives the segment that a cluster carries on, `splits` the clusters that a segment fell into, `merges`
    the segments that a cluster took up.
    """

    survivors: Mapping[int, int]
    splits: Mapping[int, tuple[int, ...]]
    merges: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True)
class SegmentChange:
    """Customers who are in one segment by the champion and in another by the candidate; 0 is noise."""

    from_segment: int
    to_segment: int
    customers: int
    share: float


def overlap(segments: Ids, labels: Labels, *, known: Iterable[int], clusters: int) -> Overlap:
    """Count the customers by champion's segment (n,) and candidate's cluster label (n,).

    `known` are all of the champion's segments, also those that none of the customers is in.
    """
    ids = tuple(sorted(set(known) - {0}))
    counts = [np.bincount(labels[(segments == one) & (labels >= 0)], minlength=clusters) for one in ids]
    return Overlap(
        segments=ids,
        counts=np.array(counts, dtype=np.int64).reshape(len(ids), clusters),
        of_segments=np.array([np.count_nonzero(segments == one) for one in ids], dtype=np.int64),
        of_clusters=np.bincount(labels[labels >= 0], minlength=clusters),
    )


def trace(table: Overlap) -> Lineage:
    """Find the champion's segments among the clusters.

    A segment survives in a cluster with a Jaccard overlap of at least SURVIVES; of several possible matchings that with
    the largest sum is taken (Hungarian method). Pairs below it are left out beforehand, because two poor pairs could
    outweigh a good one. Splits and merges follow MONIC (Spiliopoulou et al., 2006).
    """
    from scipy.optimize import linear_sum_assignment  # scoring does not pay for the import

    accepted = np.where(table.jaccard >= SURVIVES, table.jaccard, 0.0)
    pairs = zip(*linear_sum_assignment(accepted, maximize=True), strict=True)
    return Lineage(
        survivors={int(cluster): table.segments[row] for row, cluster in pairs if accepted[row, cluster] > 0},
        splits={
            table.segments[row]: parts
            for row, parts in _parts(table.counts, whole=table.of_segments, of_parts=table.of_clusters)
        },
        merges={
            cluster: tuple(table.segments[row] for row in parts)
            for cluster, parts in _parts(table.counts.T, whole=table.of_clusters, of_parts=table.of_segments)
        },
    )


def _parts(counts: Ids, *, whole: Ids, of_parts: Ids) -> list[tuple[int, tuple[int, ...]]]:
    """Return the rows that consist, for the most part, of two or more columns, each of which belongs mostly there."""
    belongs = (counts > MOST * of_parts) & (counts >= PART * whole[:, np.newaxis]) & (counts > 0)
    return [
        (row, tuple(map(int, np.flatnonzero(belongs[row]))))
        for row in range(len(counts))
        if belongs[row].sum() > 1 and counts[row, belongs[row]].sum() > MOST * whole[row]
    ]


def number(
    clusters: int,
    *,
    survivors: Mapping[int, int],
    fits: Mapping[int, int],
    used: Collection[int],
    named: Collection[int],
) -> list[int]:
    """Return every cluster's segment id.

    A survivor keeps its own. A new segment takes the id of the named segment that it `fits`, if the model never
    `used` it, otherwise the next one above all that the model used or that belong to a `named` segment.
    """
    taken = set(used) | set(survivors.values())
    ids = {cluster: one for cluster, one in fits.items() if one not in taken} | dict(survivors)
    following = count(max([0, *taken, *named]) + 1)
    return [ids[cluster] if cluster in ids else next(following) for cluster in range(clusters)]


def moves(before: Ids, after: Ids) -> list[SegmentChange]:
    """Return who would change segment, of the same customers (n,) by champion and candidate; the most first."""
    changed = before != after
    pairs, sizes = np.unique(np.stack([before[changed], after[changed]]), axis=1, return_counts=True)
    found = [
        SegmentChange(int(source), int(target), int(size), float(size / len(before)))
        for (source, target), size in zip(pairs.T, sizes, strict=True)
    ]
    return sorted(found, key=lambda move: (-move.customers, move.from_segment, move.to_segment))
