"""The tables that may hold a customer's key, and how it is found in each, whatever type the key has there."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2 import sql

from clustering.config import KeyType
from clustering.warehouse.staging_schema import STAGING

# What a key that is a whole number is compared as, by the type of a column; copies have the type of the source.
_COMPARED_AS = {
    "bigint": "",
    "numeric": "",
    "double precision": "",
    "real": "::double precision",
    "integer": "::bigint",
    "smallint": "::bigint",
    "oid": "::bigint",
}
_FLOATS = ("double precision", "real")


@dataclass(frozen=True)
class Table:
    """A table with the number of its columns; `key` is the column of the customers' keys, None where it has none."""

    schema: str
    name: str
    is_partitioned: bool
    owner: str
    columns: int
    key: str | None
    key_type: str | None  # the type of that column

    @property
    def is_large(self) -> bool:
        """Whether it has rows of all customers, and names them in the key's column alone."""
        return self.is_partitioned or self.name == "segment_changes" or self.is_copy

    @property
    def has_lists(self) -> bool:
        """Whether its rows are lists of customers."""
        return self.schema == "segmentation" and self.name == "export_recipients"

    @property
    def is_copy(self) -> bool:
        """Whether it is a run's copy of the source."""
        return self.schema == STAGING and self.name.startswith("source_")

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"

    @property
    def is_the_writers(self) -> bool:
        """Whether it belongs to the writer, who attaches and drops its partitions."""
        return self.is_partitioned or self.schema != "segmentation"

    @property
    def identifier(self) -> sql.Identifier:
        """Its quoted name."""
        return sql.Identifier(self.schema, self.name)

    def has_numbers(self, key_type: KeyType) -> bool:
        """Whether its keys are numbers that keys of this type are whole ones of."""
        return key_type == "bigint" and self.key_type in _COMPARED_AS

    def has_written_numbers(self, key_type: KeyType) -> bool:
        """Whether keys that are numbers may stand in it as the source writes them: a sample casts numeric to text."""
        return key_type == "bigint" and self.key_type == "text" and self.schema == STAGING

    def names_of_key(self, key_type: KeyType, key: str) -> dict[str, sql.Composable]:
        """Return the names for a comparison of its key with one as labels hold it, by an index where there may be one.

        No number is taken for the nearest one that a column can hold.
        """
        cast = "" if self.key_type == key_type else "::text"
        is_exact = self.key_type not in _FLOATS or key_type != "bigint" or float(key) == int(key)
        if self.has_numbers(key_type) and is_exact:
            cast = _COMPARED_AS[self.key_type or ""]
        return {"table": self.identifier, "column": sql.Identifier(self.key or ""), "cast": sql.SQL(cast)}
