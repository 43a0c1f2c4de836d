"""The source as it is in the warehouse: its columns, its size, and how to read a range of its keys."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from psycopg2 import sql
from sqlalchemy.exc import DBAPIError

from clustering.config import Contract, KeyType
from clustering.customers import Reading, is_written, match_headers, today
from clustering.errors import DataError
from clustering.warehouse.connection import Transaction
from clustering.warehouse.order_tables import check_order_tables
from clustering.warehouse.relations import find_relation
from clustering.warehouse.source_types import KEY_TYPES, NUMBERS, WRITTEN, cast_of
from clustering.warehouse.states import NOT_ALLOWED, state_of
from clustering.warehouse.subquery import Subquery, reading_errors

EXACT_COUNT_BELOW = 100_000  # a table this small is counted instead of estimated, and read whole instead of sampled

Kind: TypeAlias = Literal["table", "view", "query", "copy"]


@dataclass(frozen=True)
class SourceColumn:
    """Where a column of the contract is found, and how its values become the contract's unit."""

    header: str
    pg_type: str
    factor: float


@dataclass(frozen=True)
class Source:
    """The customers as they can be read; `rows` is an estimate for many rows, exact for few.

    `name` is what people call it, `table` what to select from: a quoted name, or a query in parentheses. `as_of` is the
    date whose customers they are taken for.
    """

    contract: Contract
    kind: Kind
    name: str
    table: sql.Composable
    columns: Mapping[str, SourceColumn]
    rows: int
    as_of: date = field(default_factory=today)
    has_unique_key: bool = False
    can_be_sampled: bool = False
    warning: str | None = None  # what to tell people of it, such as of rows that may be hidden

    @property
    def key(self) -> sql.Composable:
        """The key column's quoted name, cast to text where it is another type that a key of text is read from."""
        name = sql.Identifier(self.columns[self.contract.key].header)
        return sql.SQL("{}::text").format(name) if self._key_is_written else name

    @property
    def exact_key(self) -> sql.Composable:
        """The key, compared sign by sign: the column's own collation may take upper and lower case for the same."""
        return sql.SQL('{}::text collate "default"').format(self.key) if self.contract.key_type == "text" else self.key

    @property
    def _key_is_written(self) -> bool:
        return self.contract.key_type == "text" and self.columns[self.contract.key].pg_type in WRITTEN

    def bounds(self, found: Sequence[str]) -> list[str]:
        """Return keys that cut the table, as text, in the key's type; each once."""
        if self.contract.key_type == "bigint" and self.columns[self.contract.key].pg_type in NUMBERS:
            found = [str(math.floor(key)) for key in map(Decimal, found) if key.is_finite() and abs(key) < 2**63]
        return list(dict.fromkeys(found))

    @property
    def reading(self) -> Reading:
        """How its rows are written: units, what is text in the warehouse, and up to which date days are counted."""
        return Reading(
            factors={name: column.factor for name, column in self.columns.items() if column.factor != 1},
            texts=frozenset(name for name, column in self.columns.items() if is_written(column.pg_type)),
            as_of=self.as_of,
        )

    def narrowed(self, contract: Contract) -> Source:
        """Return the source with the columns alone that a contract with fewer of them uses."""
        return replace(self, contract=contract, columns={name: self.columns[name] for name in contract.used})

    def select_list(self) -> sql.Composable:
        """Return the contract's columns, by casts that never raise: one that does would abort the whole shard.

        What is copied of a key is compared as any text is, whatever its column's collation takes for the same.
        """
        is_text = self.contract.key_type == "text"
        return sql.SQL(", ").join(
            sql.SQL("{}{}{} as {}").format(
                sql.Identifier(column.header),
                sql.SQL(cast_of(column.pg_type, self.contract.columns[name])),
                sql.SQL(' collate "default"' if is_text and name == self.contract.key else ""),
                sql.Identifier(name),
            )
            for name, column in self.columns.items()
        )

    def with_keys(self, keys: Collection[str]) -> sql.Composable:
        """Return the condition for any of these keys, as text: one for an index, and the exact one."""
        listed = sql.SQL("any({}::{}[])").format(sql.Literal(list(keys)), sql.SQL(self.contract.key_type))
        return sql.SQL("{} = {listed} and {} = {listed}").format(self.key, self.exact_key, listed=listed)

    def in_range(self, lower: Any, upper: Any, *, takes_null: bool) -> sql.Composable:
        """Return the condition for keys from `lower` up to, but without, `upper`; None is no bound."""
        bounds = [
            sql.SQL("{} {} {}").format(self.key, sql.SQL(comparison), _literal(value, self.contract.key_type))
            for comparison, value in ((">=", lower), ("<", upper))
            if value is not None
        ]
        if not bounds:
            return sql.SQL("true" if takes_null else "{} is not null").format(self.key)
        condition = sql.SQL(" and ").join(bounds)
        return sql.SQL("({}) or {} is null").format(condition, self.key) if takes_null else condition


def describe_source(
    transaction: Transaction, contract: Contract, *, as_of: date | None = None, is_past: bool = False
) -> Source:
    """Look up where the contract's customers come from: in the warehouse, and with how many rows.

    Days are counted up to `as_of`, or else today in UTC, and a query that names a date is asked as of it; where
    `is_past`, that of past dates is.
    Raises DataError when the table, a column or the right to read it is missing, when the key has another type, when a
    query cannot be read or there is none of past dates, or when there are no rows.
    """
    source = find_source(transaction, contract, as_of=as_of, is_past=is_past)
    if source.rows < EXACT_COUNT_BELOW:
        with reading_errors(source.name):
            rows = int(transaction.scalar("source/count", {"table": source.table}))
        source = replace(source, rows=rows)
    require_rows(source, source.rows)
    return source


def require_rows(source: Source, rows: int) -> None:
    """Raise DataError for a source that has no rows."""
    if not rows:
        raise DataError(f"{source.name} has no rows; load customers first, nothing was changed")


def find_source(
    transaction: Transaction, contract: Contract, *, as_of: date | None = None, is_past: bool = False
) -> Source:
    """Look the source up as `describe_source` does, but count no rows: there may be none."""
    subquery = _subquery(contract, as_of, is_past=is_past)
    if subquery is None:
        source = _described_table(transaction, contract)
        return source if as_of is None else replace(source, as_of=as_of)
    with reading_errors(subquery.name):
        return described_query(transaction, contract, subquery)


def _subquery(contract: Contract, as_of: date | None, *, is_past: bool) -> Subquery | None:
    origin = contract.origin
    query = origin.query_of(is_past=is_past)
    if query is None and is_past:
        raise DataError(f"customers.yaml names no source.dated any more, and {as_of} was to be read from it")
    if query is None:
        return None
    return Subquery(origin.name_of(is_past=is_past), query, as_of or today())


def _described_table(transaction: Transaction, contract: Contract) -> Source:
    relation = find_relation(transaction, *contract.origin.schema_and_table)
    listed = transaction.rows("source/columns", relation=relation.oid)
    columns = find_columns(contract, {row.name: row.type for row in listed})
    source = Source(
        contract=contract,
        kind="view" if relation.kind == "v" else "table",
        name=_table_name(contract),
        table=sql.Identifier(*contract.origin.schema_and_table),
        columns=columns,
        rows=int(relation.estimate),
        has_unique_key=transaction.scalar(
            "source/unique_key", relation=relation.oid, column=columns[contract.key].header
        ),
        can_be_sampled=relation.kind in ("r", "m", "p"),
        warning=_hidden_rows(contract, relation.reader) if relation.hides_rows else None,
    )
    _check_readable(transaction, source, relation.reader, {row.name for row in listed if not row.readable})
    return source


def described_query(transaction: Transaction, contract: Contract, subquery: Subquery) -> Source:
    """Look a query up as a source of the contract's columns; a DBAPIError where it cannot be read."""
    check_order_tables(transaction, contract)
    columns = find_columns(contract, subquery.column_types(transaction))
    rows = subquery.estimated_rows(transaction)
    source = Source(contract, "query", subquery.name, subquery.relation, columns, rows, subquery.as_of)
    is_grouped = contract.orders is not None and contract.orders.customers is None  # by the key
    return replace(source, warning=subquery.warning, has_unique_key=is_grouped)


def _hidden_rows(contract: Contract, reader: str) -> str:
    return (
        f"row-level security may hide rows of {contract.origin.name} from {reader}: only those that its policies show "
        "are read; show all of them to this login, or name a view that is meant to show some"
    )


def _table_name(contract: Contract) -> str:
    return "the table " + ".".join(contract.origin.schema_and_table)


def _check_readable(transaction: Transaction, source: Source, reader: str, closed: Collection[str]) -> None:
    """Try what will be selected: rights on the columns alone suffice, and those of a view may be lacking below it."""
    headers = [column.header for column in source.columns.values()]
    if lacking := [header for header in headers if header in closed]:
        columns = ", ".join(headers if len(lacking) == len(headers) else lacking)
        raise DataError(f"{source.name} may not be read by {reader}; grant select on it, or on {columns} of it")
    try:
        transaction.rows("source/readable", {"columns": source.select_list(), "table": source.table})
    except DBAPIError as error:
        if state_of(error) != NOT_ALLOWED:
            raise
        said = str(error.orig).splitlines()[0]
        raise DataError(f"{source.name} may not be read by {reader}: {said}; grant what is missing") from error


def find_columns(contract: Contract, types: Mapping[str, str]) -> dict[str, SourceColumn]:
    """Return where the contract's columns are among some with these types; DataError where one is not, or wrong."""
    found = match_headers(list(types), contract)
    columns = {name: SourceColumn(header, types[header], factor) for name, (header, factor) in found.items()}
    _check_key(contract, columns[contract.key])
    return columns


def _check_key(contract: Contract, column: SourceColumn) -> None:
    allowed = KEY_TYPES[contract.key_type]
    if column.pg_type not in allowed:
        raise DataError(
            f"the key {column.header} of {contract.origin.name} has the type {column.pg_type}, but customers.yaml says "
            f"{contract.key_type}, which takes {', '.join(allowed)}; declare another type, or "
            f"{'select' if contract.origin.query else 'name a view with'} {column.header}::{contract.key_type}"
        )


def _literal(value: Any, key_type: KeyType) -> sql.Composable:
    literal = sql.Literal(value if key_type == "bigint" else str(value))
    return sql.SQL("{}::uuid").format(literal) if key_type == "uuid" else literal
