"""What the Segments page reads of single customers, on demand and within bounds: a sample, and who moved."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from psycopg2 import sql

from clustering.config import Configuration, Contract
from clustering.errors import RunError, WarehouseError
from clustering.scoring.history import read_sizes
from clustering.segments.movement import balanced
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.customer_values import TimeLimit, customer_values
from clustering.warehouse.states import QUERY_CANCELED, state_of
from clustering.web.night_rows import NightRun, read_night_run

POINTS = 1_000
SAMPLED_ABOVE = 200_000  # labels; of more, the points come from random blocks that hold about SAMPLED_FROM of them
SAMPLED_FROM = 50_000
MOVED_FROM = 1_000_000  # labels of a date; of more, one key in so many is counted
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


@dataclass(frozen=True)
class Movement:
    """Customers by segment on two dates; None stands for customers whom the other date does not know.

    `every` is 1 for an exact count; otherwise one key in so many was counted, and the counts are multiplied.
    """

    former: NightRun
    latter: NightRun
    flows: Sequence[tuple[int | None, int | None, int]]
    every: int


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
    with _in_time("drawing a sample"), warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        night = read_night_with_labels(transaction, model, as_of)
        columns = choose_columns(contract, night.features, asked)
        labels = _sample(transaction, night)
    limit = TimeLimit(SECONDS, LOCK_SECONDS)
    with _in_time("reading the sampled customers"):
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


def _sample(transaction: Transaction, night: NightRun) -> dict[str, int]:
    """Return the segments of a night's sampled customers, by key."""
    _limit(transaction)
    rows = transaction.rows(
        "page/sample",
        {"portion": _portion(night.rows_labelled), "label_set": sql.Literal(night.label_set)},
        at_most=POINTS,
    )
    return {row.customer_id: row.segment_id for row in rows}


def read_movement(warehouse: Warehouse, *, model: str, former: date, latter: date) -> Movement:
    """Return how many customers were where on two dates.

    Raises RunError when a date was not published, its labels are gone, or counting takes too long.
    """
    with _in_time("counting who moved"), warehouse.transaction(repeatable_read=True, read_only=True) as transaction:
        nights = [read_night_with_labels(transaction, model, day) for day in (former, latter)]
        every = max(1, math.ceil(max(night.rows_labelled for night in nights) / MOVED_FROM))
        _limit(transaction)
        rows = transaction.rows(
            "page/movement",
            {"former": sql.Literal(nights[0].label_set), "latter": sql.Literal(nights[1].label_set)},
            every=every,
        )
        sizes = [read_sizes(transaction, model, day) for day in (former, latter)]
    flows = {(row.former_segment, row.latter_segment): row.customers * every for row in rows}
    if every == 1:
        flows = dict(balanced(flows, *sizes))
    return Movement(nights[0], nights[1], [(*between, count) for between, count in flows.items()], every)


def _portion(labels: int) -> sql.Composable:
    if labels <= SAMPLED_ABOVE:
        return sql.SQL("")
    return sql.SQL("tablesample system ({}) repeatable (0)").format(sql.Literal(100 * SAMPLED_FROM / labels))


def _limit(transaction: Transaction) -> None:
    transaction.rows("page/set_timeout", milliseconds=str(SECONDS * 1000))


@contextmanager
def _in_time(what: str) -> Iterator[None]:
    too_long = f"{what} took longer than {SECONDS} seconds and was stopped; try again when the warehouse is less busy"
    try:
        yield
    except WarehouseError as error:
        if state_of(error) != QUERY_CANCELED:
            raise
        raise RunError(too_long) from error
