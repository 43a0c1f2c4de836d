"""Lines of orders for a workspace: those of a file, or made-up ones."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from clustering.config import Contract
from clustering.config.orders import Orders
from workspace import WorkspaceError

if TYPE_CHECKING:
    import pyarrow as pa

GENERATED_CUSTOMERS = 5_000
GENERATED_SEED = 1
OLD = 28  # days since the last order, from which on a file is of a shop of former times


def read_lines(contract: Contract, orders: Orders, file: Path | None) -> pa.Table:
    """Return the lines of a file, or generated ones up to today.

    Lines of former times are moved by whole weeks, so that the last is of this one: the demonstration is of a shop as
    it is today. Raises WorkspaceError when lines cannot be generated for this contract, and DataError for a file.
    """
    from clustering.demo.order_generator import generate_order_lines
    from clustering.files.order_files import read_order_lines
    from clustering.warehouse.arrays import make_arrays_without_pandas

    make_arrays_without_pandas()
    today = datetime.now(UTC).date()
    if file is None:
        lines = generate_order_lines(GENERATED_CUSTOMERS, last=today, seed=GENERATED_SEED)
        if missing := sorted(set(orders.read) - set(lines.column_names)):
            raise WorkspaceError(
                f"orders are generated with {', '.join(lines.column_names)}, without {', '.join(missing)}; "
                "give a file with ORDERS=some.csv"
            )
        return lines
    found = read_order_lines(file, orders, contract.key_type)
    moved, days = moved_to(found.rows, orders.time, today)
    for said in (*found.said, *([f"all lines moved by {days:,} days, so that the last is of this week"] * bool(days))):
        print(f"{file}: {said}", flush=True)
    return moved


def moved_to(lines: pa.Table, time: str, today: date) -> tuple[pa.Table, int]:
    """Return lines with their times moved by whole weeks, the last of them to this week, and by how many days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    last = pc.max(lines[time]).as_py()
    ago = (today - last.date()).days if last else 0
    if ago < OLD:
        return lines, 0
    days = ago // 7 * 7
    place = lines.schema.get_field_index(time)
    later = pc.add(lines[time], pa.scalar(timedelta(days=days)))
    return lines.set_column(place, time, later.cast(lines.schema.field(time).type)), days
