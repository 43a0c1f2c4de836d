"""Types of PostgreSQL's that the contract's types are read from, and the casts that they are selected by."""

from __future__ import annotations

from collections.abc import Mapping

from clustering.config import Column, KeyType
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
# What a number is read from, by a cast that never raises. Their names stand in a run's layout, see explain_customer.
NUMBER_CASTS: Mapping[str, tuple[str, str]] = {
    "money": ("numeric", "::numeric::text"),
    "bool": ("integer", "::integer"),
}


def cast_of(pg_type: str, column: Column) -> str:
    """Return the cast that a column of a type of PostgreSQL's is selected by; none of them ever raises."""
    return number_cast(pg_type, column)[1] or ("::text" if source_cast(pg_type, column) else "")


def number_cast(pg_type: str, column: Column) -> tuple[str | None, str]:
    """Return the name and the cast by which a number is read from a type that holds none, if there is one."""
    return NUMBER_CASTS.get(pg_type, (None, "")) if column.is_numeric and column.role != "key" else (None, "")
