"""Files of customers, read as the contract has them; no warehouse is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from clustering.config import Column, Contract
from clustering.customers import convert, match_headers, multiplied, valid_schema
from clustering.errors import DataError

_PARSING = csv.ParseOptions(newlines_in_values=True)


def read_file(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a Parquet file (`.parquet`) or, whatever else it is called, a CSV file."""
    return (read_parquet if Path(path).suffix.lower() == ".parquet" else read_csv)(path, contract)


def read_parquet(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a Parquet file, in the contract's units and otherwise as `read_csv` does.

    Raises DataError for a file that does not fit, or a column that holds no single values, such as lists.
    """
    try:
        with parquet.ParquetFile(path) as file:
            found = match_headers(file.schema_arrow.names, contract)
            rows = file.read(columns=[header for header, _ in found.values()])
        text = {header: _written(rows.column(header), header) for header in rows.column_names}
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a Parquet file: {error}") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return _as_contract(text, found, contract)


def _written(column: pa.ChunkedArray, header: str) -> pa.ChunkedArray:
    if pa.types.is_fixed_size_binary(column.type) and column.type.byte_width == 16:  # a uuid
        return pa.chunked_array(
            [[None if one is None else str(UUID(bytes=one)) for one in column.to_pylist()]], pa.string()
        )
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise DataError(f"column {header} holds {column.type}, not numbers, text or dates; convert it first") from None


def read_csv(path: Path | str, contract: Contract) -> pa.Table:
    """Read the contract's used columns from a CSV file (UTF-8, commas, a header), in the contract's units.

    A column of which every value converts is typed; any other stays text with its bad values as they are, so that the
    night can reject them with a reason. Empty fields are null. Raises DataError for a file or header that does not fit.
    """
    try:
        with csv.open_csv(path, parse_options=_PARSING) as reader:
            headers = reader.schema.names
        found = match_headers(headers, contract)
        wanted = _as_text([header for header, _ in found.values()])
        text = csv.read_csv(path, parse_options=_PARSING, convert_options=wanted)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: not a CSV file in UTF-8 with commas and a header: {error}") from None
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    return _as_contract(text, found, contract)


def _as_contract(
    text: pa.Table | Mapping[str, pa.ChunkedArray], found: Mapping[str, tuple[str, float]], contract: Contract
) -> pa.Table:
    types = valid_schema(contract)
    rows = pa.table(
        {
            name: _typed(text[header], contract.columns[name], factor, types.field(name).type)
            for name, (header, factor) in found.items()
        }
    )
    _check_keys(rows.column(contract.key), contract)
    return rows


def _check_keys(keys: pa.ChunkedArray, contract: Contract) -> None:
    """Refuse keys that stayed text: no night could read a table whose key has another type than the contract's."""
    faults = convert(keys.combine_chunks(), contract.key_type, exact=True).faults
    if faults is None:
        return
    place = int(np.flatnonzero(faults)[0])
    raise DataError(
        f"row {place + 1}: the key {contract.key} is {keys[place].as_py()!r}, which is not of the type "
        f"{contract.key_type}; correct the file, or declare the key as text in customers.yaml"
    )


def _as_text(headers: list[str]) -> csv.ConvertOptions:
    return csv.ConvertOptions(
        include_columns=headers,
        column_types=dict.fromkeys(headers, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
    )


def _typed(text: pa.ChunkedArray, column: Column, factor: float, wanted: pa.DataType) -> pa.ChunkedArray:
    chunks = text.chunks
    if factor != 1:
        chunks = [multiplied(chunk, np.full(len(chunk), factor)) for chunk in chunks]
    results = [convert(chunk, column.type, exact=column.role == "key") for chunk in chunks]
    if any(result.faults is not None for result in results):
        return pa.chunked_array(chunks, pa.string())
    return pa.chunked_array([result.values for result in results], wanted)
