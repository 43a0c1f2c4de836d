"""The staging tables of a run: filled by one attempt at a shard, claimed in the manifest, attached or dropped.

Each attempt writes to tables of its own, inside one transaction whose last statement claims the shard. An attempt that
dies, or finds the shard claimed or the run ended, leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.errors import RunError
from clustering.scoring.attempts import Attempt
from clustering.scoring.batch_scoring import ScoredBatch, ScoringVersion, Summary
from clustering.scoring.label_sets import LabelSet
from clustering.scoring.passing_time import Moved, PassingTime
from clustering.scoring.preceding_runs import (
    Base,
    Bounds,
    Compared,
    compare_replaced,
    count_changes,
    sampled_portion,
    stage_changes,
)
from clustering.segments.quartiles import to_bytes
from clustering.versions.artifacts import Artifact
from clustering.versions.version import Version
from clustering.warehouse import Transaction
from clustering.warehouse.copying import copy_binary, copy_text
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.staging_schema import staging_table

ROWS_WORTH_AN_INDEX_OF_SEGMENTS = 1_000_000  # 60 MB; smaller tables are read through as fast, with one lock less


@dataclass(frozen=True)
class StagedVersion:
    """A version whose labels are staged: as what, and with what they are compared."""

    label_set: LabelSet
    scoring: ScoringVersion
    base: Base | None
    replaced: Base | None = None

    @property
    def model_version_id(self) -> int:
        """The version's number among all models."""
        return self.label_set.model_version_id


def staged_versions(
    usable: Iterable[tuple[Version, Artifact]],
    label_sets: Mapping[int, LabelSet],
    bases: Mapping[int, Base],
    replaced: Mapping[int, Base] | None = None,
) -> list[StagedVersion]:
    """Return versions that can label as they are staged, with what each is compared with."""
    found = []
    for version, artifact in usable:
        base = bases.get(version.model_version_id)
        scoring = ScoringVersion.of(version.model_version_id, artifact, former=base.former if base else None)
        former = (replaced or {}).get(version.model_version_id)
        found.append(StagedVersion(label_sets[version.model_version_id], scoring, base, former))
    return found


def in_tables(versions: Iterable[StagedVersion]) -> list[StagedVersion]:
    """Return the versions whose labels are rows of tables."""
    return [version for version in versions if version.label_set.folder is None]


class Staging:
    """The tables of one attempt, within the transaction that it is given.

    `writer` is one thread: while it waits for the server to take a batch, the next one is read and labelled.
    """

    def __init__(
        self,
        transaction: Transaction,
        writer: Executor,
        contract: Contract,
        champions: Sequence[StagedVersion],
        attempt: Attempt,
        bounds: Bounds,
    ) -> None:
        self._transaction = transaction
        self._writer = writer
        self._writing: list[Future[None]] = []
        self._contract = contract
        self._champions = champions
        self._attempt = attempt
        self._bounds = bounds
        act_as_writer(transaction)
        transaction.execute("scoring/settings")
        rejected = {"table": staging_table(attempt.rejected_table)}
        for query in ("scoring/create_rejected", "scoring/hand_over"):
            transaction.execute(query, rejected)
        for champion in champions:
            names = {"table": self._labels_table(champion), "key_type": sql.SQL(contract.key_type)}
            transaction.execute("scoring/create_labels", names)
            transaction.execute("scoring/hand_over", names)
            if former := self._former_table(champion):
                transaction.execute("history/create_former", {**names, "table": former})

    def append(self, scored: ScoredBatch) -> None:
        """Have labels and rejected rows written, once the batch before is."""
        self._wait()
        if scored.rejected.num_rows:
            self._writing.append(self._writer.submit(self._write_rejected, scored.rejected))
        for champion in self._champions:
            version, former = champion.model_version_id, self._former_table(champion)
            if version in scored.labels:
                self._write_soon(self._labels_table(champion), scored.labels[version])
            if former and version in scored.elsewhere:
                self._write_soon(former, scored.elsewhere[version])

    def _write_soon(self, table: sql.Identifier, rows: pa.RecordBatch) -> None:
        self._writing.append(self._writer.submit(self._write_rows, table, rows))

    def _write_rows(self, table: sql.Identifier, rows: pa.RecordBatch) -> None:
        self._prove(copy_binary(self._transaction, "scoring/copy_labels", rows, {"table": table}), rows)

    def _write_rejected(self, rows: pa.RecordBatch) -> None:
        names = {"table": staging_table(self._attempt.rejected_table)}
        self._prove(copy_text(self._transaction, "scoring/copy_rejected", rows, names), rows)

    def _wait(self) -> None:
        """Wait until the batch before is written; raise what went wrong there."""
        while self._writing:
            self._writing.pop(0).result()

    def claim(self, summary: Summary, passing: PassingTime | None) -> bool:
        """Finish the tables and claim the shard; return False, with nothing written, if it was claimed."""
        self._wait()
        for champion in self._champions:
            self._finish(champion, summary.rows_labelled)
        compared = self._compare(passing, summary.rows_labelled)
        claimed = self._transaction.execute(
            "scoring/claim_shard",
            run_id=self._attempt.run_id,
            shard=self._attempt.shard,
            attempt=self._attempt.token,
            rows_read=summary.rows_read,
            rows_labelled=summary.rows_labelled,
            rows_rejected=summary.rows_rejected,
            reasons={"faults": [asdict(one) for one in summary.faults], "filled": summary.filled},
            profiles=_by_text(summary.profiles),
            compositions=_by_text(summary.compositions),
            measures=_by_text(summary.measures),
            columns=summary.columns,
            changed_at=summary.changed_at,
            samples=to_bytes(summary.samples),
            compared={str(version): noted and asdict(noted) for version, noted in compared.items()},
        )
        if not claimed:
            self._transaction.connection.rollback()
        return bool(claimed)

    def _finish(self, champion: StagedVersion, labelled: int) -> None:
        """Complete the labels of a champion."""
        names = {
            "table": self._labels_table(champion),
            "shard": sql.Literal(self._attempt.shard),
            **champion.label_set.constants,
        }
        for query in ("scoring/add_constants", "scoring/index_customers"):
            self._transaction.execute(query, names)
        if labelled >= ROWS_WORTH_AN_INDEX_OF_SEGMENTS:
            self._transaction.execute("scoring/index_segments", names)
        self._transaction.execute("scoring/analyze", names)

    def _compare(self, passing: PassingTime | None, labelled: int) -> dict[int, Compared | None]:
        """Stage the changes of every champion, and return by version what they were compared with."""
        moved = {one.version: one for champion in self._champions for one in self._staged_changes(champion)}
        timed = passing.tell_apart(self._transaction, list(moved.values())) if passing else set()
        portion = sampled_portion(labelled, self._transaction.scalar("scoring/shards", run_id=self._attempt.run_id))
        found: dict[int, Compared | None] = {}
        for champion in self._champions:
            labels, replaced = self._labels_table(champion), champion.replaced
            found[champion.model_version_id] = (
                compare_replaced(self._transaction, replaced, labels=labels, portion=portion) if replaced else None
            )
        for version, one in moved.items():
            labels = staging_table(self._attempt.labels_table(version))
            found[version] = count_changes(
                self._transaction,
                one.base,
                labels=labels,
                changes=one.changes,
                portion=portion,
                is_timed=version in timed,
            )
        return found

    def _staged_changes(self, champion: StagedVersion) -> Iterator[Moved]:
        """Stage the changes of a champion and yield them, if there is something to compare with."""
        if (base := champion.base) is None:
            return
        version, former = champion.model_version_id, self._former_table(champion)
        changes, labels = staging_table(self._attempt.changes_table(version)), self._labels_table(champion)
        is_staged = stage_changes(self._transaction, base, self._bounds, labels=labels, changes=changes, former=former)
        if former:
            self._transaction.execute("scoring/drop_table", {"table": former})
        if is_staged:
            aged = staging_table(self._attempt.aged_table(version))
            yield Moved(version, base, changes, aged, asked=base.former or champion.scoring.labeller)

    def _former_table(self, champion: StagedVersion) -> sql.Identifier | None:
        if champion.base is None or champion.base.former is None:
            return None
        return staging_table(self._attempt.former_table(champion.model_version_id))

    def _labels_table(self, champion: StagedVersion) -> sql.Identifier:
        return staging_table(self._attempt.labels_table(champion.model_version_id))

    def _prove(self, taken: int, rows: pa.RecordBatch) -> None:
        if taken != rows.num_rows:
            raise RunError(
                f"the warehouse took {taken} of {rows.num_rows} rows of run {self._attempt.run_id}; start a new run"
            )


def _by_text(figures: Mapping[int, Any]) -> dict[str, Any]:
    """Return figures by version as a JSON document has them."""
    return {str(version): figure for version, figure in figures.items()}
