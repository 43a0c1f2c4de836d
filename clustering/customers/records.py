"""Where the contract's columns are found: in a table's columns, a file's header or a posted record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import NUMERIC_TYPES, Column, Contract, Formats
from clustering.customers.declared_formats import as_programs_write
from clustering.customers.text import multiplied
from clustering.errors import DataError

_NATIVE_TEXT = frozenset({"text", "varchar", "character varying"})
_UNSEEN = dict.fromkeys(map(ord, "\ufeff\u200b\u200c\u200d\u2060\u00ad"))
_WRITTEN = _NATIVE_TEXT | {"bpchar", "character", "citext"}
_NATIVE = _NATIVE_TEXT | {
    *("int2", "int4", "int8", "smallint", "integer", "bigint"),
    *("float4", "float8", "real", "double precision"),
    *("bool", "boolean"),
}
_Headers: TypeAlias = Mapping[str, tuple[str, float]]  # folded header -> column and unit factor
_Columns: TypeAlias = dict[str, pa.Array]
_EXACT_BELOW = 2.0**63  # a whole float below this is posted as the integer it is


def source_cast(pg_type: str, column: Column) -> bool:
    """Return whether a column of this PostgreSQL type is selected as `::text`, a cast that never raises.

    It is for whatever has no Arrow type of its own that holds every value (numeric, date, timestamp, uuid, enums), and
    for fixed-width characters, whose padding it removes. A text column takes PostgreSQL's way of writing a value.
    """
    name = pg_type.partition("(")[0].strip().lower()
    return name not in (_NATIVE_TEXT if column.type == "text" else _NATIVE)


def is_written(pg_type: str) -> bool:
    """Return whether a column of this PostgreSQL type holds what somebody has written, numbers and dates included."""
    return pg_type.partition("(")[0].strip().lower() in _WRITTEN


def match_headers(headers: Sequence[str], contract: Contract) -> dict[str, tuple[str, float]]:
    """Return the header and the unit factor of each used column, found by its name or an alias in any case.

    Raises DataError for columns that no header names, or that two headers name.
    """
    known = known_headers(contract)
    found: dict[str, tuple[str, float]] = {}
    for header in headers:
        name, factor = known.get(folded(header), ("", 1.0))
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
    """Return posted records as rows for `split`: the used columns as text or as posted, null where a record has none.

    Names are matched like a file's headers; what the contract does not know is left out. Units are applied. Raises
    DataError for a record that names a column twice.
    """
    known = known_headers(contract)
    arrays = _read_columns(records, known, contract) or _read_cells(records, known, contract)
    return pa.RecordBatch.from_arrays([arrays[name] for name in contract.used], names=list(contract.used))


def _read_columns(records: Sequence[Mapping[str, Any]], known: _Headers, contract: Contract) -> _Columns | None:
    """Read records that all have the same two headers or more, column by column; None for others."""
    headers = tuple(records[0]) if records else ()
    if len(headers) < 2 or set(map(len, records)) != {len(headers)}:
        return None
    try:
        posted = dict(zip(headers, zip(*map(itemgetter(*headers), records), strict=True), strict=True))
    except KeyError:
        return None
    named: dict[str, str] = {}
    arrays = {name: pa.nulls(len(records), pa.string()) for name in contract.used}
    for header, values in posted.items():
        name, factor = known.get(folded(header), ("", 1.0))
        if not name:
            continue
        if name in named:
            raise _twice(0, name, named[name], header)
        named[name] = header
        arrays[name] = _column(values, contract.columns[name], factor, contract.formats)
    return arrays


def _column(values: Sequence[Any], column: Column, factor: float, formats: Formats | None) -> pa.Array:
    kinds = {kind for kind in set(map(type, values)) if kind is not type(None)}
    # An overflow is of an integer that 64 bits cannot hold; as text, it is a fault of its row and of no other.
    with suppress(OverflowError, UnicodeEncodeError, pa.ArrowInvalid):
        if kinds <= {str} and factor == 1:
            return as_programs_write(pa.array(values, pa.string()), column, formats)
        if kinds <= {int} and factor == 1 and column.type in NUMERIC_TYPES:
            return pa.array(values, pa.int64())
        if kinds <= {int, float} and factor == 1 and column.type == "number":
            return pa.array(values, pa.float64())
    return multiplied(_texts(values, column, formats), np.full(len(values), factor))


def _texts(values: Sequence[Any], column: Column, formats: Formats | None) -> pa.StringArray:
    """Return values as text; those that were posted as text are in the contract's formats."""
    text = pa.array(map(_written, values), pa.string())
    if formats is None:
        return text
    return pc.if_else(
        pa.array([isinstance(value, str) for value in values]), as_programs_write(text, column, formats), text
    )


def _read_cells(records: Sequence[Mapping[str, Any]], known: _Headers, contract: Contract) -> _Columns:
    columns: dict[str, list[Any]] = {name: [None] * len(records) for name in contract.used}
    factors = {name: np.ones(len(records)) for name in contract.used}
    for place, record in enumerate(records):
        named: dict[str, str] = {}
        for header, value in record.items():
            name, factor = known.get(folded(header), ("", 1.0))
            if not name:
                continue
            if name in named:
                raise _twice(place, name, named[name], header)
            named[name] = header
            columns[name][place] = value
            factors[name][place] = factor
    return {
        name: multiplied(_texts(values, contract.columns[name], contract.formats), factors[name])
        for name, values in columns.items()
    }


def _twice(place: int, name: str, first: str, second: str) -> DataError:
    return DataError(f"record {place} has {name} twice: as {first!r} and as {second!r}; remove one")


def known_headers(contract: Contract) -> _Headers:
    """Return the column and the unit factor of every header that a used column may have, folded."""
    known = {}
    for name in contract.used:
        column = contract.columns[name]
        known.update({folded(alias.header): (name, alias.factor) for alias in column.aliases})
        known[folded(name)] = (name, 1.0)
    return known


def folded(header: str) -> str:
    """Return a header as it is compared: in any case, with any spaces, and without marks that nobody sees.

    >>> folded("\\ufeff Annual\\xa0 Income ")
    'annual income'
    """
    return " ".join(header.translate(_UNSEEN).split()).casefold()


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
