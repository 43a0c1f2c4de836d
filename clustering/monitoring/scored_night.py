"""A scored night with all that its shards have counted, beside the nights before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date

from clustering.config import Contract
from clustering.quality.allowances import PastFigure
from clustering.quality.comparisons import (
    NIGHT_BEFORE,
    Figure,
    ModelMovement,
    changed_days,
    key_figures,
    least_key_figures,
    model_figures,
    sampled_figures,
    source_age,
    source_figures,
    step_figures,
    unchanged_columns,
)
from clustering.quality.findings import JudgedFigure, Past, judge, judge_unchanged, remark
from clustering.quality.night_counts import NightCounts, group_sizes, merge_columns
from clustering.quality.unevenness import uneven_figure
from clustering.scoring.manifest import Run, ScoredShard, compared_moves, compared_steps
from clustering.scoring.preceding_runs import Preceding
from clustering.scoring.scored_counts import ScoredCounts
from clustering.versions.version import Version
from clustering.warehouse import Transaction

DAYS_BACK = 100  # of the nights that figures are judged by
_SHARES = ("gone", "new", "rejected", "missing", "distribution", "groups", "moved")


@dataclass(frozen=True)
class Base:
    """The night that a run is compared with; of the first date, the run that it replaces."""

    run_id: int
    as_of: date
    counts: NightCounts
    same_source: bool


@dataclass(frozen=True)
class ScoredNight:
    """A run that is scored and not published, with all that its shards have counted."""

    run: Run
    contract: Contract
    versions: Sequence[Version]
    shards: Sequence[ScoredShard]
    counts: ScoredCounts

    def source(self) -> NightCounts:
        """Return what its source looked like."""
        first = self.versions[0]
        clusters = self.counts.profiles[first.model].values()
        rejected: dict[str, int] = {}
        for one in (one for shard in self.shards for one in shard.rejections):
            subject = f"{one.column}: {one.reason}"
            rejected[subject] = rejected.get(subject, 0) + one.rows
        filled = Counter[str]()
        for shard in self.shards:
            filled.update(shard.filled)
        changes = [shard.changed_at for shard in self.shards if shard.changed_at is not None]
        return NightCounts(
            rows_read=self.counts.rows_read,
            rows_labelled=self.counts.rows_labelled,
            rejections=rejected,
            columns=merge_columns(shard.columns for shard in self.shards),
            groups=group_sizes(shard.compositions[first.model_version_id] for shard in self.shards),
            totals={
                name: str(sum(cluster.columns[name].total for cluster in clusters)) for name in self.contract.averaged
            },
            changed_at=max(changes, default=None),
            filled=dict(filled),
        )

    def movement(self, version: Version, base_run_id: int) -> ModelMovement | None:
        """Return how a version's labels differ from those of a run; None where they were not compared with it."""
        compared = compared_moves(self.shards, version.model_version_id, base_run_id)
        if compared is None:
            return None
        moves = compared.moves
        sizes = {cluster.segment_id: 0 for cluster in version.clusters}
        segment_of = {cluster.cluster_label: cluster.segment_id for cluster in version.clusters}
        for label, profile in self.counts.profiles[version.model].items():
            sizes[segment_of[label]] += profile.customers
        names = {cluster.segment_id: cluster.segment_name for cluster in version.clusters}
        is_split = all(move.by_model is not None for move in moves)
        steps = compared_steps(self.shards, version.model_version_id, base_run_id)
        return ModelMovement(version.model, moves, sizes, names, is_split, steps)


def read_base(transaction: Transaction, night: ScoredNight) -> Base | None:
    """Return the night to compare with: the latest date before, by whichever models.

    Where there is none, it is the run that this one replaces; None for the first night.
    """
    asked = {"as_of": night.run.as_of, "source_sha256": night.contract.source_digest}
    row = transaction.row("checks/base", **asked)
    return None if row is None else Base(row.run_id, row.as_of, NightCounts.from_json(row.counts), row.same_source)


def judged_figures(
    transaction: Transaction, night: ScoredNight, source: NightCounts, base: Base | None
) -> Iterator[JudgedFigure]:
    """Compare a night with its base, and judge the figures by those of the nights before."""
    run, contract = night.run, night.contract
    if source.changed_at is not None and run.source_time == "present":
        read_at = max(shard.finished_at for shard in night.shards)
        age = source_age(source.changed_at.replace(tzinfo=UTC), read_at=read_at)
        yield from judge([age], {}, contract.checks, as_of=run.as_of, days=1)
    if base is None:
        return
    if not base.same_source:
        words = (
            f"customers.yaml reads its customers otherwise than for {base.as_of}: this night is not compared with it"
        )
        yield remark("contract", "customers.yaml", words)
        return
    past, days = _past(transaction, run, contract), (run.as_of - base.as_of).days
    figures = list(source_figures(source, base.counts, least=contract.min_group))
    if base.as_of == run.as_of:
        figures += _sampled(night, base)
        replaced = [replace(one, words=one.words.replace(NIGHT_BEFORE, "the run that it replaces")) for one in figures]
        yield from judge(replaced, past, contract.checks, as_of=run.as_of, days=days)
        return
    movements = list(_movements(transaction, night, base))
    figures += key_figures(movements[0]) if movements else least_key_figures(source, base.counts)
    came_or_went = any(None in (move.from_segment, move.to_segment) for one in movements[:1] for move in one.moves)
    same_customers = source.rows_read == base.counts.rows_read and not came_or_went
    for movement in movements:
        figures += model_figures(movement, min_share=contract.checks.min_share)
        if movement.steps:
            figures += step_figures(movement.model, movement.steps)
            figures.append(uneven_figure(movement.model, movement.steps, past))
    if former := _copied_from(transaction, night, source, base):
        words = f"the source is exactly as it was on {former}, and was not on {base.as_of}"
        differs = any(one.check in _SHARES and one.value >= contract.checks.min_share for one in figures)
        yield remark("repeated", "rows", words, hold=differs)  # else an edit was taken back
    yield from judge(figures, past, contract.checks, as_of=run.as_of, days=days)
    yield from _judged_as_a_whole(contract, source, base.counts, past, same_customers=same_customers, days=days)


def _sampled(night: ScoredNight, replaced: Base) -> Iterator[Figure]:
    """Compare a sample of the customers with the run of the same date."""
    for version in night.versions:
        if steps := compared_steps(night.shards, version.model_version_id, replaced.run_id):
            yield from sampled_figures(version.model, steps)


def _judged_as_a_whole(
    contract: Contract, source: NightCounts, before: NightCounts, past: Past, *, same_customers: bool, days: int
) -> Iterator[JudgedFigure]:
    filled = {name: contract.columns[name].fill is not None for name in contract.counting_days}
    moved = changed_days(source, before, filled, days=days)
    settled = [name for name in sorted(source.columns) if name not in contract.moving]
    unchanged = unchanged_columns(source, before, settled)
    if filled and not settled and not moved:  # then counted days alone tell
        unchanged = sorted(filled)
    yield from judge_unchanged(
        unchanged, settled, past, moved=moved, same_customers=same_customers, customers=source.rows_labelled
    )


def _movements(transaction: Transaction, night: ScoredNight, base: Base) -> Iterator[ModelMovement]:
    """Yield the movement of the models that were published on the date of the base.

    One that was away has moves of many days, and shows whom it lacks; no night of one day is like that.
    """
    preceding = transaction.typed_rows(Preceding, "history/bases", run_id=night.run.run_id)
    bases = {one.model_version_id: one.base_run_id for one in preceding if one.base_as_of == base.as_of}
    for version in night.versions:
        if version.model_version_id in bases:
            movement = night.movement(version, bases[version.model_version_id])
            if movement is not None:
                yield movement


def _copied_from(transaction: Transaction, night: ScoredNight, source: NightCounts, base: Base) -> date | None:
    """Return the date of a night before the base of which the source is a copy; None where it is as the base too."""
    if replace(source, changed_at=None) == replace(base.counts, changed_at=None):
        return None
    found: date | None = transaction.scalar(
        "checks/copied_from",
        before=base.as_of,
        as_of=night.run.as_of,
        nights=DAYS_BACK,
        counts=source.to_json(),
        source_sha256=night.contract.source_digest,
    )
    return found


def _past(transaction: Transaction, run: Run, contract: Contract) -> Past:
    rows = transaction.rows("checks/past", as_of=run.as_of, nights=DAYS_BACK, source_sha256=contract.source_digest)
    found: dict[tuple[str | None, str, str], list[PastFigure]] = {}
    for row in rows:
        found.setdefault((row.model, row.check_name, row.subject), []).append(
            PastFigure(row.as_of, row.days, row.value)
        )
    return found
