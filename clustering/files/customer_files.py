"""Files of customers, read as the contract has them; no warehouse is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import Column, Contract
from clustering.customers import convert, match_headers, multiplied, valid_schema
from clustering.customers.declared_formats import as_programs_write
from clustering.customers.records import folded, known_headers
from clustering.errors import DataError
from clustering.files.layout import Fit
from clustering.files.opening import Kind, opened
from clustering.files.parquet_files import parquet_columns
from clustering.files.recognition import recognise
from clustering.files.text_columns import RECOGNISED, Choose, FileOptions, combined, options_of, text_columns

_ZEROS = r"^0[0-9]+$"


@dataclass(frozen=True)
class CustomerRows:
    """The contract's used columns, in its units, and what is unusual about the file they come from, in words.

    A column of which every value converts is typed; any other stays text with its bad values as they are, so that the
    night can reject them with a reason.
    """

    rows: pa.Table
    said: tuple[str, ...] = ()


def read_customers(path: Path | str, contract: Contract, options: FileOptions = RECOGNISED) -> CustomerRows:
    """Read customers from a Parquet file, a workbook or text with columns, `-` for standard input.

    Raises DataError for a file or header that does not fit, or a format that may be read in two ways.
    """
    with opened(path) as (file, kind):
        try:
            if kind == "parquet":
                return _of_parquet(file, contract)
            return _of_text(file, kind, contract, options)
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def with_valid_keys(found: CustomerRows, contract: Contract) -> CustomerRows:
    """Leave out rows whose key is not of the contract's type: no night could read a table that holds them."""
    keys = found.rows.column(contract.key)
    faults = convert(combined(keys), contract.key_type, exact=True).faults if pa.types.is_string(keys.type) else None
    if faults is None:
        return found
    bad = faults != 0
    place = int(np.flatnonzero(bad)[0])
    told = (
        f"rows left out whose key {contract.key} is not of the type {contract.key_type}: {bad.sum():,}, such as "
        f"{keys[place].as_py()!r}; correct the file, or declare the key as text in customers.yaml"
    )
    rows = found.rows.filter(pa.array(~bad))
    place = rows.schema.get_field_index(contract.key)
    typed = _typed(rows.column(place), contract.columns[contract.key], valid_schema(contract).field(contract.key).type)
    return CustomerRows(rows.set_column(place, contract.key, typed), (*found.said, told))


def require_loadable(rows: pa.Table, contract: Contract) -> None:
    """Raise DataError where the contract declares formats and a column holds values that do not follow them.

    The column would be text in the warehouse, and the night would read what has been read here once more.
    """
    if contract.formats is None:
        return
    for name in rows.column_names:
        column = contract.columns[name]
        if column.role == "key" or column.type == "text" or not pa.types.is_string(rows[name].type):
            continue
        bad = convert(combined(rows[name]), column.type).faults
        if bad is not None:
            place = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"column {name}: {np.count_nonzero(bad):,} values do not follow the contract's formats, such as "
                f"{rows[name][place].as_py()!r}; correct them, or name what stands for no value under formats: missing"
            )


def read_numbers(
    path: Path | str, names: Sequence[str], options: FileOptions = RECOGNISED
) -> tuple[pa.Table, list[str]]:
    """Return numeric columns of a file by their headers, and what is unusual about it, in words.

    Raises DataError for a column that is missing, is there twice, or holds anything but numbers; missing ones are null.
    """
    column = Column(type="number", role="profile", missing="allow")
    with opened(path) as (file, kind):
        try:
            if kind == "parquet":
                text = [combined(one.text) for one in parquet_columns(file, _chosen(names)).values()]
                said: list[str] = []
            else:
                read = text_columns(file, kind, options, fit=_count(names), choose=_places(names))
                found = recognise(read, dict.fromkeys(names, column), options)
                text, said = list(found.columns.values()), found.said
            columns = zip(names, text, strict=True)
            return pa.table({name: _numbers(name, one) for name, one in columns}), said
        except DataError as error:
            raise DataError(f"{path}: {error}") from None


def _of_parquet(file: Path, contract: Contract) -> CustomerRows:
    found: dict[str, tuple[str, float]] = {}

    def choose(headers: Sequence[str]) -> list[str]:
        found.update(match_headers(headers, contract))
        return [header for header, _ in found.values()]

    columns = parquet_columns(file, choose)
    text = {}
    for name, (header, _) in found.items():
        column, formats = contract.columns[name], contract.formats if columns[header].is_text else None
        chunks = [as_programs_write(chunk, column, formats) for chunk in columns[header].text.chunks]
        text[name] = pa.chunked_array(chunks, pa.string())
    return CustomerRows(_as_contract(text, found, contract))


def _of_text(file: Path, kind: Kind, contract: Contract, options: FileOptions) -> CustomerRows:
    found: dict[str, tuple[str, float]] = {}
    known = known_headers(contract)

    def fit(headers: Sequence[str]) -> int:
        return len({known[folded(header)][0] for header in headers if folded(header) in known})

    def choose(headers: Sequence[str]) -> list[int]:
        found.update(match_headers(headers, contract))
        return [headers.index(header) for header, _ in found.values()]

    read = text_columns(file, kind, options, fit=fit, choose=choose).without_blank_rows()
    used = {name: contract.columns[name] for name in found}
    recognised = recognise(read, used, options_of(options, contract.formats))
    text = {name: pa.chunked_array([column]) for name, column in recognised.columns.items()}
    zeros = _zeros_lost(recognised.columns[contract.key], contract)
    return CustomerRows(_as_contract(text, found, contract), (*recognised.said, *zeros))


def _zeros_lost(keys: pa.StringArray, contract: Contract) -> list[str]:
    if contract.key_type != "bigint":
        return []
    zeros = keys.filter(pc.fill_null(pc.match_substring_regex(keys, _ZEROS), False))
    if not len(zeros):
        return []
    return [
        f"keys {contract.key} that begin with zeros, which a bigint does not keep: {len(zeros):,}, such as "
        f"{zeros[0].as_py()}; declare the key as text in customers.yaml to keep them"
    ]


def _as_contract(
    text: Mapping[str, pa.ChunkedArray], found: Mapping[str, tuple[str, float]], contract: Contract
) -> pa.Table:
    types = valid_schema(contract)
    return pa.table(
        {
            name: _typed(_in_unit(text[name], factor), contract.columns[name], types.field(name).type)
            for name, (_, factor) in found.items()
        }
    )


def _in_unit(text: pa.ChunkedArray, factor: float) -> pa.ChunkedArray:
    if factor == 1:
        return text
    return pa.chunked_array([multiplied(chunk, np.full(len(chunk), factor)) for chunk in text.chunks], pa.string())


def _typed(text: pa.ChunkedArray, column: Column, wanted: pa.DataType) -> pa.ChunkedArray:
    results = [convert(chunk, column.type, exact=column.role == "key") for chunk in text.chunks]
    if any(result.faults is not None for result in results):
        return text
    return pa.chunked_array([result.values for result in results], wanted)


def _numbers(name: str, text: pa.StringArray) -> pa.Array:
    values, faults = convert(text, "number")
    if faults is not None:
        bad = np.flatnonzero(faults)
        raise DataError(
            f"column {name}: {len(bad):,} of {len(text):,} values are not numbers, such as "
            f"{text[int(bad[0])].as_py()!r} in row {bad[0] + 1:,}; correct them or leave the column out"
        )
    return values


def _count(names: Sequence[str]) -> Fit:
    return lambda headers: sum(any(folded(header) == folded(name) for header in headers) for name in names)


def _places(names: Sequence[str]) -> Choose:
    """Return what finds columns by their headers: as written, or in any case where nothing else is as near."""

    def choose(headers: Sequence[str]) -> list[int]:
        found: dict[int, str] = {}
        for name in names:
            place = _place(name, headers)
            if place in found:
                raise DataError(f"{found[place]} and {name} are the same column, {headers[place]}; name it once")
            found[place] = name
        return list(found)

    return choose


def _chosen(names: Sequence[str]) -> Callable[[Sequence[str]], list[str]]:
    return lambda headers: [headers[place] for place in _places(names)(headers)]


def _place(name: str, headers: Sequence[str]) -> int:
    exact = [place for place, header in enumerate(headers) if header.strip() == name.strip()]
    found = exact or [place for place, header in enumerate(headers) if folded(header) == folded(name)]
    if len(found) > 1:
        columns = " and ".join(str(place + 1) for place in found)
        raise DataError(f"column {name} is there twice, as columns {columns}; rename one")
    if not found:
        raise DataError(f"column {name} is missing; there are {', '.join(headers) or 'none'}")
    return found[0]
