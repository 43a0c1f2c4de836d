"""Parquet files, whose values have types, as text that the contract is applied to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pyarrow as pa
from pyarrow import parquet

from clustering.errors import DataError


@dataclass(frozen=True)
class ParquetColumn:
    """A column as text, and whether it is text in the file."""

    text: pa.ChunkedArray
    is_text: bool


def parquet_columns(file: Path, choose: Callable[[Sequence[str]], Sequence[str]]) -> dict[str, ParquetColumn]:
    """Return the columns that `choose` takes from the headers, by header.

    Raises DataError for a file that cannot be read, or a column that holds no single values, such as lists.
    """
    try:
        with parquet.ParquetFile(file) as opened:
            rows = opened.read(columns=list(choose(opened.schema_arrow.names)))
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"not a Parquet file: {error}") from None
    return {
        header: ParquetColumn(_written(rows.column(header), header), _is_text(rows.schema.field(header).type))
        for header in rows.column_names
    }


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _written(column: pa.ChunkedArray, header: str) -> pa.ChunkedArray:
    if pa.types.is_fixed_size_binary(column.type) and column.type.byte_width == 16:  # a uuid
        return pa.chunked_array(
            [[None if one is None else str(UUID(bytes=one)) for one in column.to_pylist()]], pa.string()
        )
    try:
        return column.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise DataError(f"column {header} holds {column.type}, not numbers, text or dates; convert it first") from None
