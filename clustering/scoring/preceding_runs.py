"""Compare a shard's labels with those of the preceding date while the shard is staged.

The comparison is by the shard's range of keys, so that shards share the work, and stages the changes alone. Publishing
takes them only if every shard was compared with the run that then still precedes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql
from psycopg2.errors import UndefinedTable
from sqlalchemy.exc import DBAPIError

from clustering.config import Contract, KeyType
from clustering.errors import ArtifactError, StoreError
from clustering.quality.steps import CHANGED, FAR, PARTS
from clustering.scoring.label_sets import has_partition, label_set_table, partition
from clustering.scoring.labeller import Labeller, missing_columns
from clustering.scoring.usable_versions import unfilled
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction

log = logging.getLogger(__name__)

SAMPLED = 10_000  # customers of a night whose steps are counted: each is a look-up in the labels of the night before


@dataclass(frozen=True)
class Preceding:
    """The run of the preceding date, and its version, for a version of a run."""

    model_version_id: int
    base_run_id: int
    base_version_id: int
    base_as_of: date
    is_read_alike: bool  # both as the same contract says of their dates


@dataclass(frozen=True)
class Base:
    """The run that precedes for a model, and its version where that is another one and can still be asked.

    `aged_from` is its date where it may be asked what only the passing of time did since.
    """

    run_id: int
    model_version_id: int
    former: Labeller | None
    split: bool  # whether it will be known whom the change of version moved
    aged_from: date | None

    @property
    def is_same(self) -> bool:
        """Whether it is the version that labels now; of another one it can be asked, or nothing is known."""
        return self.split and self.former is None

    @property
    def table(self) -> sql.Identifier:
        """The run's labels by the version."""
        return partition(self.table_name)

    @property
    def table_name(self) -> str:
        """The name of that table."""
        return label_set_table(self.run_id, self.model_version_id)


@dataclass(frozen=True)
class Bounds:
    """A shard's range of keys; None is no bound."""

    lower: Any
    upper: Any
    key_type: KeyType

    @property
    def params(self) -> dict[str, Any]:
        """The bounds as parameters of a query."""
        return {"lower": self.lower, "upper": self.upper}


@dataclass(frozen=True)
class Compared:
    """The run that a shard's labels were compared with; `split` as in its base.

    `moves` are the customers who are not where they were, as the first fields of `Move`, and `by_time` how many of each
    only the passing of time moved; None where that is not told apart. `steps` are, of a sample and where the version is
    the same, the fields of `PartSteps` for each part of the shard, in the order of the keys.
    """

    base_run_id: int
    split: bool
    moves: Sequence[Sequence[int | None]] = ()
    by_time: Sequence[int] | None = None
    steps: Sequence[Sequence[int]] = ()


def find_bases(transaction: Transaction, registry: Registry, contract: Contract, *, run_id: int) -> dict[int, Base]:
    """Return what each version of a run is compared with: the preceding date's run. A dry run is not compared."""
    found = transaction.typed_rows(Preceding, "history/bases", run_id=run_id)
    return {preceding.model_version_id: _base(registry, contract, preceding) for preceding in found}


def find_compared(
    transaction: Transaction, registry: Registry, contract: Contract, *, run_id: int
) -> tuple[dict[int, Base], dict[int, Base]]:
    """Return what each version of a run is compared with: the preceding date's run, else the one that it replaces."""
    return find_bases(transaction, registry, contract, run_id=run_id), _find_replaced(transaction, run_id)


def _find_replaced(transaction: Transaction, run_id: int) -> dict[int, Base]:
    """Return the run that each version's labels are to take the place of, where no date precedes."""
    return {
        row.model_version_id: Base(row.base_run_id, row.model_version_id, None, split=True, aged_from=None)
        for row in transaction.rows("history/replaced", run_id=run_id)
    }


def _base(registry: Registry, contract: Contract, preceding: Preceding) -> Base:
    is_same = preceding.base_version_id == preceding.model_version_id
    former = None if is_same else _former(registry, contract, preceding.base_version_id)
    split = is_same or former is not None
    aged_from = preceding.base_as_of if split and preceding.is_read_alike else None
    return Base(preceding.base_run_id, preceding.base_version_id, former, split=split, aged_from=aged_from)


def _former(registry: Registry, contract: Contract, model_version_id: int) -> Labeller | None:
    """Return a version ready to be asked; None, with a warning, where that is no longer possible."""
    version = registry.version(model_version_id)
    named = f"{version.model} version {version.version}, which labelled the preceding date,"
    try:
        artifact = registry.load(version)
    except (ArtifactError, StoreError) as error:
        log.warning("%s cannot be asked: %s; who moved by the change of version stays unknown", named, error)
        return None
    if missing := missing_columns(artifact, contract):
        log.warning(
            "%s needs %s, which customers.yaml no longer has as a number; who moved by the change of version stays "
            "unknown",
            named,
            ", ".join(missing),
        )
        return None
    if told := unfilled(version, artifact, contract):
        log.warning("%s, so who moved by the change of version stays unknown", told)
        return None
    return Labeller.of(artifact)


def _hold(transaction: Transaction, base: Base) -> bool:
    """Return whether there are labels to compare with, which retention then leaves alone until the shard is done."""
    if not has_partition(transaction, base.table_name):
        return False
    try:
        with transaction.connection.begin_nested():
            transaction.execute("history/hold", {"base": base.table})
    except DBAPIError as error:
        if isinstance(error.orig, UndefinedTable):  # dropped in between
            return False
        raise
    return True


def stage_changes(
    transaction: Transaction,
    base: Base,
    bounds: Bounds,
    *,
    labels: sql.Identifier,
    changes: sql.Identifier,
    former: sql.Identifier | None,
) -> bool:
    """Stage the customers of a range who are not where they were.

    `former` is the table of those whom the former version puts elsewhere. False, and nothing staged, where the labels
    to compare with are gone or the source orders keys in its own way: publishing then compares the run as a whole.
    """
    names = {"table": labels, "changes": changes, "base": base.table, "key_type": sql.SQL(bounds.key_type)}
    if not _hold(transaction, base) or not transaction.scalar("history/ranges_hold", names, **bounds.params):
        return False
    transaction.execute("history/settings")
    transaction.execute("history/compare", names, **bounds.params)
    transaction.execute("scoring/hand_over", {"table": changes})
    transaction.execute("scoring/analyze", {"table": changes})
    if former is not None:
        transaction.execute("scoring/analyze", {"table": former})
        transaction.execute("history/mark_by_model", {"changes": changes, "former": former})
    return True


def count_changes(
    transaction: Transaction,
    base: Base,
    *,
    labels: sql.Identifier,
    changes: sql.Identifier,
    portion: sql.Composable,
    is_timed: bool,
) -> Compared:
    """Return what a shard was compared with, who moved, and how far the portion has come.

    Where `is_timed`, also who moved by the passing of time alone.
    """
    rows = transaction.rows("history/staged_moves", {"changes": changes})
    moves = [[row.from_segment, row.to_segment, row.customers, row.by_model] for row in rows]
    steps = _count_steps(transaction, base, labels, portion) if base.is_same else ()
    return Compared(base.run_id, base.split, moves, [row.by_time for row in rows] if is_timed else None, steps)


def compare_replaced(
    transaction: Transaction, base: Base, *, labels: sql.Identifier, portion: sql.Composable
) -> Compared | None:
    """Return how far a portion has come since the run of the same date; None where its labels are gone."""
    if not _hold(transaction, base):
        return None
    return Compared(base.run_id, base.split, steps=_count_steps(transaction, base, labels, portion))


def sampled_portion(labelled: int, shards: int) -> sql.Composable:
    """Return the clause that samples a shard of so many labels, one of so many shards: of a small night all.

    Row by row: a page has customers of one batch and cluster, who do alike, so that a sample of pages is one of few.
    """
    percent = min(100.0, 100 * SAMPLED / max(labelled * shards, 1))
    return sql.SQL("tablesample bernoulli ({}) repeatable (0)").format(sql.Literal(percent))


def _count_steps(
    transaction: Transaction, base: Base, labels: sql.Identifier, portion: sql.Composable
) -> Sequence[Sequence[int]]:
    """Count how far a sample has come. Confidences are of one version alone."""
    names = {"table": labels, "base": base.table, "portion": portion}
    rows = transaction.rows("history/steps", names, parts=PARTS, unchanged=CHANGED, far=FAR)
    return [[row.customers, row.changed, row.far, row.new] for row in rows]
