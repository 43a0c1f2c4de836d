"""What the Segments page reads of single customers, on demand and within bounds: a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.errors import RunError
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.customer_values import TimeLimit, customer_values
from clustering.web.night_rows import NightRun, read_night_run
from clustering.web.overdue import in_time

POINTS = 1_000
SAMPLED_ABOVE = 200_000  # labels; of more, the points come from random blocks that hold about SAMPLED_FROM of them
SAMPLED_FROM = 50_000
SECONDS = 15
LOCK_SECONDS = 2


@dataclass(frozen=True)
class Points:
    """Sampled customers of a night: the values `x` and `y` of two columns, and the segment of each."""

    columns: tuple[str, str]
    x: Sequence[float]
    y: Sequence[float]
    segments: Sequence[int]
    of: int


def read_night_with_labels(transaction: Transaction, model: str, as_of: date) -> NightRun:
    """Return the run of a model and a date; RunError when there is none, or its labels are no longer retained."""
    night = read_night_run(transaction, model, as_of)
    if night is None:
        raise RunError(f"nothing was published for {model} on {as_of}")
    if night.labels_dropped_at is not None:
        raise RunError(
            f"The labels of {as_of} are no longer retained: they were dropped on "
            f"{night.labels_dropped_at:%Y-%m-%d}. label_runs in customers.yaml says how many runs keep theirs."
        )
    if night.label_folder is not None:
        raise RunError(
            f"The labels of {as_of} are files below {night.label_folder}, and their members are not listed here: read "
            "the files that segmentation.current_label_files names, or look one customer up by the key."
        )
    return night


def choose_columns(contract: Contract, features: Sequence[str], asked: Sequence[str | None]) -> tuple[str, str]:
    """Return the two columns to draw: those asked for if they are numbers, otherwise the model's first features."""
    known = contract.averaged
    preferred = [name for name in dict.fromkeys([*features, *known]) if name in known]
    first = asked[0] if asked[0] in known else preferred[0]
    rest = [name for name in preferred if name != first] or [first]
    return str(first), str(asked[1] if asked[1] in known else rest[0])


def read_points(
    warehouse: Warehouse, configuration: Configuration, *, model: str, as_of: date, asked: Sequence[str | None]
) -> Points:
    """Return the customers with the smallest hashes of their keys, with their values in the source today.

    They are at most POINTS, always the same ones. Raises RunError when labels are gone or reading takes too long, and
    DataError when the source cannot be read.
    """
    contract = configuration.contract
    with (
        in_time("drawing a sample", SECONDS),
        warehouse.transaction(repeatable_read=True, read_only=True) as transaction,
    ):
        night = read_night_with_labels(transaction, model, as_of)
        columns = choose_columns(contract, night.features, asked)
        labels = sample_labels(transaction, night)
    limit = TimeLimit(SECONDS, LOCK_SECONDS)
    with in_time("reading the sampled customers", SECONDS):
        customers = customer_values(warehouse, contract.only(columns), labels, limit=limit).split().valid
    values = [customers.column(name).to_pylist() for name in (contract.key, *columns)]
    found = sorted((str(key), x, y) for key, x, y in zip(*values, strict=True) if x is not None and y is not None)
    return Points(
        columns,
        [x for _, x, _ in found],
        [y for _, _, y in found],
        [labels[key] for key, _, _ in found],
        night.rows_labelled,
    )


def sample_labels(transaction: Transaction, night: NightRun) -> dict[str, int]:
    """Return the segments of a night's sampled customers, by key."""
    transaction.rows("page/set_timeout", milliseconds=str(SECONDS * 1000))
    rows = transaction.rows(
        "page/sample",
        {"portion": _portion(night.rows_labelled), "label_set": sql.Literal(night.label_set)},
        at_most=POINTS,
    )
    return {row.customer_id: row.segment_id for row in rows}


def _portion(labels: int) -> sql.Composable:
    if labels <= SAMPLED_ABOVE:
        return sql.SQL("")
    return sql.SQL("tablesample system ({}) repeatable (0)").format(sql.Literal(100 * SAMPLED_FROM / labels))
