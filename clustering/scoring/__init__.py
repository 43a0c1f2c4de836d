"""Score all customers with every champion: plan, shards, publishing, retention."""

from __future__ import annotations

from clustering.scoring.dates import end_of_past
from clustering.scoring.plan import abandon_run, plan_run
from clustering.scoring.posted_records import cluster_records
from clustering.scoring.publication import publish_run
from clustering.scoring.retention import drop_expired
from clustering.scoring.shards import score_shard

__all__ = ["abandon_run", "cluster_records", "drop_expired", "end_of_past", "plan_run", "publish_run", "score_shard"]
