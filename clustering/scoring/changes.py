"""Tell those who follow `segment_changes` what a transaction changes of today: one row a customer, in one sequence.

A consumer reads on from the greatest number that it has seen. Numbers are therefore given last in a transaction, under
one lock that is held until it commits: none ever appears below one that was read, whoever else is still writing.

A model that has labels where it had none is told in one row, and so are one that has none any more, and one of which
most customers have moved: its members are there to be read, and ten million customers do not write as many rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg2 import sql

from clustering.scoring.current_models import Current, read_current
from clustering.scoring.label_sets import has_partition, label_set_table, partition
from clustering.warehouse import Transaction
from clustering.warehouse.staging_schema import staging_table

log = logging.getLogger(__name__)

# Above both, a model is told as a whole.
FEW = 10_000  # customers
SHARE = 0.5  # of the model's customers


@dataclass(frozen=True)
class Changes:
    """The customers of a model who are not where they were: tables of their keys, with former and present segment.

    `known` is whether these say whom only the change of version moved.
    """

    tables: Sequence[sql.Identifier]
    known: bool


def tell(
    transaction: Transaction,
    models: Iterable[str],
    staged: Mapping[str, Changes],
    *,
    was: Mapping[str, Current],
    now: Mapping[str, Current],
    corrects: bool = False,
) -> None:
    """Append what is other for some models `now` than it `was`; the last that a transaction does.

    Nothing is told where the same run holds. A date that holds by another run than before, or `corrects`, is a
    correction of what was told. What is not `staged` is found by comparing both runs' labels. Nobody else publishes
    these models until the transaction ends.
    """
    told = sorted({model for model in models if was.get(model) != now.get(model)})
    if not told:
        return
    compared = {
        model: found
        for model in told
        if model in was and model in now and model not in staged
        if (found := _between(transaction, was[model], now[model])) is not None
    }
    changes = {**staged, **compared}
    transaction.execute("changes/lock")
    for model in told:
        former, latter = was.get(model), now.get(model)
        if latter is not None and former is not None and model in changes:
            _tell_changes(transaction, changes[model], former, latter, corrects=corrects)
        elif one := latter or former:
            _tell_model(transaction, "start" if latter else "end", one)
    for table in (table for found in compared.values() for table in found.tables):
        transaction.execute("scoring/drop_table", {"table": table})


def tell_forgotten(transaction: Transaction, key: str, *, days: int) -> None:
    """Append that a customer was forgotten; where the key is kept for 0 days, that all members are to be read anew."""
    transaction.execute("changes/lock")
    if days:
        transaction.execute("changes/append_forgotten", customer_id=key)
    else:
        transaction.execute("changes/append_expired")


def tell_anew(transaction: Transaction) -> None:
    """Have the members of all models that have labels now read anew."""
    current = read_current(transaction)
    transaction.execute("changes/lock")
    for one in current.values():
        _tell_model(transaction, "start", one)


def _tell_changes(
    transaction: Transaction, changes: Changes, former: Current, latter: Current, *, corrects: bool
) -> None:
    if _are_most(transaction, changes, former, latter):
        _tell_model(transaction, "start", latter)
        return
    corrected = corrects or latter.as_of == former.as_of
    rows = sum(
        _append(transaction, table, former, latter, known=changes.known, corrects=corrected) for table in changes.tables
    )
    log.info("%s changes of %s at %s told", rows, latter.model, latter.as_of)


def _are_most(transaction: Transaction, changes: Changes, former: Current, latter: Current) -> bool:
    """Return whether so many have moved that reading all members is less than reading who moved."""
    moved = sum(int(transaction.scalar("changes/count", {"changes": table})) for table in changes.tables)
    days = {"as_of": latter.as_of, "former_as_of": former.as_of}
    return moved > FEW and moved > SHARE * int(transaction.scalar("changes/customers", model=latter.model, **days))


def _tell_model(transaction: Transaction, kind: Literal["start", "end"], one: Current) -> None:
    run_id = one.run_id if kind == "start" else None
    transaction.execute("changes/append_model", kind=kind, model=one.model, as_of=one.as_of, run_id=run_id)


def _between(transaction: Transaction, former: Current, latter: Current) -> Changes | None:
    """Return who is in another segment by one run's labels than by another's; None where labels are gone."""
    if not all(
        has_partition(transaction, label_set_table(one.run_id, one.model_version_id)) for one in (former, latter)
    ):
        return None
    table = staging_table(f"between_{former.run_id}_{latter.run_id}_{latter.model_version_id}")
    names = {"table": table, "former": _labels(former), "latter": _labels(latter)}
    transaction.execute("changes/between", names)
    return Changes([table], known=former.model_version_id == latter.model_version_id)


def _labels(one: Current) -> sql.Identifier:
    return partition(label_set_table(one.run_id, one.model_version_id))


def _append(
    transaction: Transaction, table: sql.Identifier, former: Current, latter: Current, *, known: bool, corrects: bool
) -> int:
    transaction.execute("changes/complete", {"changes": table})
    return transaction.execute(
        "changes/append",
        {"changes": table},
        model=latter.model,
        as_of=latter.as_of,
        run_id=latter.run_id,
        former_run_id=former.run_id,
        known=known,
        corrects=corrects,
    )
