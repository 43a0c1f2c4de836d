"""The query of the customers of a date, with the features that the contract declares on their orders.

It is the one statement that stands in no file of `sql/`, since what it computes is declared. Names and values are
quoted by `clustering/config/orders/quoting.py`, the date stands in it as `:as_of`, and whatever is computed is computed
from `lines`, which ends with that date, or with an earlier one, `:known`, since which nobody is taken to have ordered.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from clustering.config.orders.declared_orders import CustomerTable, Orders
from clustering.config.orders.feature_columns import PURCHASES, feature_column, purchases
from clustering.config.orders.quoting import has_any, is_one_of, quoted, quoted_table, written
from clustering.config.source_query import AS_OF


def order_query(orders: Orders, key: str, columns: Sequence[str], *, known: str = AS_OF) -> str:
    """Return the query, one row a customer; no semicolon ends it.

    Its columns are the key and then `columns`, each a feature or a column of the table of customers. `known` names the
    date up to whose end lines are read and customers are some; days are counted up to `:as_of`.
    """
    end = _end(known)
    features = {name: feature_column(declared, orders) for name, declared in orders.features.items()}
    totals = {PURCHASES: purchases()}
    for feature in features.values():
        totals |= feature.totals
    figures = {name: f"{feature.figure} as {quoted(name)}" for name, feature in features.items()}
    figures |= {name: f"customers.{quoted(name)}" for name in columns if name not in features}
    customer = f"customers.{quoted(orders.customers.key)}" if orders.customers else "totals.customer"
    return "\n".join(
        (
            "with lines as (",
            f"    -- Lines of known customers, up to the end of {known}{_clock(orders)}; nothing else is read.",
            *_lines(orders, end),
            "),",
            "totals as (",
            "    select",
            *_listed(["customer", *(f"{total} as {name}" for name, total in totals.items())], indent=8),
            "    from lines",
            "    group by customer",
            ")",
            "select",
            *_listed([f"{customer} as {quoted(key)}", *(figures[name] for name in columns)], indent=4),
            *_population(orders, end),
        )
    )


def currency_query(orders: Orders, column: str) -> str:
    """Return the query of the currencies, as text, of the lines that count; the date stands in it as `:as_of`."""
    currency = f"{quoted(column)}::text"
    conditions = [*_counted(orders, _end(AS_OF)), *_known(orders, _end(AS_OF)), f"btrim({currency}) <> ''"]
    return "\n".join((f"select {currency} as currency", f"from {quoted_table(orders.table)}", *_where(conditions, 0)))


def _end(known: str) -> str:
    """Return the moment from which on nothing belongs to a date."""
    return f"(cast({known} as date) + 1)::timestamp"


def _known(orders: Orders, end: str) -> Iterable[str]:
    """Yield the condition for lines of customers who are some, where a table says so."""
    customers = orders.customers
    if customers is not None:
        keys = (f"select customers.{quoted(customers.key)}", f"from {quoted_table(customers.table)} as customers")
        held = " ".join((*keys, *_where([*_held(customers, orders, end)], 0)))
        yield f"{quoted(orders.customer)} in ({held})"


def _clock(orders: Orders) -> str:
    return f" in {orders.time_zone}" if orders.time_zone else ""


def _lines(orders: Orders, end: str) -> Iterable[str]:
    yield "    select" if orders.duplicates == "keep" else "    select distinct"
    yield from _listed(_line_columns(orders), indent=8)
    yield f"    from {quoted_table(orders.table)}"
    yield from _where(_counted(orders, end), 4)


def _counted(orders: Orders, end: str) -> list[str]:
    """Return the conditions for the lines that count."""
    chosen = [f"{quoted(orders.customer)} is not null", f"{_local(orders.time, orders)} < {end}"]
    chosen.append(f"isfinite({quoted(orders.time)})")
    chosen += [is_one_of(column, values) for column, values in orders.only.items()]
    chosen += [f"({is_one_of(column, values)}) is not true" for column, values in orders.without.items()]
    return chosen


def _where(conditions: Sequence[str], indent: int) -> Iterable[str]:
    yield f"{' ' * indent}where"
    yield from (f"{' ' * indent}    {'and ' if place else ''}{condition}" for place, condition in enumerate(conditions))


def _line_columns(orders: Orders) -> list[str]:
    day, amount = f"{_local(orders.time, orders)}::date", quoted(orders.amount)
    if orders.returns:
        amount = f"case when {has_any(orders.returns)} then -abs({amount}) else {amount} end"
    columns = [f"{quoted(orders.customer)} as customer", f"{day} as day", f"{amount} as amount"]
    called = {"order_number": orders.order, "product": orders.product, "category": orders.category}
    columns += [f"{quoted(column)} as {name}" for name, column in called.items() if column]
    if orders.duplicates == "once":  # what else tells lines apart
        apart = dict.fromkeys(_telling_apart(orders))
        columns += [f"{quoted(column)} as apart_{place}" for place, column in enumerate(apart, 1)]
    return columns


def _telling_apart(orders: Orders) -> Iterable[str]:
    yield from (column for column in (orders.time, orders.line, orders.currency) if column)
    yield from orders.filtering


def _local(time: str, orders: Orders, table: str = "") -> str:
    """Return a column of times by the clock of the shop. An hour that stands there twice has one date all the same."""
    column = f"{table}{quoted(time)}"
    return f"({column} at time zone {written(orders.time_zone)})" if orders.time_zone else column


def _population(orders: Orders, end: str) -> Iterable[str]:
    customers = orders.customers
    if customers is None:
        yield "from totals"
        return
    yield f"from {quoted_table(customers.table)} as customers"
    yield f"left join totals on totals.customer = customers.{quoted(customers.key)}"
    yield from _where([*_held(customers, orders, end)], 0)


def _held(customers: CustomerTable, orders: Orders, end: str) -> Iterable[str]:
    """Yield the conditions for the rows of customers that held when the date ended."""
    columns = ((customers.since, "<"), (customers.until, ">="))
    for column, comparison in columns:
        if column:
            condition = f"{_begun(column, orders)} {comparison} {end}"
            yield f"(customers.{quoted(column)} is null or {condition})"


def _begun(column: str, orders: Orders) -> str:
    """Return a column of times by the clock of the shop, or of dates, which no time zone may turn."""
    name, local = f"customers.{quoted(column)}", _local(column, orders, "customers.")
    is_date = f"pg_typeof({name}) = 'date'::regtype"
    return f"case when {is_date} then {name}::timestamp else {local} end" if orders.time_zone else local


def _listed(parts: Iterable[str], *, indent: int) -> Iterable[str]:
    """Yield parts one a line, with commas between them."""
    kept = list(parts)
    yield from (f"{' ' * indent}{part}{',' if place < len(kept) - 1 else ''}" for place, part in enumerate(kept))
