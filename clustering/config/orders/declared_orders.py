"""`orders` in `customers.yaml`: the lines of orders, and the features of customers that are declared on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, StrictInt, StrictStr, model_validator

from clustering.config.column import NUMERIC_TYPES, Column
from clustering.config.frozen import Frozen, Identifier
from clustering.config.table_name import checked_name

OrderFeature = Literal[
    "recency_days",
    "orders",
    "revenue",
    "average_order",
    "days_between_orders",
    "tenure_days",
    "active_months",
    "distinct_products",
    "distinct_categories",
    "share_of_returns",
]
EVER: frozenset[OrderFeature] = frozenset({"recency_days", "tenure_days"})  # of all orders, never of some days
NEEDS: Mapping[OrderFeature, Literal["product", "category"]] = {
    "distinct_products": "product",
    "distinct_categories": "category",
}

ColumnName = Annotated[StrictStr, Field(min_length=1, max_length=63)]


def _as_tuple(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _as_feature(value: Any) -> Any:
    return {"feature": value} if isinstance(value, str) else value


def _checked_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; one is called such as Europe/Berlin or UTC") from None
    return name


Values = Annotated[tuple[StrictStr | StrictInt | StrictBool, ...], BeforeValidator(_as_tuple), Field(min_length=1)]


class DeclaredFeature(Frozen):
    """A feature of customers, declared on their orders."""

    feature: OrderFeature
    """What is counted."""
    days: int | None = Field(default=None, ge=1, le=36_500)
    """Of the last so many days alone, `as_of` being the last of them; null: of all days up to `as_of`."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.days is not None and self.feature in EVER:
            raise ValueError(f"days: {self.feature} is counted from all orders; leave days out")
        return self


class CustomerTable(Frozen):
    """A table of customers beside their orders."""

    table: Annotated[str, AfterValidator(checked_name)]
    """The table of customers, with its schema; public where none is named."""
    key: ColumnName
    """The column that orders name a customer by."""
    since: ColumnName
    """The column that says from when on a row holds, such as when the customer registered; an empty one has always
    held. A customer who came after `as_of` is none on that date."""
    until: ColumnName | None = None
    """The column that says from when on a row holds no more, in a table that keeps former rows; null: it keeps none,
    and no feature is taken from it."""


class Orders(Frozen):
    """The lines of orders, and the features that are declared on them."""

    table: Annotated[str, AfterValidator(checked_name)]
    """The table of orders or of their lines, with its schema; public where none is named."""
    customer: ColumnName
    """The column of the customer's key; a line without one is a guest's, and is left out."""
    time: ColumnName
    """The column that says when it was ordered."""
    amount: ColumnName
    """The column of the line's amount, a number in one currency. Above 0 it was bought, below 0 it is a return, 0
    counts as neither."""
    order: ColumnName | None = None
    """The column of the order's number, where an order has several lines; null: each line is an order."""
    product: ColumnName | None = None
    """The column of the product, for `distinct_products`."""
    category: ColumnName | None = None
    """The column of the category, for `distinct_categories`."""
    line: ColumnName | None = None
    """The column that tells lines of an order apart, for `duplicates: once`."""
    currency: ColumnName | None = None
    """The column of the currency, of which the lines that count may have one alone; null: one that is called `currency`
    or `currency_code`, if there is any."""
    time_zone: Annotated[str, AfterValidator(_checked_zone)] | None = None
    """The time zone in which days begin, for times of the type timestamptz; null: times are dates, or timestamps
    without a zone, and stand for the shop's own clock."""
    only: Mapping[ColumnName, Values] = {}
    """Lines that count: by column the value, or the values, of which they have one."""
    without: Mapping[ColumnName, Values] = {}
    """Lines that do not count: by column the value, or the values, of which they have one. Those without a value
    stay."""
    returns: Mapping[ColumnName, Values] = {}
    """Lines that are returns whatever the sign of their amount, as for `only`; one with an amount below 0 always is."""
    revenue: Literal["net", "gross"] = "net"
    """Whether returns are taken off `revenue` and `average_order`, on the day of the return; never below 0."""
    duplicates: Literal["keep", "once"] = "keep"
    """What to do with lines that are equal in every column named here: count each, or count them once."""
    no_orders: Literal["reject", "include"] = "reject"
    """What becomes of customers who have bought nothing up to `as_of`: they are rejected, having no values; or
    included, with 0 for what is counted and summed, and `missing` of the column for what has no value then."""
    customers: CustomerTable | None = None
    """A table of customers: who is one, and their other columns; null: customers are those of the orders."""
    materialise: bool | None = None
    """Whether a night computes the features once, into a staging table with an index on the key, as for a source; null:
    where `customers` is named, since a range of its keys reads all lines."""
    by_time: bool = True
    """Whether a night tells apart whom the passing of time alone moved, by a second reading of the orders; false saves
    it, and `by_time` is null."""
    features: Mapping[Identifier, Annotated[DeclaredFeature, BeforeValidator(_as_feature)]] = Field(min_length=1)
    """By column of the contract what it holds: a feature, or one of the last days."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, declared in self.features.items():
            needed = NEEDS.get(declared.feature)
            if needed and getattr(self, needed) is None:
                raise ValueError(f"features.{name}: {declared.feature} needs orders.{needed}, the name of a column")
        if self.line and self.duplicates == "keep":
            raise ValueError("line: only for duplicates: once, without which every line counts")
        return self

    @property
    def is_materialised(self) -> bool:
        """Whether a night computes the features once."""
        return self.customers is not None if self.materialise is None else self.materialise

    @property
    def filtering(self) -> dict[str, tuple[str | int | bool, ...]]:
        """Columns that lines are chosen by, each with the values that are named for it."""
        chosen: dict[str, tuple[str | int | bool, ...]] = {}
        for named in (self.only, self.without, self.returns):
            for column, values in named.items():
                chosen[column] = (*chosen.get(column, ()), *values)
        return chosen

    @property
    def moving(self) -> frozenset[str]:
        """Columns whose values change with the date alone: days up to it, and what is of the last days."""
        return frozenset(name for name, one in self.features.items() if one.feature in EVER or one.days is not None)

    @property
    def read(self) -> tuple[str, ...]:
        """Names of the columns of the table that are read, each once."""
        single = (self.customer, self.time, self.amount, self.order, self.product, self.category, self.line)
        return tuple(dict.fromkeys(name for name in (*single, self.currency, *self.filtering) if name))


def check_columns(orders: Orders | None, columns: Mapping[str, Column]) -> None:
    """Raise ValueError where features and the contract's columns do not go together."""
    if orders is None:
        return
    for name, declared in orders.features.items():
        column = columns.get(name)
        if column is None or column.role in ("key", "ignore") or column.type not in NUMERIC_TYPES:
            raise ValueError(
                f"orders.features: {name!r} ({declared.feature}) is no column of type integer, bigint or number that "
                "is read; declare it under columns"
            )
    others = [name for name, column in columns.items() if name not in orders.features and column.role != "ignore"]
    others = [name for name in others if columns[name].role != "key"]
    if others and orders.customers is None:
        raise ValueError(
            f"columns: {', '.join(others)}: neither under orders.features nor of a table of customers; declare one of "
            "both, or remove it"
        )
    now = [name for name in others if columns[name].role == "cluster"]
    if now and orders.customers is not None and orders.customers.until is None:
        raise ValueError(
            f"columns: {', '.join(now)}: role cluster, but the table of customers keeps no former rows, so a past date "
            "would be clustered by values of now; name orders.customers.until, or take the role profile"
        )
    if orders.no_orders == "reject" and all(columns[name].missing != "reject" for name in orders.features):
        raise ValueError(
            "orders.no_orders: reject needs a feature with missing: reject, which customers without orders lack"
        )
