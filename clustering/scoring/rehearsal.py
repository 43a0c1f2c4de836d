"""What a night would do, found out without doing it: the contract beside the warehouse, every row, and the plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.customers import Rejection, added_up, split
from clustering.customers.refusals import limits
from clustering.errors import ArtifactError, DataError, NoChampionError, StoreError
from clustering.lake.file_columns import FileColumn
from clustering.scoring.champion_choice import choose_champions
from clustering.scoring.dates import SourceTime, require_begun, source_time
from clustering.scoring.labeller import with_values_for
from clustering.scoring.refused_runs import is_too_many
from clustering.scoring.shard_costs import shard_cost
from clustering.scoring.shard_rows import FileRows, ShardRows, TableRows
from clustering.scoring.source_cuts import Wanted, cut_files, shard_bounds, shard_count
from clustering.scoring.source_rows import compose_queries, needed_columns
from clustering.scoring.usable_versions import Usable, find_usable, unfilled
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.order_tables import check_currency
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.source import SourceColumn, describe_source

Progress = Callable[[int], object]  # is told how many rows have been read


@dataclass
class Rehearsal:
    """What was found. `problems` would make a night fail, `to_do` is left before a first one, `warnings` are neither.

    `columns`, `rows`, `rejections`, `filled` (customers without a value for which something stands, by column) and
    `night` are empty where a problem stood before them.
    """

    table: str
    columns: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    rejections: list[dict[str, Any]] = field(default_factory=list)
    filled: dict[str, int] = field(default_factory=dict)
    night: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    to_do: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON-able values."""
        return asdict(self)


@dataclass(frozen=True)
class Asked:
    """The night that is asked about; `ended_at` is when a past date ended, None for a present one."""

    as_of: date
    ended_at: datetime | None
    from_present_rows: bool
    models: Sequence[str] | None
    workers: int


def rehearse(
    warehouse: Warehouse, configuration: Configuration, registry: Registry, asked: Asked, *, progress: Progress
) -> Rehearsal:
    """Compare the contract with the warehouse, read every row as a night would, and plan one; nothing is written.

    Raises ConfigurationError for a model that is not configured and for a date that no night could take.
    """
    require_begun(asked.as_of, now=datetime.now(UTC))
    contract, chosen = configuration.contract, list(configuration.select(asked.models))
    time = source_time(contract, as_of=asked.as_of, ended_at=asked.ended_at, from_present_rows=asked.from_present_rows)
    found = Rehearsal(contract.origin.name_of(is_past=time == "dated"))
    usable = (
        _find_champions(registry, chosen, asked, contract, found) if _is_usable(warehouse, found, contract) else None
    )
    try:
        artifacts = usable.artifacts if usable else []
        needed = with_values_for((artifact for _, artifact in artifacts), needed_columns(contract))
        wanted = Wanted(asked.as_of, [version.model for version, _ in artifacts], asked.workers)
        look = _look_at_files if contract.origin.files else _look_at_table
        rows, shards = look(warehouse, contract, needed, replace(wanted, is_past=time == "dated"), found)
        if usable is not None:
            with warehouse.transaction(read_only=True) as transaction:
                found.night = _plan(transaction, asked, time, usable, chosen) | {"shards": shards}
        found.warnings += filter(None, (unfilled(*one, contract) for one in artifacts))
        _read_rows(warehouse, contract, rows, needed, found, progress)
    except DataError as error:
        found.problems.append(str(error))
    return found


def _is_usable(warehouse: Warehouse, found: Rehearsal, contract: Contract) -> bool:
    """Look whether the schema is there, for this key, and whether we may write it."""
    with warehouse.transaction(read_only=True) as transaction:
        act_as_writer(transaction)
        rights = transaction.row("rehearsal/may_write")
        if rights is None or not rights.is_migrated:
            found.to_do.append("the schema segmentation is not there yet; run `clustering migrate`")
        elif not rights.may_write:
            told = f"{rights.login} may not write the schema segmentation; grant segmentation_writer to {rights.login}"
            found.problems.append(told)
        elif (fixed := transaction.scalar("schema/key_type")) != contract.key_type:
            found.problems.append(
                f"customers.yaml says that the key {contract.key} is {contract.key_type}, and the schema segmentation "
                f"was made for {fixed}; use {fixed}, or another database"
            )
        else:
            return True
    return False


def _find_champions(
    registry: Registry, chosen: Sequence[str], asked: Asked, contract: Contract, found: Rehearsal
) -> Usable | None:
    try:
        registry.files.require_reachable()
        usable = find_usable(registry, choose_champions(registry, chosen, ended_at=asked.ended_at).values(), contract)
    except NoChampionError as error:
        found.to_do.append(str(error))
        return None
    except (ArtifactError, StoreError) as error:
        found.problems.append(str(error))
        return None
    found.problems += [f"{model} would be left out: {reason}" for model, reason in usable.reasons.items()]
    return usable


def _look_at_table(
    warehouse: Warehouse, contract: Contract, needed: Contract, wanted: Wanted, found: Rehearsal
) -> tuple[ShardRows, int]:
    """Tell what there is of the contract's table or query; return its rows, and in how many shards a night reads it."""
    with warehouse.transaction(read_only=True) as transaction:
        source = describe_source(transaction, contract, as_of=wanted.as_of, is_past=wanted.is_past)
        check_currency(transaction, contract, as_of=wanted.as_of)
        found.columns = _columns(contract, source.columns, {name: one.pg_type for name, one in source.columns.items()})
        if source.warning:
            found.warnings.append(source.warning)
        bounds = list[str]()
        if wanted.models:
            shards = shard_count(source.rows, wanted.workers, models=len(wanted.models))
            bounds = shard_bounds(transaction, source, shards)
            cost = shard_cost(transaction, source, bounds)
            if cost is not None and cost.is_high and not contract.origin.materialise:
                found.warnings.append(cost.told)
        narrowed = source.narrowed(needed)
        return TableRows(narrowed, compose_queries(transaction, narrowed, sql.SQL("true"))), len(bounds) + 1


def _look_at_files(
    warehouse: Warehouse, contract: Contract, needed: Contract, wanted: Wanted, found: Rehearsal
) -> tuple[ShardRows, int]:
    """Tell what there is of the contract's files, as of a table."""
    cuts = cut_files(contract, wanted)
    source = cuts.source
    found.columns = _columns(contract, source.columns, {name: one.found_type for name, one in source.columns.items()})
    repeated = {key for shard in cuts.shards for key in shard.repeated}
    return FileRows(needed, source.parts, sorted(repeated), wanted.as_of), len(cuts.shards)


def _columns(
    contract: Contract, there: Mapping[str, SourceColumn | FileColumn], types: Mapping[str, str]
) -> list[dict[str, Any]]:
    return [
        {
            "column": name,
            "role": contract.columns[name].role,
            "type": contract.columns[name].type,
            "found_as": there[name].header,
            "found_type": types[name],
            "factor": there[name].factor,
        }
        for name in contract.used
    ]


def _plan(
    transaction: Transaction, asked: Asked, time: SourceTime, usable: Usable, chosen: Sequence[str]
) -> dict[str, Any]:
    versions = {version.model: version.version for version, _ in usable.artifacts}
    models = list(versions)
    ended = transaction.rows("scoring/superseded_runs", as_of=asked.as_of, models=models, dry_run=False)
    replaced = transaction.rows("pointer/published_on", as_of=asked.as_of)
    return {
        "as_of": asked.as_of.isoformat(),
        "source_time": time,
        "models": versions,
        "skipped": sorted(set(chosen) - set(versions) - set(usable.reasons)),
        "failed": usable.reasons,
        "replaces": {row.model: row.run_id for row in replaced if row.model in versions},
        "ends_runs": [row.run_id for row in ended],
    }


def _read_rows(
    warehouse: Warehouse, contract: Contract, rows: ShardRows, needed: Contract, found: Rehearsal, progress: Progress
) -> None:
    """Read every row and count those that would be rejected, each column's faults apart."""
    read, rejected, faults, filled = 0, 0, list[Rejection](), Counter[str]()
    with rows.opened(warehouse) as opened:
        repeated = opened.duplicated(needed)
        for batch in opened.batches():
            parts = split(batch, needed, opened.reading, duplicated=repeated)
            read, rejected = read + batch.num_rows, rejected + parts.rejected.num_rows
            faults = added_up([*faults, *parts.faults])
            filled.update(parts.filled)
            progress(read)
    found.rows = {"read": read, "valid": read - rejected, "rejected": rejected}
    found.filled = {column: customers for column, customers in filled.items() if customers}
    found.rejections = [
        {
            "column": one.column,
            "reason": one.reason,
            "rows": one.rows,
            "example": one.example,
            "allowed": limits(contract, one.column, one.reason),
        }
        for one in added_up(faults, duplicated=0 if repeated is None else len(repeated))
    ]
    if is_too_many(contract, read=read, rejected=rejected):
        found.problems.append(
            f"{rejected:,} of {read:,} rows would be rejected, and max_rejected_share in customers.yaml allows "
            f"{contract.max_rejected_share:.0%}: a night would publish nothing; correct the source or the contract"
        )
