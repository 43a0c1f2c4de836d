"""What catalogues of data are told of an audience: which tables it is read from, and which column comes whence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustering.config import LABEL_COLUMNS, Audience, Configuration
from clustering.config.declared_exports import MARK, NAME_COLUMNS
from clustering.config.table_name import split_name
from clustering.monitoring.lineage import (
    LABELS,
    Dataset,
    DatasetColumn,
    How,
    Lineage,
    datasets,
    names_of,
    source_headers,
    source_tables,
)
from clustering.warehouse import Transaction, Warehouse

SCHEMA, NAMES = "segmentation", "label_names"


def describe_audience(
    warehouse: Warehouse, configuration: Configuration, *, audience: str, written: tuple[str, str]
) -> Lineage:
    """Return what catalogues are told of sending an audience to what is `written`, by its namespace and name there.

    `published` is that one, the file of all dates, or the table. Raises ConfigurationError for an audience that is not
    declared, DataError where the source cannot be found.
    """
    declared = configuration.audience(audience)
    namespace, database = names_of(warehouse)
    of_source = [name for name in (*declared.columns, declared.consent.column) if name and _is_of_source(name)]
    with warehouse.transaction(read_only=True) as transaction:
        read = source_tables(transaction, configuration) if of_source else []
        headers = source_headers(transaction, configuration) if of_source else {}
        customers = datasets(transaction, read, database)
        inputs = [*customers, *datasets(transaction, _tables_beside(transaction, declared), database)]
    origin = customers[0].name if headers else None
    tables = {one.name: {column.name: column for column in one.columns} for one in inputs}
    sent = _Sent(tables, f"{database}.{SCHEMA}", origin, headers)
    columns = [sent.column(name, header) for name, header in zip(declared.columns, declared.headers, strict=True)]
    added = (["change"] if declared.rows == "changes" else []) + ([MARK] if declared.table else [])
    target = Dataset(
        name=written[1],
        kind="TABLE" if declared.table else "FILE",
        description=None,
        columns=[*(DatasetColumn(name, "text") for name in added), *columns],
        namespace=written[0],
    )
    return Lineage(namespace, origin=origin, inputs=inputs, published=[target], trained=[])


@dataclass(frozen=True)
class _Sent:
    """Where columns that are sent are found: `tables` are columns by name, by the names of tables."""

    tables: Mapping[str, Mapping[str, DatasetColumn]]
    schema: str
    origin: str | None
    headers: Mapping[str, str]

    def column(self, name: str, header: str) -> DatasetColumn:
        """Return a column as it is sent, with the one that it is."""
        if _is_of_source(name):
            table, column = self.origin, self.headers.get(name)
        else:
            column = name.rpartition(".")[2]
            table = f"{self.schema}.{NAMES if column in NAME_COLUMNS else LABELS}"
        found = self.tables.get(table or "", {}).get(column or "")
        if found is None:  # of a query, nobody says which column is which
            return DatasetColumn(header, None)
        same: dict[str, How] = {found.name: "IDENTITY"}
        return DatasetColumn(header, found.data_type, found.description, same, table)


def _is_of_source(name: str) -> bool:
    return name not in LABEL_COLUMNS and "." not in name


def _tables_beside(transaction: Transaction, audience: Audience) -> Sequence[int]:
    """Return the oids of the labels, of their segments' names where these are sent, and of the suppression list."""
    named = [(SCHEMA, LABELS)]
    if {name.rpartition(".")[2] for name in audience.columns} & set(NAME_COLUMNS):
        named.append((SCHEMA, NAMES))
    if audience.consent.suppressed is not None:
        named.append(split_name(audience.consent.suppressed.table))
    schemas, tables = zip(*named, strict=True)
    return list(transaction.scalar("catalogue/named", schemas=list(schemas), tables=list(tables)))
