"""The month-ends that the demonstration publishes from orders."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

import months
from tests.projects import Project
from tests.shops import LAST

PUBLISHED = """
select published.as_of, run.requested_by from segmentation.published_runs as published
join segmentation.scoring_runs as run using (run_id) order by 1
"""


def test_month_ends_are_published_from_the_orders_up_to_each(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is published and says that it is made up; the shop grows, people move, and both are shown."""
    monkeypatch.setattr(months, "MONTHS", 3)
    days = months.month_ends(LAST, 3)
    published = months.make_months(shop.warehouse, shop.configuration, shop.registry, lambda text: None)
    assert len(published) >= 3
    assert shop.sql(PUBLISHED) == [(day, months.REQUESTED_BY) for day in published]
    sizes = shop.sql("select as_of, sum(customers) from segmentation.segments group by 1 order by 1")
    assert [size for _, size in sizes] == sorted(size for _, size in sizes)
    console = Console(file=io.StringIO(), width=120)
    months.show_months(console, shop.warehouse.uri, "rfm")
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(str(day) in text for day in published)
    assert "Moved most in the month up to" in text
    assert days[0] < days[-1]
