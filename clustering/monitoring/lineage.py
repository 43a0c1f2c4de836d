"""What catalogues of data are told of a night: which tables it reads, what it publishes, and which column comes whence.

Names are those of OpenLineage: a namespace such as `postgres://host:5432`, and `database.schema.table` in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from clustering.config import Configuration
from clustering.config.warehouse_address import warehouse_address
from clustering.warehouse import Row, Transaction, Warehouse
from clustering.warehouse.relations import find_relation, planned_tables
from clustering.warehouse.source import find_source
from clustering.warehouse.urls import address_of

KEY = "customer_id"  # what all of our relations call the contract's key
LABELS = "customer_labels"  # what the views of customers read; no reader of BI has a right on it
OF_TRAINING = frozenset({"model_history"})  # what a promotion changes, and no night
STORED = ("r", "p", "f")
ASSIGNED = ("segment_id", "from_segment_id", "to_segment_id", "confidence")
FIGURES = ("mean", "minimum", "q1", "median", "q3", "maximum")

How = Literal["IDENTITY", "TRANSFORMATION", "AGGREGATION"]


@dataclass(frozen=True)
class DatasetColumn:
    """A column with its type in PostgreSQL and its comment, and the columns of a table that it is made from, and how.

    `table` is the name of that table; None: it is the lineage's `origin`.
    """

    name: str
    data_type: str | None
    description: str | None = None
    origins: Mapping[str, How] = field(default_factory=dict)
    table: str | None = None


@dataclass(frozen=True)
class Dataset:
    """A table, view or file by its name in a namespace; None: in that of the lineage."""

    name: str
    kind: Literal["TABLE", "VIEW", "FILE"]
    description: str | None
    columns: Sequence[DatasetColumn]
    namespace: str | None = None


@dataclass(frozen=True)
class Lineage:
    """The tables that hold the customers, what nights publish, and what promotions change.

    `origin` is the name of the one of `inputs` that `origins` of columns speak of; None where customers come from a
    query or from files, whose columns are no table's.
    """

    namespace: str
    origin: str | None
    inputs: Sequence[Dataset]
    published: Sequence[Dataset]
    trained: Sequence[Dataset]


def describe_lineage(warehouse: Warehouse, configuration: Configuration) -> Lineage:
    """Return what catalogues are told, as the warehouse has it now.

    Raises DataError where the source cannot be found. Nothing that is returned holds a login or a customer's value.
    """
    namespace, database = names_of(warehouse)
    with warehouse.transaction(read_only=True) as transaction:
        read = source_tables(transaction, configuration)
        headers = source_headers(transaction, configuration)
        made = transaction.scalar("catalogue/readable", others=[LABELS])
        inputs = datasets(transaction, read, database)
        outputs = datasets(transaction, made, database, _origins(configuration, headers))
    trained = [one for one in outputs if one.name.rpartition(".")[2] in OF_TRAINING]
    return Lineage(
        namespace,
        origin=inputs[0].name if headers else None,
        inputs=inputs,
        published=[one for one in outputs if one not in trained],
        trained=trained,
    )


def names_of(warehouse: Warehouse) -> tuple[str, str]:
    """Return the namespace and the database of a warehouse as catalogues name it."""
    namespace, _, database = (warehouse_address() or address_of(warehouse.uri)).rpartition("/")
    return namespace, database


@dataclass(frozen=True)
class _Origins:
    """What columns of ours are made from: by name, and of the kinds that several relations have."""

    named: Mapping[str, Mapping[str, How]] = field(default_factory=dict)
    features: Sequence[str] = ()
    figures: Sequence[str] = ()
    groups: Sequence[str] = ()

    def of(self, column: str, among: Sequence[str]) -> Mapping[str, How]:
        """Return the source's columns of one column of ours, beside which a relation has others."""
        if column in ASSIGNED and KEY in among:
            return dict.fromkeys(self.features, "TRANSFORMATION")
        if column in FIGURES and "column_name" in among:
            return dict.fromkeys(self.figures, "AGGREGATION")
        if column == "group_name":
            return dict.fromkeys(self.groups, "IDENTITY")
        return self.named.get(column, {})


_NONE = _Origins()


def _origins(configuration: Configuration, headers: Mapping[str, str]) -> _Origins:
    if not headers:
        return _NONE
    contract = configuration.contract
    averages: dict[str, Mapping[str, How]] = {
        f"avg_{name}": {headers[name]: "AGGREGATION"} for name in contract.averaged
    }
    used = {name for model in configuration.models.values() for name in model.features}
    return _Origins(
        named={KEY: {headers[contract.key]: "IDENTITY"}, **averages},
        features=[headers[name] for name in contract.used if name in used],
        figures=[headers[name] for name in contract.averaged],
        groups=[headers[name] for name in contract.counted],
    )


def datasets(
    transaction: Transaction, relations: Sequence[int], database: str, origins: _Origins = _NONE
) -> list[Dataset]:
    """Return tables and views by their oids, with their columns."""
    rows = transaction.rows("catalogue/columns", relations=relations)
    found = groupby(rows, key=lambda row: (row.schema, row.relation))
    return [_dataset(f"{database}.{schema}.{name}", list(columns), origins) for (schema, name), columns in found]


def _dataset(name: str, rows: Sequence[Row], origins: _Origins) -> Dataset:
    among = [row.name for row in rows]
    columns = [
        DatasetColumn(row.name, row.data_type, row.column_description, origins.of(row.name, among)) for row in rows
    ]
    return Dataset(name, "TABLE" if rows[0].kind in STORED else "VIEW", rows[0].description, columns)


def source_tables(transaction: Transaction, configuration: Configuration) -> list[int]:
    """Return the oids of the table or view that is named, or of the tables below a query, which its plan has.

    Files are no tables of the warehouse, and nothing is said of them.
    """
    contract = configuration.contract
    if contract.origin.files is not None:
        return []
    if contract.origin.query is None:
        return [find_relation(transaction, *contract.origin.schema_and_table).oid]
    source = find_source(transaction, contract)
    [plan] = transaction.scalar("source/plan", {"table": source.table})
    found = planned_tables(plan)
    schemas, tables = [schema for schema, _ in found], [table for _, table in found]
    return list(transaction.scalar("catalogue/named", schemas=schemas, tables=tables))


def source_headers(transaction: Transaction, configuration: Configuration) -> dict[str, str]:
    """Return by the contract's columns what the table calls them, nothing for a query or files."""
    if configuration.contract.origin.table is None:
        return {}
    source = find_source(transaction, configuration.contract)
    return {name: column.header for name, column in source.columns.items()}
