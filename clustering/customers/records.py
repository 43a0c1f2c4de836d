"""Where the contract's columns are found: in a table's columns, a file's header or a posted record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from clustering.config import Column, Contract
from clustering.customers.text import multiplied
from clustering.errors import DataError

_NATIVE_TEXT = frozenset({"text", "varchar", "character varying"})
_NATIVE = _NATIVE_TEXT | {
    *("int2", "int4", "int8", "smallint", "integer", "bigint"),
    *("float4", "float8", "real", "double precision"),
    *("bool", "boolean"),
}
_EXACT_BELOW = 2.0**63  # a whole float below this is posted as the integer it is


def source_cast(pg_type: str, column: Column) -> bool:
    """Return whether a column of this PostgreSQL type is selected as `::text`, a cast that never raises.

    It is for whatever has no Arrow type of its own that holds every value (numeric, date, timestamp, uuid, enums), and
    for fixed-width characters, whose padding it removes. A text column takes PostgreSQL's way of writing a value.
    """
    name = pg_type.partition("(")[0].strip().lower()
    return name not in (_NATIVE_TEXT if column.type == "text" else _NATIVE)


def match_headers(headers: Sequence[str], contract: Contract) -> dict[str, tuple[str, float]]:
    """Return the header and the unit factor of each used column, found by its name or an alias in any case.

    Raises DataError for columns that no header names, or that two headers name.
    """
    known = _known_headers(contract)
    found: dict[str, tuple[str, float]] = {}
    for header in headers:
        name, factor = known.get(_folded(header), ("", 1.0))
        if not name:
            continue
        if name in found:
            raise DataError(f"column {name} is there twice: as {found[name][0]!r} and as {header!r}; remove one")
        found[name] = (header, factor)
    missing = [name for name in contract.used if name not in found]
    if missing:
        wanted = "; ".join(" or ".join([name, *_aliases(contract.columns[name])]) for name in missing)
        raise DataError(
            f"no column for {wanted}; found {', '.join(headers) or 'none'}. "
            "Rename the column, or add its header to the aliases in customers.yaml"
        )
    return {name: found[name] for name in contract.used}


def read_records(records: Sequence[Mapping[str, Any]], contract: Contract) -> pa.RecordBatch:
    """Return posted records as rows for `split`: the used columns as text, units applied, null where a record has none.

    Names are matched like a file's headers; what the contract does not know is left out. Raises DataError for a record
    that names a column twice.
    """
    known = _known_headers(contract)
    columns: dict[str, list[str | None]] = {name: [None] * len(records) for name in contract.used}
    factors = {name: np.ones(len(records)) for name in contract.used}
    for place, record in enumerate(records):
        named: dict[str, str] = {}
        for header, value in record.items():
            name, factor = known.get(_folded(header), ("", 1.0))
            if not name:
                continue
            if name in named:
                raise DataError(f"record {place} has {name} twice: as {named[name]!r} and as {header!r}; remove one")
            named[name] = header
            columns[name][place] = _written(value)
            factors[name][place] = factor
    arrays = [multiplied(pa.array(values, pa.string()), factors[name]) for name, values in columns.items()]
    return pa.RecordBatch.from_arrays(arrays, names=list(columns))


def _known_headers(contract: Contract) -> dict[str, tuple[str, float]]:
    known = {}
    for name in contract.used:
        column = contract.columns[name]
        known.update({_folded(alias.header): (name, alias.factor) for alias in column.aliases})
        known[_folded(name)] = (name, 1.0)
    return known


def _folded(header: str) -> str:
    return header.strip().casefold()


def _aliases(column: Column) -> list[str]:
    return [alias.header for alias in column.aliases]


def _written(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool | dict | list | tuple):
        value = json.dumps(value, default=str)
    elif isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_BELOW:
        value = int(value)
    # JSON can hold half a surrogate pair, which no UTF-8 text can.
    return str(value).encode("utf-8", "replace").decode()
