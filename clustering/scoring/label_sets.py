"""Label sets: the labels of a run by one model, which are published, kept and dropped as one.

Each is a partition of `customer_labels`, below the partition of its model, and has the tables of its shards for
partitions. They lie in a schema of their own, which readers do not see.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from clustering.warehouse import Transaction

SCHEMA = "segmentation_partitions"


@dataclass(frozen=True)
class LabelSet:
    """A label set, with what is the same in all of its rows; `folder` is where it lies, None for a table."""

    label_set: int
    run_id: int
    model: str
    model_version_id: int
    as_of: date
    folder: str | None = None

    @property
    def table_name(self) -> str:
        """The name of its table."""
        return label_set_table(self.run_id, self.model_version_id)

    @property
    def table(self) -> sql.Identifier:
        """Its table."""
        return partition(self.table_name)

    @property
    def model_table(self) -> str:
        """The name of the table that all label sets of its model are partitions of."""
        return f"labels_{self.model}"

    @property
    def constants(self) -> dict[str, sql.Composable]:
        """The values of the columns that are the same in all of its rows."""
        return {
            "label_set": sql.Literal(self.label_set),
            "run_id": sql.Literal(self.run_id),
            "model": sql.Literal(self.model),
            "model_version_id": sql.Literal(self.model_version_id),
            "as_of": sql.Literal(self.as_of),
        }


def read_label_sets(transaction: Transaction, run_id: int) -> dict[int, LabelSet]:
    """Return the label sets of a run by the id of the version that labels them."""
    found = transaction.typed_rows(LabelSet, "scoring/label_sets", run_id=run_id)
    return {one.model_version_id: one for one in found}


def label_set_table(run_id: int, model_version_id: int) -> str:
    """Return the name of the table with a run's labels by a version."""
    return f"labels_{run_id}_{model_version_id}"


def partition(name: str) -> sql.Identifier:
    """Return the quoted name of a partition."""
    return sql.Identifier(SCHEMA, name)


def has_partition(transaction: Transaction, name: str) -> bool:
    """Return whether there is a partition of this name."""
    return bool(transaction.scalar("history/has_table", table=f'{SCHEMA}."{name}"'))
