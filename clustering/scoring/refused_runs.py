"""Runs that rejected too many rows: nothing is published, and their rejected rows are kept to be looked at."""

from __future__ import annotations

from collections.abc import Sequence

from clustering.config import Contract
from clustering.customers import added_up, describe_rejections
from clustering.errors import DataError, TooManyRejectedError
from clustering.scoring.endings import end_run
from clustering.scoring.manifest import Run, ScoredShard
from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table

MOST_KEPT = 100_000  # rows of a refused run, so that a wrong table of a billion rows is not copied


def too_many_rejected(
    contract: Contract, shards: Sequence[ScoredShard], *, read: int, rejected: int
) -> TooManyRejectedError | None:
    """Return the error of a run that rejected more rows than the contract allows; None where it did not.

    Raises DataError where there were no rows.
    """
    if not read:
        raise DataError(f"{contract.origin.name} had no rows when it was read; nothing was changed")
    if not is_too_many(contract, read=read, rejected=rejected):
        return None
    found = added_up(one for shard in shards for one in shard.rejections)
    said, told = (
        f"{rejected:,} of {read:,} rows were rejected: {faults}; this is more than the "
        f"{contract.max_rejected_share:.0%} that max_rejected_share in customers.yaml allows; nothing was published, "
        "and rejected_customers has the rows: correct the source or the contract"
        for faults in (
            describe_rejections(found, contract),
            describe_rejections(found, contract, with_examples=False),
        )
    )
    return TooManyRejectedError(said, told=told)


def is_too_many(contract: Contract, *, read: int, rejected: int) -> bool:
    """Return whether so many of the rows are rejected that nothing may be published."""
    return rejected > contract.max_rejected_share * read or rejected >= read


def refuse_run(transaction: Transaction, run: Run, shards: Sequence[ScoredShard], *, read: int, rejected: int) -> None:
    """End a run without publishing, keep its rejected rows, and drop what else it staged."""
    left = MOST_KEPT
    for shard in shards:
        names = {"table": staging_table(shard.attempt.rejected_table)}
        left -= transaction.execute("publishing/keep_rejected", names, run_id=run.run_id, most=left)
    note = f"{rejected:,} of {read:,} rows were rejected; see rejected_customers"
    end_run(transaction, run.run_id, note)
