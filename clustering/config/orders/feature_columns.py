"""What each feature is, in SQL: totals of a customer's lines, and how the feature follows from them.

A line has `day`, `amount` (above 0 bought, below 0 returned), and where they are read `order_number`, `product` and
`category`. Totals are named; several features share one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clustering.config.orders.declared_orders import DeclaredFeature, OrderFeature, Orders

DAY = "cast(:as_of as date)"
PURCHASES = "purchases"  # how many lines were bought, of all days
NO_FIGURE = "case when totals.purchases > 0 then {figure} end"
SUM = "sum(amount::numeric)"  # exact, so that it does not depend on the order of the lines
ZERO = "coalesce({figure}, 0)"

_BOUGHT, _BOTH, _RETURNED = "amount > 0", "amount <> 0", "amount < 0"


@dataclass(frozen=True)
class FeatureColumn:
    """A feature: the totals that it needs, by name, and itself as an expression of `totals`."""

    totals: Mapping[str, str]
    figure: str


def feature_column(declared: DeclaredFeature, orders: Orders) -> FeatureColumn:
    """Return a declared feature in SQL.

    What is counted or summed is 0 for a customer without a purchase, or empty, as `no_orders` says; what has no value
    without one, or without two, is empty.
    """
    window = _Window(declared.days, orders)
    return _FEATURES[declared.feature](window)


def purchases() -> str:
    """Return the total that says whether a customer has bought anything at all."""
    return f"count(*) filter (where {_BOUGHT})"


@dataclass(frozen=True)
class _Window:
    days: int | None
    orders: Orders

    def total(self, name: str, aggregate: str, condition: str = _BOUGHT) -> tuple[dict[str, str], str]:
        """Return a total of the lines of these days by its name, and how it is referred to."""
        if self.days is not None:
            name = f"{name}_{self.days}"
            condition = f"{condition} and day > {DAY} - {self.days}"
        return {name: f"{aggregate} filter (where {condition})"}, f"totals.{name}"

    def count(self) -> tuple[dict[str, str], str]:
        """Return the number of orders."""
        return self.total("orders", "count(distinct order_number)" if self.orders.order else "count(*)")

    def revenue(self) -> tuple[dict[str, str], str]:
        """Return the revenue, which returns of more than was bought do not make negative."""
        totals, revenue = self.total("revenue", SUM, _BOTH if self.orders.revenue == "net" else _BOUGHT)
        return totals, f"greatest({revenue}, 0)"

    def counted(self, figure: str) -> str:
        """Return a figure that is 0 where there is nothing, as `no_orders` says it of customers without orders."""
        return (ZERO if self.orders.no_orders == "include" else NO_FIGURE).format(figure=figure)


def _recency_days(window: _Window) -> FeatureColumn:
    totals, last = window.total("last_day", "max(day)")
    return FeatureColumn(totals, f"{DAY} - {last}")


def _tenure_days(window: _Window) -> FeatureColumn:
    totals, first = window.total("first_day", "min(day)")
    return FeatureColumn(totals, f"{DAY} - {first}")


def _orders(window: _Window) -> FeatureColumn:
    totals, count = window.count()
    return FeatureColumn(totals, window.counted(count))


def _revenue(window: _Window) -> FeatureColumn:
    totals, revenue = window.revenue()
    return FeatureColumn(totals, window.counted(revenue))


def _average_order(window: _Window) -> FeatureColumn:
    (counts, count), (sums, revenue) = window.count(), window.revenue()
    return FeatureColumn({**counts, **sums}, f"{revenue} / nullif({count}, 0)")


def _days_between_orders(window: _Window) -> FeatureColumn:
    first, earliest = window.total("first_day", "min(day)")
    last, latest = window.total("last_day", "max(day)")
    counts, count = window.count()
    gaps = f"({latest} - {earliest})::numeric / nullif({count} - 1, 0)"
    return FeatureColumn({**first, **last, **counts}, gaps)


def _distinct(name: str, column: str) -> Callable[[_Window], FeatureColumn]:
    def make(window: _Window) -> FeatureColumn:
        totals, count = window.total(name, f"count(distinct {column})")
        return FeatureColumn(totals, window.counted(count))

    return make


def _share_of_returns(window: _Window) -> FeatureColumn:
    sold, bought = window.total("bought", SUM)
    back, returned = window.total("returned", f"-{SUM}", _RETURNED)
    return FeatureColumn({**sold, **back}, f"least(coalesce({returned}, 0), {bought}) / {bought}")


_FEATURES: Mapping[OrderFeature, Callable[[_Window], FeatureColumn]] = {
    "recency_days": _recency_days,
    "tenure_days": _tenure_days,
    "orders": _orders,
    "revenue": _revenue,
    "average_order": _average_order,
    "days_between_orders": _days_between_orders,
    "active_months": _distinct("months", "date_trunc('month', day::timestamp)"),
    "distinct_products": _distinct("products", "product"),
    "distinct_categories": _distinct("categories", "category"),
    "share_of_returns": _share_of_returns,
}
