"""The tables that declared orders name: whether they are there, with columns of types that can be summed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from psycopg2 import sql

from clustering.config import Contract
from clustering.config.orders import Orders, currency_query
from clustering.config.table_name import split_name
from clustering.customers import today
from clustering.errors import DataError, did_you_mean
from clustering.warehouse.connection import Row, Transaction
from clustering.warehouse.relations import find_relation
from clustering.warehouse.source_types import INTEGERS, KEY_TYPES, TEXTS
from clustering.warehouse.subquery import Subquery, reading_errors

AMOUNTS = (*INTEGERS, "numeric", "float4", "float8")
CURRENCIES = ("currency", "currency_code")  # names of columns that tell what an amount is in


def check_order_tables(transaction: Transaction, contract: Contract) -> None:
    """Raise DataError where a table or column that `orders` names is missing, empty of rows or of another type.

    A contract without orders has none.
    """
    orders = contract.orders
    if orders is None:
        return
    lines = _columns(transaction, "orders.table", orders.table)
    _check_named(orders, lines)
    _check_type("orders.amount", orders.amount, lines, AMOUNTS, _amount_advice(lines[orders.amount]))
    _check_time("orders.time", orders.time, lines, orders)
    _check_key("orders.customer", orders.customer, lines, contract)
    if transaction.scalar("orders/is_empty", {"table": _identifier(orders.table)}):
        raise DataError(f"orders.table: {orders.table} has no rows; load orders first, nothing was changed")
    if orders.customers is not None:
        _check_customers(transaction, contract, orders, lines)


def check_currency(transaction: Transaction, contract: Contract, *, as_of: date | None = None) -> None:
    """Raise DataError where lines of orders up to the end of a date, by default today, are in two currencies.

    It reads all lines that count, so it is done once a run, and not by each shard.
    """
    orders = contract.orders
    if orders is None:
        return
    listed = _listed(transaction, "orders.table", orders.table)
    found = (row.name for row in listed if row.name.casefold() in CURRENCIES and row.readable)
    column = orders.currency or next(found, None)
    if column is None:
        return
    counted = Subquery(contract.origin.name, currency_query(orders, column), as_of or today())
    with reading_errors(counted.name):
        told = transaction.row("orders/currencies", {"lines": counted.relation})
    if told is not None and told.other is not None:
        raise DataError(
            f"orders.currency: {column} of {orders.table} has {told.one} and {told.other}, whose amounts cannot be "
            f"added; choose one by orders.only: {{{column}: {told.one}}}, or name a view that converts them"
        )


def _columns(transaction: Transaction, place: str, table: str) -> dict[str, str]:
    return {row.name: row.type for row in _listed(transaction, place, table)}


def _listed(transaction: Transaction, place: str, table: str) -> list[Row]:
    relation = find_relation(transaction, *split_name(table), place=place)
    return transaction.rows("source/columns", relation=relation.oid)


def _check_named(orders: Orders, lines: Mapping[str, str]) -> None:
    for place in ("customer", "time", "amount", "order", "product", "category", "line", "currency"):
        if column := getattr(orders, place):
            _check_there(f"orders.{place}", orders.table, column, lines)
    for place in ("only", "without", "returns"):
        for column in getattr(orders, place):
            _check_there(f"orders.{place}", orders.table, column, lines)


def _check_there(place: str, table: str, column: str, found: Mapping[str, str]) -> None:
    if column not in found:
        raise DataError(f"{place}: {table} has no column {column!r}{did_you_mean(column, found)}")


def _check_customers(transaction: Transaction, contract: Contract, orders: Orders, lines: Mapping[str, str]) -> None:
    table = orders.customers
    if table is None:
        return
    found = _columns(transaction, "orders.customers.table", table.table)
    for place in ("key", "since", "until"):
        if column := getattr(table, place):
            _check_there(f"orders.customers.{place}", table.table, column, found)
    for column in contract.used[1:]:
        if column not in orders.features and column not in found:
            raise DataError(
                f"columns: {table.table} has no column {column!r}, and aliases do not hold in a table of customers: "
                f"name a view that calls it so{did_you_mean(column, found)}"
            )
    _check_key("orders.customers.key", table.key, found, contract)
    for place, column in (("since", table.since), ("until", table.until)):
        if column and found[column] != "date":
            _check_time(f"orders.customers.{place}", column, found, orders)
    kinds = found[table.key], lines[orders.customer]
    if len({_kind(kind) for kind in kinds}) > 1:
        raise DataError(
            f"orders.customers.key: {table.key} of {table.table} is {kinds[0]}, but {orders.customer} of "
            f"{orders.table} is {kinds[1]}; name a view in which both have one type"
        )


def _kind(pg_type: str) -> str:
    return "integer" if pg_type in INTEGERS else "text" if pg_type in TEXTS else pg_type


def _check_key(place: str, column: str, found: Mapping[str, str], contract: Contract) -> None:
    advice = f"which the key {contract.key} of type {contract.key_type} is not read from; declare another type for it"
    _check_type(place, column, found, KEY_TYPES[contract.key_type], advice)


def _check_time(place: str, column: str, found: Mapping[str, str], orders: Orders) -> None:
    if orders.time_zone is None:
        advice = "name orders.time_zone, in which days begin" if found[column] == "timestamptz" else "name a view"
        _check_type(place, column, found, ("date", "timestamp"), f"which has no day by itself; {advice}")
    else:
        advice = "which no time zone turns; leave orders.time_zone out if it is the shop's own clock, or name a view"
        _check_type(place, column, found, ("timestamptz",), advice)


def _amount_advice(pg_type: str) -> str:
    written = ", such as text with a currency sign" if pg_type in TEXTS else ""
    return f"which cannot be added{written}; name a view in which it is a number"


def _check_type(place: str, column: str, found: Mapping[str, str], allowed: tuple[str, ...], advice: str) -> None:
    if found[column] not in allowed:
        raise DataError(
            f"{place}: the column {column} has the type {found[column]}, {advice}; it takes {', '.join(allowed)}"
        )


def _identifier(table: str) -> sql.Composable:
    return sql.Identifier(*split_name(table))
