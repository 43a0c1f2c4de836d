"""Write what each segment looks like, column by column, when a run is published."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from clustering.segments.profiles import ClusterProfile, Profile
from clustering.segments.quartiles import Sample, from_bytes
from clustering.warehouse import Row, Transaction

Profiles = Mapping[str, Mapping[int, ClusterProfile]]


def write_profiles(
    transaction: Transaction, run: Row, versions: Sequence[Row], profiles: Profiles, *, columns: Sequence[str]
) -> None:
    """Replace the profiles of a run's date and models; `profiles` holds the clusters of each model."""
    transaction.execute("publishing/delete_profiles", run_id=run.run_id, as_of=run.as_of)
    samples = _samples(transaction, run.run_id)
    for version in versions:
        sample = samples.get(version.model_version_id, Sample.empty(len(columns)))
        records = profile_rows(version.clusters, profiles[version.model], sample, columns=columns)
        named = [{**record, "as_of": run.as_of, "model": version.model, "run_id": run.run_id} for record in records]
        transaction.insert("publishing/insert_profile", named)


def profile_rows(
    clusters: Sequence[Mapping[str, Any]],
    profiles: Mapping[int, ClusterProfile],
    sample: Sample,
    *,
    columns: Sequence[str],
) -> list[dict[str, Any]]:
    """Return one record a segment and column; the clusters of one segment are taken together."""
    members: dict[int, list[int]] = {}
    for cluster in clusters:
        members.setdefault(cluster["segment_id"], []).append(cluster["cluster_label"])
    records = []
    for segment_id, labels in sorted(members.items()):
        held = [profiles[label] for label in labels if label in profiles]
        sampled = sample.of(labels)
        for place, name in enumerate(columns):
            whole = sum((cluster.columns[name] for cluster in held), Profile(0))
            first, median, third = sampled.quartiles(place) or (None, None, None)
            records.append(
                {
                    "segment_id": segment_id,
                    "column_name": name,
                    "customers": whole.present,
                    "mean": whole.mean,
                    "minimum": whole.minimum,
                    "q1": first,
                    "median": median,
                    "q3": third,
                    "maximum": whole.maximum,
                }
            )
    return records


def _samples(transaction: Transaction, run_id: int) -> dict[int, Sample]:
    """Return the sample of each version, shard by shard, since all of them at once may be large."""
    merged: dict[int, Sample] = {}
    for shard in transaction.rows("publishing/shards", run_id=run_id):
        content = transaction.scalar("publishing/samples", run_id=run_id, shard=shard.shard)
        for version, sample in from_bytes(bytes(content)).items():
            merged[version] = merged[version].joined(sample) if version in merged else sample
    return merged
