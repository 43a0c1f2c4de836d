"""Declared orders as a source of customers: the query that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clustering.config.customer_source import CustomerSource
from clustering.config.orders.declared_orders import Orders
from clustering.config.orders.order_query import order_query
from clustering.config.source_query import KNOWN

PLACE = "orders"  # where in customers.yaml they are declared


class OrderSource(CustomerSource):
    """A dated query that has been made from declared orders."""

    declared: Orders
    aged: str | None = None

    @property
    def name(self) -> str:
        """What it is called where people are told of it: the key of the declaration."""
        return PLACE

    @property
    def tables(self) -> tuple[str, ...]:
        """The table of orders, and that of customers if there is one."""
        customers = self.declared.customers
        return (self.declared.table, *([customers.table] if customers else ()))

    def aged_query(self, *, counts_days: bool) -> str | None:
        """Return the query of the customers by what they had ordered up to `:known`, counted up to `:as_of`."""
        return self.aged if self.by_time else None

    @property
    def settled(self) -> dict[str, Any]:
        """What determines the customers: what is declared, however the query of it is written."""
        return {PLACE: self.declared.model_dump(mode="json", exclude={"materialise", "by_time"})}


def order_source(orders: Orders, key: str, columns: Sequence[str]) -> OrderSource:
    """Return the source of customers by their key, with these columns, which are features or a table's of customers."""
    return OrderSource(
        query=order_query(orders, key, columns),
        aged=order_query(orders, key, columns, known=KNOWN),
        materialise=orders.is_materialised,
        by_time=orders.by_time,
        declared=orders,
    )
