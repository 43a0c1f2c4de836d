"""Features of customers that are declared on lines of orders, and the one query of them, up to the end of a date."""

from clustering.config.orders.declared_orders import CustomerTable, DeclaredFeature, OrderFeature, Orders, check_columns
from clustering.config.orders.order_query import currency_query, order_query
from clustering.config.orders.order_source import OrderSource, order_source

__all__ = [
    "CustomerTable",
    "DeclaredFeature",
    "OrderFeature",
    "OrderSource",
    "Orders",
    "check_columns",
    "currency_query",
    "order_query",
    "order_source",
]
