"""The only code that talks to PostgreSQL."""

from __future__ import annotations

from clustering.warehouse.connection import Row, Transaction, Warehouse, warehouse_url
from clustering.warehouse.migrate import migrate
from clustering.warehouse.urls import url_of_connection

__all__ = ["Row", "Transaction", "Warehouse", "connect", "migrate", "url_of_connection", "warehouse_url"]


def connect(url: str | None = None) -> Warehouse:
    """Return the warehouse at a URL, or at `WAREHOUSE_URL`; nothing is opened yet."""
    return Warehouse(url or warehouse_url())
