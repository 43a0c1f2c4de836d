"""The staging tables of a run: filled by one attempt at a shard, claimed in the manifest, attached or dropped.

Each attempt writes to tables of its own, inside one transaction whose last statement claims the shard. An attempt that
dies, or finds the shard claimed or the run ended, leaves nothing behind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from psycopg2 import sql

from clustering.algorithms import Assigner
from clustering.config import Contract, KeyType
from clustering.customers import Split
from clustering.errors import RunError
from clustering.features import Scaling
from clustering.segments.profiles import ExactColumn, ProfileAccumulator
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.bulk import ArrowConnection

SCHEMA = "segmentation_staging"


@dataclass(frozen=True)
class Attempt:
    """One try at one shard; its token makes its tables its own."""

    run_id: int
    shard: int
    token: str

    def labels_table(self, model_version_id: int) -> str:
        """Name of the table with the shard's labels by one version."""
        return f"labels_{self.run_id}_{self.shard}_{model_version_id}_{self.token}"

    @property
    def rejected_table(self) -> str:
        """Name of the table with the shard's rejected rows."""
        return f"rejected_{self.run_id}_{self.shard}_{self.token}"


@dataclass(frozen=True)
class Champion:
    """A version ready to score, and the profiles of what it has labelled."""

    model_version_id: int
    scaling: Scaling
    assign: Assigner
    segments: npt.NDArray[np.int32]  # segment id by cluster label + 1, so that noise (-1) comes first
    profiles: ProfileAccumulator


class Staging:
    """The tables of one attempt, within the writer's transaction."""

    def __init__(
        self,
        warehouse: Warehouse,
        writer: ArrowConnection,
        contract: Contract,
        champions: Sequence[Champion],
        attempt: Attempt,
    ) -> None:
        self._warehouse = warehouse
        self._writer = writer
        self._contract = contract
        self._champions = champions
        self._attempt = attempt
        with warehouse.transaction(read_only=True) as transaction:
            for statement in self._create(transaction):
                writer.execute(statement)
            self._finish = list(self._finishing(transaction))

    def append(self, parts: Split) -> None:
        """Label the valid rows with every champion and write labels and rejected rows."""
        if parts.rejected.num_rows:
            self._write(self._attempt.rejected_table, parts.rejected)
        if not parts.valid.num_rows:
            return
        columns = {
            name: ExactColumn.of(parts.valid.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False))
            for name in self._contract.averaged
        }
        keys = _ingestible(parts.valid.column(self._contract.key), self._contract.key_type)
        for champion in self._champions:
            assigned = champion.assign(champion.scaling.apply(parts.valid))
            champion.profiles.add(assigned.labels, columns)
            labels = {
                "customer_id": keys,
                "cluster_label": pa.array(assigned.labels),
                "segment_id": pa.array(champion.segments[assigned.labels + 1]),
                "confidence": pa.array(assigned.confidence),
            }
            self._write(self._attempt.labels_table(champion.model_version_id), pa.record_batch(labels))

    def claim(self, *, read: int, labelled: int, reasons: Mapping[str, int]) -> bool:
        """Finish the tables, claim the shard and commit; return False, with nothing written, if it was claimed."""
        for statement in self._finish:
            self._writer.execute(statement)
        names = {
            "run_id": self._attempt.run_id,
            "shard": self._attempt.shard,
            "attempt": self._attempt.token,
            "rows_read": read,
            "rows_labelled": labelled,
            "rows_rejected": sum(reasons.values()),
            "reasons": json.dumps(reasons),
            "profiles": json.dumps({each.model_version_id: each.profiles.to_json() for each in self._champions}),
        }
        with self._warehouse.transaction(read_only=True) as transaction:
            claim = transaction.compose(
                "scoring/claim_shard", {name: sql.Literal(value) for name, value in names.items()}
            )
        if not self._writer.table(claim).num_rows:
            return False
        self._writer.commit()
        return True

    def _create(self, transaction: Transaction) -> Iterator[str]:
        yield transaction.compose("scoring/create_rejected", {"table": staging_table(self._attempt.rejected_table)})
        for champion in self._champions:
            names = {
                "table": staging_table(self._attempt.labels_table(champion.model_version_id)),
                "key_type": sql.SQL(self._contract.key_type),
            }
            yield transaction.compose("scoring/create_labels", names)

    def _finishing(self, transaction: Transaction) -> Iterator[str]:
        for champion in self._champions:
            names = {
                "table": staging_table(self._attempt.labels_table(champion.model_version_id)),
                "run_id": sql.Literal(self._attempt.run_id),
                "model_version_id": sql.Literal(champion.model_version_id),
                "shard": sql.Literal(self._attempt.shard),
            }
            for query in ("scoring/add_constants", "scoring/index_customers", "scoring/index_segments"):
                yield transaction.compose(query, names)
            yield transaction.compose("scoring/analyze", names)

    def _write(self, table: str, rows: pa.RecordBatch) -> None:
        taken = self._writer.append(SCHEMA, table, rows)
        if taken != rows.num_rows:
            raise RunError(f"the warehouse took {taken} of {rows.num_rows} rows into {SCHEMA}.{table}; start a new run")


def drop_staged(transaction: Transaction, run_id: int) -> None:
    """Drop every staging table of a run."""
    for row in transaction.rows("scoring/staged_tables", pattern=rf"^(labels|rejected)_{run_id}_"):
        transaction.execute("scoring/drop_table", {"table": staging_table(row.name)})


def staging_table(name: str) -> sql.Identifier:
    """Return the quoted name of a staging table."""
    return sql.Identifier(SCHEMA, name)


def _ingestible(keys: pa.Array, key_type: KeyType) -> pa.Array:
    """Give keys the Arrow type that ADBC writes into a column of the key's type."""
    if key_type != "uuid":
        return keys
    digits = "".join(keys.to_pylist()).replace("-", "")
    storage = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(16), len(keys), [None, pa.py_buffer(bytes.fromhex(digits))]
    )
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)
