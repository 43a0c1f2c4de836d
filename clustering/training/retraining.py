"""Retrain models: sample, train, decide.

A retrain that fails at any point leaves the champion as it was.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.customers import Reading, added_up, as_keys, describe_rejections, split
from clustering.errors import DataError
from clustering.lake.file_source import FileSource, describe_files
from clustering.training.build import build
from clustering.training.comparison import meet
from clustering.training.sample_of_files import copy_sample
from clustering.versions.own_names import own_names
from clustering.versions.registry import Registry
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.order_tables import check_currency
from clustering.warehouse.roles import act_as_writer
from clustering.warehouse.source import Source, find_source, require_rows
from clustering.warehouse.source_copy import hold_off_forgetting
from clustering.warehouse.staging_schema import staging_table
from clustering.warehouse.subquery import reading_errors

log = logging.getLogger(__name__)

STALE_HOURS = 24


def draw_sample(
    warehouse: Warehouse, configuration: Configuration, *, models: Sequence[str] | None, requested_by: str
) -> dict[str, Any]:
    """Copy a deterministic sample of the source into a staging table and return its name.

    The same keys are drawn each time, whatever the order of the rows, and from a table as from files: those whose text
    has the smallest MD5.
    """
    chosen = configuration.select(models)
    drawn_at = datetime.now(UTC)
    name = f"sample_{drawn_at:%Y%m%d%H%M%S}_{secrets.token_hex(4)}"
    most, contract = max(spec.sample_rows for spec in chosen.values()), configuration.contract
    with warehouse.transaction() as transaction:
        hold_off_forgetting(transaction)
        _drop_stale_samples(transaction)
        source: Source | FileSource
        if contract.origin.files is not None:
            source = describe_files(contract, as_of=drawn_at.date())
            rows = copy_sample(transaction, source, sample=staging_table(name), rows=most)
        else:
            source = find_source(transaction, contract, as_of=drawn_at.date())
            check_currency(transaction, contract)
            rows = _copy_table(transaction, source, sample=staging_table(name), rows=most)
        transaction.execute("scoring/hand_over", {"table": staging_table(name)})
    log.info("sample %s: %s rows of %s for %s", name, rows, source.name, requested_by)
    if source.warning:
        log.warning("%s", source.warning)
    return {"sample": name, "models": list(chosen), "rows": rows, "warning": source.warning}


def _copy_table(transaction: Transaction, source: Source, *, sample: sql.Identifier, rows: int) -> int:
    names = {
        "sample": sample,
        "columns": source.select_list(),
        "key": source.key,
        "table": source.table,
        "rows": sql.Literal(rows),
    }
    with reading_errors(source.name):
        drawn = transaction.execute("training/create_sample", names)
    require_rows(source, drawn)
    return drawn


def drop_sample(warehouse: Warehouse, *, sample: str) -> None:
    """Drop a sample's staging table, if it is still there."""
    with warehouse.transaction() as transaction:
        act_as_writer(transaction)
        if _is_there(transaction, sample):
            transaction.execute("scoring/drop_table", {"table": staging_table(sample)})


def train(
    warehouse: Warehouse,
    configuration: Configuration,
    registry: Registry,
    *,
    model: str,
    sample: str,
    may_retry: bool = False,
) -> dict[str, Any]:
    """Train a model on a sample and register the result as a candidate.

    Where the champion's files cannot be read, StoreError is raised if the caller `may_retry`; otherwise the candidate
    says so, and the gate holds it for a person, as it does where a night of these customers is held. Raises
    TrainingError with the reason when no version can be made from these customers, DataError when no row of the sample
    is valid, StoreError where no version can be written.
    """
    started = time.monotonic()
    spec = configuration.select([model])[model]
    contract = configuration.contract
    registry.files.require_writable(model)
    customers, rejected = read_sample(warehouse, contract, sample=sample, rows=spec.sample_rows)
    champion = registry.champions([model]).get(model)
    with warehouse.transaction(read_only=True) as transaction:
        own = own_names(transaction, [model])[model]
        doubt = _doubt(transaction)
    built = build(
        model,
        configuration,
        customers,
        champion=meet(registry, champion, customers, may_retry=may_retry) if champion else None,
        taken=registry.segment_ids(model),
        reserved={row.segment_name for row in own.values() if row.segment_name},
        sample_rule=f"up to {spec.sample_rows} rows of {contract.origin.name} with the smallest "
        f"md5 of {contract.key} as text, the valid ones of them",
        rejected=rejected,
    )
    training = replace(built.training, metrics=replace(built.training.metrics, doubt=doubt))
    version = registry.register(built.artifact, training, estimator=built.estimator)
    log.info("%s version %s: %s, %.1f s", model, version.version, version.metrics.numbers, time.monotonic() - started)
    return {
        "model": model,
        "model_version_id": version.model_version_id,
        "version": version.version,
        "structure": version.structure,
        "refusal": version.metrics.refusal,
        "metrics": version.metrics.numbers,
        "champion_version_id": champion.model_version_id if champion else None,
    }


def _is_there(transaction: Transaction, sample: str) -> bool:
    """Return whether there is a sample of this name, which comes from a task and may be anything."""
    return any(row.name == sample for row in transaction.rows("scoring/staged_tables", pattern="^sample_"))


def _doubt(transaction: Transaction) -> str | None:
    """Return why the customers of a training may be the wrong ones: a night of theirs is held; None where none is."""
    held = transaction.row("training/held_run")
    if held is None:
        return None
    return f"run {held.run_id} as of {held.as_of} is held, so what this version was trained on may be wrong"


def read_sample(warehouse: Warehouse, contract: Contract, *, sample: str, rows: int) -> tuple[pa.RecordBatch, int]:
    """Return the valid customers among the first rows of a sample, in its order, and how many are not valid.

    Raises DataError when the sample is gone or none of its rows is valid.
    """
    with warehouse.transaction(read_only=True) as transaction:
        if not _is_there(transaction, sample):
            raise DataError(f"the sample {sample} is gone; start the retraining again")
        reading = _reading(transaction, contract, _drawn_on(sample))
        names = {
            "sample": staging_table(sample),
            "rows": sql.Literal(rows),
            "key": sql.Identifier(contract.key),
        }
        duplicates = transaction.compose("training/duplicated_keys", names)
        query = transaction.compose("training/sample_rows", names)
    with ArrowConnection(warehouse.uri, read_only=True) as reader:
        duplicated = as_keys(reader.table(duplicates).column("key").combine_chunks(), contract)
        drawn = reader.table(query).drop_columns(["sample_row"]).combine_chunks()
    parts = [split(batch, contract, reading, duplicated=duplicated) for batch in drawn.to_batches()]
    valid = pa.Table.from_batches([part.valid for part in parts]).combine_chunks()
    rejected = drawn.num_rows - valid.num_rows
    found = added_up((one for part in parts for one in part.faults), duplicated=len(duplicated))
    said = describe_rejections(found, contract)
    if not valid.num_rows:
        none = f"none of the {drawn.num_rows} rows drawn from {contract.origin.name} is valid"
        told = describe_rejections(found, contract, with_examples=False)
        raise DataError(f"{none}: {said}", told=f"{none}: {told}")
    if said:
        log.warning(
            "of %s rows drawn from %s, %s are not valid: %s", drawn.num_rows, contract.origin.name, rejected, said
        )
    return valid.to_batches()[0], rejected


def _reading(transaction: Transaction, contract: Contract, as_of: date) -> Reading:
    """Return how the rows of a sample are written: as those of its source."""
    if contract.origin.files is not None:
        return describe_files(contract, as_of=as_of).reading
    return find_source(transaction, contract, as_of=as_of).reading


def _drawn_on(sample: str) -> date:
    """Return the date of a sample, up to which its days are counted however long its training takes."""
    return datetime.strptime(sample.split("_")[1], "%Y%m%d%H%M%S").replace(tzinfo=UTC).date()


def _drop_stale_samples(transaction: Transaction) -> None:
    for row in transaction.rows("training/stale_samples", hours=STALE_HOURS):
        transaction.execute("scoring/drop_table", {"table": staging_table(row.name)})
