"""`customers.yaml`: the source of customers and its columns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any, Self

from pydantic import Field, model_validator

from clustering.config.column import Column, KeyType, Role
from clustering.config.customer_source import CustomerSource, TableName, without_former_key
from clustering.config.frozen import Frozen, Identifier
from clustering.config.night_checks import Checks, Drift
from clustering.config.orders import Orders, check_columns, order_source
from clustering.config.text_formats import Formats


class Contract(Frozen):
    """The source of customers: its table, its columns, and how many of its rows may be bad."""

    table: TableName | None = None
    """The table or view of customers, with its schema; public where none is named. A part with a dot, a space or other
    signs stands in double quotes. It is short for `source: {table: …}`."""
    source: CustomerSource = CustomerSource()
    """Where customers come from, in place of `table`."""
    orders: Orders | None = None
    """Lines of orders, on which features of customers are declared, in place of `table`."""
    columns: Mapping[Identifier, Column]
    """The columns by name."""
    formats: Formats | None = None
    """How text columns write numbers and dates; null: as programs do, and what a file has is recognised."""
    max_rejected_share: float = Field(default=0.2, ge=0, le=1)
    """A run that rejects more than this share of its rows fails before it publishes."""
    label_runs: int = Field(default=30, ge=1, le=100_000)
    """How many runs keep the labels of single customers; segments and history stay."""
    history_days: int | None = Field(default=None, ge=1, le=100_000)
    """How many days before the latest date the history of customers goes back; null keeps it for ever."""
    change_days: int = Field(default=90, ge=1, le=100_000)
    """For how many days `segment_changes` keeps what was told of customers; who follows it reads more often."""
    tombstone_days: int = Field(default=30, ge=0, le=100_000)
    """For how many days `segment_changes` keeps the key of a customer who was forgotten, so that those who follow it
    remove the customer too, at most as long as `change_days`; 0 keeps no key, and has
    them read all members anew."""
    default_model: Identifier | None = None
    """The model that the view `customer_segments` shows; null stands for the first one by name. `clustering migrate`
    passes it on to the warehouse, or the first night in which it has labels."""
    min_group: int = Field(default=5, ge=1)
    """Groups of fewer customers are not described: averages of such a segment, and counts of such a protected group,
    are left out when a run is published, and what would tell them; 1 leaves out nothing but quartiles of fewer than
    20."""
    changed_at: Identifier | None = None
    """The column, a date or timestamp (in UTC), that says when a customer's row was changed last; the age of the source
    follows from it."""
    checks: Checks = Checks()
    """What a night may change before it is held for a person."""
    drift: Drift = Drift()
    """When a night raises an alarm, and when an alarm starts a retraining."""

    _known_keys = model_validator(mode="before")(without_former_key)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.table is not None) + (self.source != CustomerSource()) + (self.orders is not None) != 1:
            raise ValueError("table, source, orders: one of them says where customers come from")
        keys = [name for name, column in self.columns.items() if column.role == "key"]
        if len(keys) != 1:
            raise ValueError(f"columns: exactly one column has the role key, found {keys or 'none'}")
        if not self.with_role("cluster"):
            raise ValueError("columns: at least one column has the role cluster")
        check_columns(self.orders, self.columns)
        if not (self.origin.table or self.origin.query or self.origin.files):
            raise ValueError("source: table, query or files says where customers come from")
        changed = self.columns.get(self.changed_at) if self.changed_at else None
        if self.changed_at and (
            changed is None or changed.type not in ("date", "timestamp") or changed.role == "ignore"
        ):
            raise ValueError(f"changed_at: {self.changed_at!r} is no column of type date or timestamp that is read")
        if changed is not None and changed.counts_days:
            raise ValueError(
                f"changed_at: {self.changed_at!r} is read as a count of days, and tells no moment; name a column "
                "without transform: days_since or log_days_since"
            )
        owner: dict[str, str] = {}
        for name, column in self.columns.items():
            for header in dict.fromkeys([name, *(alias.header for alias in column.aliases)]):
                if owner.setdefault(header.casefold(), name) != name:
                    raise ValueError(f"columns: header {header!r} belongs to {owner[header.casefold()]} and {name}")
        return self

    @property
    def key(self) -> str:
        """Name of the key column."""
        return self.with_role("key")[0]

    @property
    def key_type(self) -> KeyType:
        """Type of the key column."""
        return self.columns[self.key].type  # type: ignore[return-value]

    @property
    def origin(self) -> CustomerSource:
        """Where customers are read from: `source`, what `table` is short for, or the query of `orders`."""
        if self.orders is not None:
            return order_source(self.orders, self.key, self.used[1:])
        return CustomerSource(table=self.table) if self.table else self.source

    @property
    def aged_query(self) -> str | None:
        """The query of customers as they were known on a date, with what moves with the date counted up to another."""
        return self.origin.aged_query(counts_days=bool(self.counting_days))

    @property
    def used(self) -> tuple[str, ...]:
        """Names of the columns that are read: all but the ignored ones, the key first."""
        rest = (name for name, column in self.columns.items() if column.role not in ("key", "ignore"))
        return (self.key, *rest)

    @property
    def averaged(self) -> tuple[str, ...]:
        """Names of the numeric columns whose averages describe a segment."""
        return tuple(name for name in self.used[1:] if self.columns[name].is_numeric)

    @property
    def counting_days(self) -> tuple[str, ...]:
        """Names of the columns whose dates are counted in days up to the run's date."""
        return tuple(name for name in self.used[1:] if self.columns[name].counts_days)

    @property
    def moving(self) -> tuple[str, ...]:
        """Names of the columns that may be others on the next date of themselves, without anything that has happened.

        They are the days that are counted, features of orders up to a date or of its last days, and whatever a query of
        its own computes as of a date.
        """
        if self.orders is None and self.origin.query and self.origin.is_dated:
            return self.used[1:]
        moved = () if self.orders is None else self.orders.moving
        return tuple(name for name in self.used[1:] if self.columns[name].counts_days or name in moved)

    @property
    def categories(self) -> tuple[str, ...]:
        """Names of the columns whose values are categories that distances are made of."""
        return tuple(name for name in self.used[1:] if self.columns[name].encode)

    @property
    def filled(self) -> tuple[str, ...]:
        """Names of the columns in which a number, or the median of a training, stands for a missing value."""
        return tuple(name for name in self.used[1:] if self.columns[name].is_filled)

    @property
    def grouped(self) -> tuple[str, ...]:
        """Names of the protected columns whose values make groups of customers."""
        return tuple(
            name
            for name in self.with_role("protected")
            if self.columns[name].is_numeric or self.columns[name].type == "text"
        )

    @property
    def counted(self) -> tuple[str, ...]:
        """Names of the columns whose values are counted by segment: protected ones, and categories."""
        return (*self.grouped, *self.categories)

    @property
    def digest(self) -> str:
        """A hash of what determines the labels of a night: two shards of one run have to have the same."""
        reading = {"materialise": True} if self.origin.materialise else {}
        return self._digest({"columns", "formats", "max_rejected_share", "min_group"}, reading)

    @property
    def source_digest(self) -> str:
        """A hash of what determines the customers and their values: nights of one are compared with each other."""
        return self._digest({"columns", "formats"}, {})

    def requiring(self, columns: Collection[str]) -> Self:
        """Return the contract that rejects a customer without a value in these columns where this one does not."""
        required = {
            name: self.columns[name].model_copy(update={"missing": "reject"})
            for name in columns
            if name in self.columns and self.columns[name].may_be_empty and not self.columns[name].encode
        }
        return self.model_copy(update={"columns": {**self.columns, **required}}) if required else self

    def only(self, columns: Collection[str]) -> Self:
        """Return the contract of the key and these columns alone."""
        kept = {name: column for name, column in self.columns.items() if name == self.key or name in columns}
        return self.model_copy(update={"columns": kept})

    def with_role(self, role: Role) -> tuple[str, ...]:
        """Names of the columns with this role, in the contract's order."""
        return tuple(name for name, column in self.columns.items() if column.role == role)

    def _digest(self, settings: set[str], reading: Mapping[str, Any]) -> str:
        described = {"columns": {"__all__": {"description", "unit", "decimals"}}}
        dumped = self.model_dump(mode="json", include=settings, exclude=described)
        for column in dumped["columns"].values():
            if column["encode"] is None:  # it came later: a contract without it has the digest that it had
                del column["encode"]
        settled = {**dumped, **self.origin.settled, **reading}
        return hashlib.sha256(json.dumps(settled, sort_keys=True).encode()).hexdigest()
