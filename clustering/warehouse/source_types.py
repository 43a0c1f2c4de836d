"""Types of PostgreSQL's that the contract's types are read from, and the casts that they are selected by."""

from __future__ import annotations

from collections.abc import Mapping

from clustering.config import NUMERIC_TYPES, Column, KeyType
from clustering.customers import source_cast

INTEGERS = ("int2", "int4", "int8")
NUMBERS = ("numeric", "float4", "float8", "oid")  # of which a key takes what is whole
TEXTS = ("text", "varchar", "bpchar")
WRITTEN = (*INTEGERS, "numeric", "oid", "uuid", "name", "char", "citext", "enum")  # of which a key takes the text
KEY_TYPES: Mapping[KeyType, tuple[str, ...]] = {
    "bigint": (*INTEGERS, *NUMBERS),
    "text": (*TEXTS, *WRITTEN),
    "uuid": ("uuid",),
}
NUMBER_CASTS: Mapping[str, str] = {"money": "::numeric::text", "bool": "::integer"}  # none of them ever raises


def cast_of(pg_type: str, column: Column) -> str:
    """Return the cast that a column of a type of PostgreSQL's is selected by; none of them ever raises."""
    if column.type in NUMERIC_TYPES and column.role != "key" and pg_type in NUMBER_CASTS:
        return NUMBER_CASTS[pg_type]
    return "::text" if source_cast(pg_type, column) else ""
