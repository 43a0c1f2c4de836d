"""A shop whose customers come from the lines of its orders, by the example's declaration."""

from __future__ import annotations

from datetime import date

from clustering.config.orders import Orders
from tests.projects import Project

LAST = date(2026, 11, 20)
CUSTOMERS = 400


def orders_of(project: Project) -> Orders:
    """Return the declaration of a project."""
    assert project.configuration.contract.orders is not None
    return project.configuration.contract.orders
