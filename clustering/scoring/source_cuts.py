"""How the customers of a run are cut into shards: a table's by ranges of keys, files' by row groups."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Contract
from clustering.lake.file_source import FilePart, FileSource, cut, describe_files
from clustering.lake.repeated_keys import repeated_keys
from clustering.scoring.aged_customers import copy_aged
from clustering.scoring.replaced_tables import table_oids
from clustering.scoring.shard_costs import ShardCost, shard_cost
from clustering.warehouse import Transaction
from clustering.warehouse.order_tables import check_currency
from clustering.warehouse.source import EXACT_COUNT_BELOW, Source, describe_source, find_source
from clustering.warehouse.source_copy import hold_off_forgetting, make_copy
from clustering.warehouse.subquery import reading_errors

log = logging.getLogger(__name__)

ROWS_WORTH_A_SHARD = 100_000  # below, starting a task costs more than it saves
ROWS_A_RETRY_MAY_COST = 2_500_000
# Every shard makes a table of labels for each model, and who reads all models locks a night's tables and their indexes.
MOST_LABEL_TABLES = 45
LEAST_MOST_SHARDS = 4  # however many models there are
SAMPLED_KEYS = 200_000

AnySource = TypeVar("AnySource", Source, FileSource)


@dataclass(frozen=True)
class Wanted:
    """The night that is planned: its date, its models, and how many shards at most, if somebody said so."""

    as_of: date
    models: Sequence[str]
    workers: int
    shards: int | None = None
    is_past: bool = False
    dry_run: bool = False


@dataclass(frozen=True)
class ShardCut:
    """What one shard reads: a range of keys, None being no bound, or parts of files with its keys of several rows."""

    lower: str | None = None
    upper: str | None = None
    parts: Sequence[FilePart] | None = None
    repeated: Sequence[str] = ()


@dataclass(frozen=True)
class SourceCut(Generic[AnySource]):
    """A source and its shards; `oids` are what the database calls its tables, `aged` copies of former dates."""

    source: AnySource
    shards: Sequence[ShardCut]
    oids: Sequence[int] | None = None
    aged: Mapping[date, Source] = field(default_factory=dict)


def cut_files(contract: Contract, wanted: Wanted) -> SourceCut[FileSource]:
    """List the files of a night's date, look for keys that stand in several rows, and cut row groups into shards."""
    started, source = time.monotonic(), describe_files(contract, as_of=wanted.as_of)
    shards = cut(source.parts, _wanted_shards(source.rows, wanted))
    repeated = repeated_keys(source, shards)
    files = len({part.file for part in source.parts})
    log.info("%s rows in %s files listed in %.1f s", source.rows, files, time.monotonic() - started)
    cuts = [
        ShardCut(parts=parts, repeated=keys.cast(pa.string()).to_pylist())
        for parts, keys in zip(shards, repeated, strict=True)
    ]
    return SourceCut(source, cuts)


def cut_table(transaction: Transaction, contract: Contract, wanted: Wanted) -> SourceCut[Source]:
    """Look the source up, or make a copy of it, and cut its keys into ranges."""
    source = _table(transaction, contract, wanted)
    aged: Mapping[date, Source] = {}
    if source.kind == "copy" and not wanted.dry_run:
        aged = copy_aged(transaction, contract, wanted.models, as_of=wanted.as_of)
    oids = table_oids(transaction, source, is_past=wanted.is_past)
    bounds = shard_bounds(transaction, source, _wanted_shards(source.rows, wanted))
    _tell_cost(shard_cost(transaction, source, bounds))
    ranges = zip([None, *bounds], [*bounds, None], strict=True)
    return SourceCut(source, [ShardCut(lower, upper) for lower, upper in ranges], oids, aged)


def _table(transaction: Transaction, contract: Contract, wanted: Wanted) -> Source:
    """Return what the run will read: the source, or a copy of it that is made here."""
    if not contract.origin.materialise:
        source = describe_source(transaction, contract, as_of=wanted.as_of, is_past=wanted.is_past)
        check_currency(transaction, contract, as_of=wanted.as_of)
        return source
    hold_off_forgetting(transaction)
    started = time.monotonic()
    source = find_source(transaction, contract, as_of=wanted.as_of, is_past=wanted.is_past)
    check_currency(transaction, contract, as_of=wanted.as_of)
    copy = make_copy(transaction, source)
    log.info("%s rows of %s copied in %.1f s", copy.rows, source.name, time.monotonic() - started)
    return copy


def _tell_cost(cost: ShardCost | None) -> None:
    if cost is not None:
        log.log(logging.WARNING if cost.is_high else logging.INFO, "%s", cost.told)


def _wanted_shards(rows: int, wanted: Wanted) -> int:
    return wanted.shards or shard_count(rows, wanted.workers, models=max(len(wanted.models), 1))


def shard_count(rows: int, workers: int, *, models: int) -> int:
    """Return a multiple of the workers that have enough to do, so that no worker waits for the last shard.

    It is bounded by what readers lock, whatever the rows are: a retry may then cost more.
    """
    most = max(MOST_LABEL_TABLES // models, LEAST_MOST_SHARDS)
    busy = max(1, min(math.ceil(rows / ROWS_WORTH_A_SHARD), workers))
    rounds = math.ceil(rows / (busy * ROWS_A_RETRY_MAY_COST))
    return min(busy * rounds, most)


def shard_bounds(transaction: Transaction, source: Source, shards: int) -> list[str]:
    """Return the keys that cut the source into at most so many shards, each once; one less than there are shards."""
    if shards == 1:
        return []
    share = 100 * SAMPLED_KEYS / source.rows
    sampled = source.can_be_sampled and source.rows > max(EXACT_COUNT_BELOW, SAMPLED_KEYS)
    names = {
        "table": source.table,
        "key": source.key,
        # A seed makes the sample the same each time.
        "portion": sql.SQL("tablesample system ({}) repeatable (0)").format(sql.Literal(share))
        if sampled
        else sql.SQL(""),
    }
    with reading_errors(source.name):
        found = transaction.scalar("source/bounds", names, fractions=[number / shards for number in range(1, shards)])
    return source.bounds(found or [])
