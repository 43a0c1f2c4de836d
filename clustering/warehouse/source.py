"""The source table as it is in the warehouse: its columns, its size, and how to read a range of its keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from psycopg2 import sql

from clustering.config import Contract, KeyType
from clustering.customers import match_headers, source_cast
from clustering.errors import DataError
from clustering.warehouse.connection import Transaction

KEY_TYPES: Mapping[KeyType, tuple[str, ...]] = {
    "bigint": ("int2", "int4", "int8"),
    "text": ("text", "varchar", "bpchar"),
    "uuid": ("uuid",),
}
EXACT_COUNT_BELOW = 100_000  # a table this small is counted instead of estimated, and read whole instead of sampled


@dataclass(frozen=True)
class SourceColumn:
    """Where a column of the contract is found, and how its values become the contract's unit."""

    header: str
    pg_type: str
    factor: float


@dataclass(frozen=True)
class Source:
    """The source table; `rows` is an estimate for large tables, exact for small ones."""

    contract: Contract
    columns: Mapping[str, SourceColumn]
    rows: int
    has_unique_key: bool
    can_be_sampled: bool

    @property
    def table(self) -> sql.Identifier:
        """The table's quoted name."""
        return sql.Identifier(*self.contract.schema_and_table)

    @property
    def key(self) -> sql.Identifier:
        """The key column's quoted name."""
        return sql.Identifier(self.columns[self.contract.key].header)

    @property
    def factors(self) -> dict[str, float]:
        """The unit factors other than one, by the contract's column name."""
        return {name: column.factor for name, column in self.columns.items() if column.factor != 1}

    def layout(self) -> dict[str, Any]:
        """Where the columns are found, their units and what fills a missing value, as JSON-able values."""
        schema, table = self.contract.schema_and_table
        return {
            "schema": schema,
            "table": table,
            "key": self.columns[self.contract.key].header,
            "columns": {
                name: {"header": column.header, "factor": column.factor, "fill": self.contract.columns[name].fill}
                for name, column in self.columns.items()
            },
        }

    def select_list(self) -> sql.Composable:
        """The contract's columns, cast only to text: a cast that can raise would abort the whole shard."""
        return sql.SQL(", ").join(
            sql.SQL("{}{} as {}").format(
                sql.Identifier(column.header),
                sql.SQL("::text" if source_cast(column.pg_type, self.contract.columns[name]) else ""),
                sql.Identifier(name),
            )
            for name, column in self.columns.items()
        )

    def in_range(self, lower: Any, upper: Any, *, takes_null: bool) -> sql.Composable:
        """The condition for keys from `lower` up to, but without, `upper`; None is no bound."""
        bounds = [
            sql.SQL("{} {} {}").format(self.key, sql.SQL(comparison), _literal(value, self.contract.key_type))
            for comparison, value in ((">=", lower), ("<", upper))
            if value is not None
        ]
        if not bounds:
            return sql.SQL("true" if takes_null else "{} is not null").format(self.key)
        condition = sql.SQL(" and ").join(bounds)
        return sql.SQL("({}) or {} is null").format(condition, self.key) if takes_null else condition


def describe_source(transaction: Transaction, contract: Contract) -> Source:
    """Look the contract's table up in the warehouse.

    Raises DataError when the table, a column or the right to read it is missing, when the key has another type, or when
    the table has no rows.
    """
    schema, table = contract.schema_and_table
    relation = transaction.row("source/table", schema=schema, table=table)
    if relation is None:
        raise DataError(
            f"the table {schema}.{table} does not exist in the warehouse; name the right one in customers.yaml"
        )
    if not relation.readable:
        raise DataError(f"the table {schema}.{table} may not be read by {relation.reader}; grant select on it")
    types = {row.name: row.type for row in transaction.rows("source/columns", relation=relation.oid)}
    found = match_headers(list(types), contract)
    columns = {name: SourceColumn(header, types[header], factor) for name, (header, factor) in found.items()}
    _check_key(contract, columns[contract.key])
    source = Source(
        contract=contract,
        columns=columns,
        rows=int(relation.estimate),
        has_unique_key=transaction.scalar(
            "source/unique_key", relation=relation.oid, column=columns[contract.key].header
        ),
        can_be_sampled=relation.kind in ("r", "m", "p"),
    )
    if source.rows < EXACT_COUNT_BELOW:
        rows = int(transaction.scalar("source/count", {"table": source.table}))
        source = Source(contract, columns, rows, source.has_unique_key, source.can_be_sampled)
    if not source.rows:
        raise DataError(f"the table {schema}.{table} has no rows; load customers first, nothing was changed")
    return source


def _check_key(contract: Contract, column: SourceColumn) -> None:
    allowed = KEY_TYPES[contract.key_type]
    if column.pg_type not in allowed:
        raise DataError(
            f"the key {column.header} of {contract.table} has the type {column.pg_type}, but customers.yaml says "
            f"{contract.key_type}, which takes {', '.join(allowed)}"
        )


def _literal(value: Any, key_type: KeyType) -> sql.Composable:
    literal = sql.Literal(value if key_type == "bigint" else str(value))
    return sql.SQL("{}::uuid").format(literal) if key_type == "uuid" else literal
