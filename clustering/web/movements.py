"""Who moved between two dates of a model, exactly: as it was published for neighbouring dates, else by the history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from clustering.errors import RunError
from clustering.scoring.history import read_sizes
from clustering.segments.movement import Move, Moves, movement
from clustering.warehouse import Transaction, Warehouse
from clustering.warehouse.customer_values import TimeLimit, limit_time
from clustering.web.night_rows import NightRun, read_night_run
from clustering.web.overdue import in_time

SECONDS = 15
LOCK_SECONDS = 2


@dataclass(frozen=True)
class Flow:
    """Customers by their segments on two dates; None is no label.

    The causes add up to the customers who moved, and are None where they are not known: between dates that are no
    neighbours, or where the former version could not be asked.
    """

    former: int | None
    latter: int | None
    customers: int
    by_behaviour: int | None
    by_model: int | None
    by_time: int | None = None

    @property
    def moved(self) -> bool:
        """Whether they are in another segment, and had one before."""
        return self.former is not None and self.latter is not None and self.former != self.latter


@dataclass(frozen=True)
class Movement:
    """Who was where on two dates, and what the segments of each date were called."""

    former: NightRun
    latter: NightRun
    flows: Sequence[Flow]
    names: tuple[dict[int, str], dict[int, str]]
    is_step: bool

    @property
    def segments(self) -> list[int]:
        """The segments of both dates, with or without a name, in the order of the cards: outliers last."""
        moved = {one for flow in self.flows for one in (flow.former, flow.latter) if one is not None}
        return sorted({*self.names[0], *self.names[1], *moved}, key=lambda one: (one == 0, one))

    def count(self, *, former: bool = True, latter: bool = True) -> int:
        """Return the customers who moved, or who have a label on one of the two dates alone."""
        if former and latter:
            return sum(flow.customers for flow in self.flows if flow.moved)
        return sum(
            flow.customers
            for flow in self.flows
            if (flow.former is not None) == former and (flow.latter is not None) == latter
        )

    def by(self, cause: str) -> int | None:
        """Return how many of those who moved did so by a cause; None where it is not known of all of them."""
        counts = [getattr(flow, cause) for flow in self.flows if flow.moved]
        return None if None in counts else sum(counts)


def read_movement(warehouse: Warehouse, *, model: str, former: date, latter: date) -> Movement:
    """Return how many customers were where on two dates.

    Raises RunError when a date was not published, the dates are not in their order, or counting takes too long.
    """
    if former >= latter:
        raise RunError(f"{former} is not before {latter}; choose two dates in their order")
    with (
        in_time("counting who moved", SECONDS),
        warehouse.transaction(repeatable_read=True, read_only=True) as transaction,
    ):
        limit_time(transaction, TimeLimit(SECONDS, LOCK_SECONDS))
        before, after = (_published(transaction, model, day) for day in (former, latter))
        flows = transaction.typed_rows(Flow, "movement/published", model=model, former=former, latter=latter)
        if not flows and (one := next((one for one in (before, after) if one.label_folder is not None), None)):
            raise RunError(
                f"The labels of {one.as_of} are files, and who moved is not counted between them; labels: tables in "
                "customers.yaml counts it from then on"
            )
        return Movement(
            before,
            after,
            flows=flows or _by_history(transaction, model, former, latter),
            names=(_names(transaction, model, former), _names(transaction, model, latter)),
            is_step=bool(flows),
        )


def _published(transaction: Transaction, model: str, as_of: date) -> NightRun:
    night = read_night_run(transaction, model, as_of)
    if night is None:
        raise RunError(f"nothing was published for {model} on {as_of}")
    return night


def _by_history(transaction: Transaction, model: str, former: date, latter: date) -> list[Flow]:
    rows = transaction.rows("movement/history", model=model, former=former, latter=latter)
    moves = [Move(row.former, row.latter, row.customers, None) for row in rows]
    sizes, before = (read_sizes(transaction, model, day) for day in (latter, former))
    return [
        Flow(
            one["from_segment_id"],
            one["to_segment_id"],
            one["customers"],
            one["by_behaviour"],
            one["by_model"],
        )
        for one in movement(Moves(moves), sizes, before)
    ]


def _names(transaction: Transaction, model: str, as_of: date) -> dict[int, str]:
    rows = transaction.rows("movement/names", model=model, as_of=as_of)
    return {row.segment_id: row.segment_name for row in rows}
