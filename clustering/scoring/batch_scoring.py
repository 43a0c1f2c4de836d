"""Label customers and sum them up without a database: Arrow batches in; labels, rejected rows and one summary out.

Whatever reads customers and writes labels calls this, so that a customer is labelled, rejected and counted alike
wherever they are kept. Summaries of parts add up to that of the whole, in any order and however it was cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Contract
from clustering.customers import Reading, Rejection, added_up, filled_in, split
from clustering.drift.measurements import NightMeasure
from clustering.quality.sketches import SketchAccumulator
from clustering.scoring.labeller import Labeller
from clustering.scoring.stored_keys import stored
from clustering.segments.profiles import ExactColumn, Groups, ProfileAccumulator
from clustering.segments.protected_groups import Coded, GroupAccumulator
from clustering.segments.quartiles import Hashes, Sample, SampleAccumulator, hash_keys
from clustering.versions.artifacts import Artifact, SegmentIds


@dataclass(frozen=True)
class ScoringVersion:
    """A version that labels customers, and the one that labelled the preceding date where that is another one."""

    model_version_id: int
    artifact: Artifact
    labeller: Labeller
    former: Labeller | None

    @classmethod
    def of(cls, model_version_id: int, artifact: Artifact, *, former: Labeller | None = None) -> Self:
        """Return a version ready to label, made from its artifact."""
        return cls(model_version_id, artifact, Labeller.of(artifact), former)


@dataclass(frozen=True)
class ScoredBatch:
    """What became of a batch: its rejected rows, and by version the labels of all others, cluster by cluster.

    `elsewhere` has the customers whom the former version puts into another segment, where there is such a version.
    """

    rejected: pa.RecordBatch
    labels: Mapping[int, pa.RecordBatch]
    elsewhere: Mapping[int, pa.RecordBatch]


@dataclass(frozen=True)
class Summary:
    """All that is known of a part of the customers once it is labelled; what is of a version is by its number.

    `faults` are the reasons for rejections, `filled` the customers without a value for which another stood,
    `changed_at` the latest change that they had, `columns` the counts of values and their precision.
    """

    rows_read: int
    rows_labelled: int
    rows_rejected: int
    faults: Sequence[Rejection]
    filled: Mapping[str, int]
    changed_at: datetime | None
    columns: Mapping[str, Any]
    profiles: Mapping[int, Any]
    compositions: Mapping[int, Any]
    measures: Mapping[int, Any]
    samples: Mapping[int, Sample]

    def __str__(self) -> str:
        told = filled_in(self.filled)
        return f"{self.rows_read} rows read, {self.rows_labelled} labelled, {self.rows_rejected} rejected{told}"


@dataclass(frozen=True)
class _Valid:
    """The valid customers of a batch, as every version of a run needs them."""

    rows: pa.RecordBatch
    keys: pa.Array
    hashes: Hashes
    columns: Mapping[str, ExactColumn]
    coded: Mapping[str, Coded]


class _Tally:
    """One version's figures, built up over batches."""

    def __init__(self, version: ScoringVersion, contract: Contract) -> None:
        artifact = version.artifact
        self._version = version
        self.profiles = ProfileAccumulator(contract.averaged)
        self.samples = SampleAccumulator(contract.averaged)
        self.compositions = GroupAccumulator(contract.counted)
        self.measure = NightMeasure(artifact.reference, artifact.scaling.owners)

    def label(self, valid: _Valid) -> tuple[pa.RecordBatch, pa.RecordBatch | None]:
        """Return the labels, cluster by cluster so that a segment's members lie together, and who was elsewhere."""
        labeller, former = self._version.labeller, self._version.former
        features = labeller.scaling.apply(valid.rows)
        assigned = labeller.assign(features)
        groups = Groups.of(assigned.labels)
        self.profiles.add(groups, valid.columns)
        self.samples.add(assigned.labels, valid.hashes, {name: each.values for name, each in valid.columns.items()})
        self.compositions.add(groups, valid.coded)
        self.measure.add(features, assigned)
        labels = assigned.labels[groups.order]
        ordered = {
            "cluster_label": pa.array(labels),
            "segment_id": pa.array(labeller.segments[labels.astype(np.intp) + 1]),
            "confidence": pa.array(assigned.confidence[groups.order]),
            "customer_id": valid.keys.take(pa.array(groups.order)),
        }
        if former is None:
            return pa.record_batch(ordered), None
        return pa.record_batch(ordered), _elsewhere(former, valid, labeller.segments[assigned.labels + 1])


def _elsewhere(former: Labeller, valid: _Valid, segments: SegmentIds) -> pa.RecordBatch | None:
    """Return the customers whom the former version puts into another segment than the new one; None for nobody."""
    theirs = former.segments[former.assign(former.scaling.apply(valid.rows)).labels + 1]
    place = np.flatnonzero(theirs != segments)
    if not len(place):
        return None
    return pa.record_batch({"segment_id": pa.array(theirs[place]), "customer_id": valid.keys.take(pa.array(place))})


class BatchScorer:
    """Labels batch after batch with every version, and knows what they add up to.

    Rows have the contract's columns, written as `reading` says; every row whose key is in `duplicated` is rejected.
    Memory does not grow with the rows.
    """

    def __init__(
        self,
        contract: Contract,
        versions: Sequence[ScoringVersion],
        *,
        reading: Reading,
        duplicated: pa.Array | None = None,
    ) -> None:
        self._contract = contract
        self._reading = reading
        self._duplicated = duplicated
        self._tallies = {each.model_version_id: _Tally(each, contract) for each in versions}
        self._sketches = SketchAccumulator(contract.averaged)
        self._read = self._labelled = self._rejected = 0
        self._faults: Sequence[Rejection] = ()
        self._filled: Counter[str] = Counter()
        self._changed_at: datetime | None = None

    def score(self, rows: pa.RecordBatch) -> ScoredBatch:
        """Reject and label the rows of a batch."""
        parts = split(rows, self._contract, self._reading, duplicated=self._duplicated)
        self._read += rows.num_rows
        self._labelled += parts.valid.num_rows
        self._rejected += parts.rejected.num_rows
        self._faults = added_up([*self._faults, *parts.faults])
        self._filled.update(parts.filled)
        found = self._label(parts.valid) if parts.valid.num_rows else {}
        return ScoredBatch(
            rejected=parts.rejected,
            labels={version: labels for version, (labels, _) in found.items()},
            elsewhere={version: rows for version, (_, rows) in found.items() if rows is not None},
        )

    def summary(self) -> Summary:
        """Return what all batches so far add up to."""
        repeated = 0 if self._duplicated is None else len(self._duplicated)
        return Summary(
            rows_read=self._read,
            rows_labelled=self._labelled,
            rows_rejected=self._rejected,
            faults=added_up(self._faults, duplicated=repeated),
            filled=dict(self._filled),
            changed_at=self._changed_at,
            columns=self._sketches.to_json(),
            profiles={version: tally.profiles.to_json() for version, tally in self._tallies.items()},
            compositions={version: tally.compositions.to_json() for version, tally in self._tallies.items()},
            measures={version: tally.measure.to_json() for version, tally in self._tallies.items()},
            samples={version: tally.samples.sample for version, tally in self._tallies.items()},
        )

    def _label(self, rows: pa.RecordBatch) -> dict[int, tuple[pa.RecordBatch, pa.RecordBatch | None]]:
        columns = {
            name: ExactColumn.of(rows.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False))
            for name in self._contract.averaged
        }
        self._sketches.add(columns)
        if self._contract.changed_at:
            self._note_change(rows.column(self._contract.changed_at))
        keys = stored(rows.column(self._contract.key), self._contract.key_type)
        coded = {name: Coded.of(rows.column(name)) for name in self._contract.counted}
        valid = _Valid(rows, keys, hash_keys(keys), columns, coded)
        return {version: tally.label(valid) for version, tally in self._tallies.items()}

    def _note_change(self, moments: pa.Array) -> None:
        latest = pc.max(moments.cast(pa.timestamp("us"))).as_py()
        if latest is not None:
            self._changed_at = max(latest, self._changed_at or latest)
