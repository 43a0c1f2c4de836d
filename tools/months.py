"""The ends of the last months, published from the orders up to each, and what became of the segments since."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta

from rich.console import Console
from rich.table import Table

from clustering.config import Configuration
from clustering.errors import DataError, HeldError
from clustering.versions.registry import Registry
from clustering.warehouse import Warehouse
from customers import connect
from stages import Show
from week import publish_day

MONTHS = 12
REQUESTED_BY = "make: a past day, from the orders up to it, outside of Airflow"
SIZES = """
select to_char(as_of, 'YYYY-MM-DD'), segment_name, customers
from segmentation.segments join segmentation.published_runs using (run_id, model, as_of)
where model = %s order by as_of, segment_id
"""
MOVES = """
select earlier.segment_name, later.segment_name, move.customers
from segmentation.segment_migrations as move
join segmentation.current_segments as earlier
    on earlier.model = move.model and earlier.segment_id = move.from_segment_id
join segmentation.current_segments as later on later.model = move.model and later.segment_id = move.to_segment_id
where move.model = %s and move.as_of = %s and move.from_segment_id <> move.to_segment_id
order by move.customers desc limit 6
"""


def month_ends(today: date, count: int) -> list[date]:
    """Return the last days of the months before that of `today`.

    >>> [str(day) for day in month_ends(date(2026, 3, 15), 3)]
    ['2025-12-31', '2026-01-31', '2026-02-28']
    """
    found: list[date] = []
    day = today
    for _ in range(count):
        day = day.replace(day=1) - timedelta(days=1)
        found.append(day)
    return found[::-1]


def make_months(warehouse: Warehouse, configuration: Configuration, registry: Registry, show: Show) -> list[date]:
    """Publish month-ends and yesterday by the present champions, each from the orders up to it; return the dates.

    A date with no customers yet, or too few valid ones, is left out. Between month-ends more changes than a night may,
    so nothing is held; yesterday is there so that tonight is compared with a day before.
    """
    unheld = configuration.contract.checks.model_copy(update={"hold": "never"})
    contract = configuration.contract.model_copy(update={"checks": unheld})
    patient = configuration.model_copy(update={"contract": contract})
    today, published = datetime.now(UTC).date(), list[date]()
    for as_of in dict.fromkeys([*month_ends(today, MONTHS), today - timedelta(days=1)]):
        show(f"{as_of}")
        with suppress(DataError, HeldError), _findings_unsaid():
            publish_day(warehouse, patient, registry, as_of, requested_by=REQUESTED_BY)
            published.append(as_of)
    return published


@contextmanager
def _findings_unsaid() -> Iterator[None]:
    """Keep off the terminal what is found in a night: between month-ends it is what everybody expects."""
    logger = logging.getLogger("clustering")
    former = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(former)


def show_months(console: Console, uri: str, model: str) -> None:
    """Print how many customers each segment had on each date, and who moved most in the last whole month."""
    with connect(uri) as cursor:
        cursor.execute(SIZES, (model,))
        sizes = cursor.fetchall()
        dates = list(dict.fromkeys(day for day, _, _ in sizes))
        months = [day for day in dates if _is_month_end(day)]
        cursor.execute(MOVES, (model, months[-1] if months else None))
        moves = cursor.fetchall()
    names = list(dict.fromkeys(name for _, name, _ in sizes))
    held = {(day, name): customers for day, name, customers in sizes}
    _print(console, "Customers by date", ("as of", *names), [
        (day, *(f"{held.get((day, name), 0):,}" for name in names)) for day in dates
    ])  # fmt: skip
    if moves:
        rows = [(earlier, later, f"{customers:,}") for earlier, later, customers in moves]
        _print(console, f"Moved most in the month up to {months[-1]}", ("from", "to", "customers"), rows)


def _is_month_end(day: str) -> bool:
    return (date.fromisoformat(day) + timedelta(days=1)).day == 1


def _print(console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", header_style="")
    for column in columns:
        table.add_column(column, justify="left" if column in ("as of", "from", "to") else "right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
