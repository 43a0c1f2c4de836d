"""Lines of orders for the demonstration: files of former times, and files for the wrong configuration."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from clustering.config import PROJECT, CustomerSource, load_configuration
from customers import read_rows, require_kind
from order_lines import moved_to, read_lines
from workspace import WorkspaceError

CONTRACT = load_configuration(PROJECT / "examples" / "orders").contract


def test_lines_of_former_times_are_moved_by_whole_weeks() -> None:
    """Days of the week and the time between orders stay, and the last order is of this week."""
    times = [datetime(2010, 12, 1, 8, 26), datetime(2011, 12, 9, 12, 50)]
    lines = pa.table({"ordered_at": pa.array([*times, None], pa.timestamp("us"))})
    moved, days = moved_to(lines, "ordered_at", date(2026, 11, 29))
    first, last, none = moved["ordered_at"].to_pylist()
    assert (last.date(), last.weekday(), last - first, none) == (date(2026, 11, 27), 4, times[1] - times[0], None)
    assert days % 7 == 0
    assert moved_to(moved, "ordered_at", date(2026, 11, 29)) == (moved, 0)


def test_generated_lines_fit_the_example_up_to_today() -> None:
    """They have every column that it names, and their last day is the present one."""
    assert CONTRACT.orders is not None
    lines = read_lines(CONTRACT, CONTRACT.orders, None)
    assert set(CONTRACT.orders.read) <= set(lines.column_names)
    assert max(time.date() for time in lines["ordered_at"].to_pylist() if time.year < 2030) <= datetime.now(UTC).date()
    other = CONTRACT.orders.model_copy(update={"category": "department"})
    with pytest.raises(WorkspaceError, match="without department; give a file with ORDERS="):
        read_lines(CONTRACT, other, None)


def test_a_file_of_the_other_kind_is_refused() -> None:
    """Orders where customers are wanted, and the other way round: one line says what to give."""
    file = Path("some.csv")
    with pytest.raises(WorkspaceError, match="this configuration declares orders; give their lines with ORDERS"):
        require_kind(CONTRACT, customers=file, orders=None)
    with pytest.raises(WorkspaceError, match="ORDERS needs a configuration that declares orders; leave CONFIG out"):
        require_kind(load_configuration().contract, customers=None, orders=file)
    require_kind(CONTRACT, customers=None, orders=file)


def test_a_query_loads_nothing() -> None:
    """A file for it, and a warehouse made for trying, are refused with what to do."""
    source = CustomerSource(query="select * from customers")
    asked = load_configuration().contract.model_copy(update={"table": None, "source": source})
    with pytest.raises(WorkspaceError, match=r"reads a query, and loads no file; leave CUSTOMERS and ORDERS out"):
        require_kind(asked, customers=Path("some.csv"), orders=None)
    with pytest.raises(WorkspaceError, match="name the warehouse that has, with WAREHOUSE_URL"):
        read_rows(asked, None)
    require_kind(asked, customers=None, orders=None)
