"""Attach the labels that the shards of a run have staged: tables become partitions as they are.

Nothing here takes a lock that a reader holds.
"""

from __future__ import annotations

from collections.abc import Sequence

from psycopg2 import sql

from clustering.scoring.label_sets import has_partition, partition, read_label_sets
from clustering.scoring.manifest import ScoredShard
from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table


def attach_labels(transaction: Transaction, run_id: int, shards: Sequence[ScoredShard]) -> None:
    """Attach the label sets of a run that are tables."""
    for version, one in read_label_sets(transaction, run_id).items():
        if one.folder is not None:
            continue
        _create(transaction, "publishing/create_label_set", one.table)
        for shard in shards:
            staged = shard.attempt.labels_table(version)
            transaction.execute("publishing/leave_staging", {"table": staging_table(staged)})
            _attach(transaction, one.table, partition(staged), shard.attempt.shard)
        model_table = partition(one.model_table)
        if not has_partition(transaction, one.model_table):
            _create(transaction, "publishing/create_model_table", model_table)
            _attach(transaction, sql.Identifier("segmentation", "customer_labels"), model_table, one.model)
        _attach(transaction, model_table, one.table, one.label_set)


def _create(transaction: Transaction, query: str, table: sql.Identifier) -> None:
    for step in (query, "scoring/hand_over"):
        transaction.execute(step, {"table": table})


def _attach(transaction: Transaction, parent: sql.Identifier, table: sql.Identifier, value: int | str) -> None:
    names = {"parent": parent, "table": table, "value": sql.Literal(value)}
    transaction.execute("publishing/attach", names)
