"""Where the contract's columns are found in a Parquet file, and whether their types can become what it says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from clustering.config import NUMERIC_TYPES, Column, Contract
from clustering.customers import match_headers, plain
from clustering.errors import DataError


@dataclass(frozen=True)
class FileColumn:
    """A column under its header, with its type in words, and how its values become the contract's unit.

    `kind` is what its values are converted from, null where no value has a type.
    """

    header: str
    found_type: str
    factor: float
    kind: pa.DataType
    is_text: bool
    in_path: bool

    def agrees_with(self, other: FileColumn) -> bool:
        """Whether values of both are read alike; a column without any value is read as the other one."""
        if pa.null() in (self.kind, other.kind):
            return True
        return (self.kind, self.is_text, self.factor) == (other.kind, other.is_text, other.factor)


def find_file_columns(
    contract: Contract, schema: pa.Schema, in_path: Mapping[str, str | None], *, place: str
) -> dict[str, FileColumn]:
    """Return the contract's columns of a file by their names.

    What the file has itself goes before what stands in its path. Raises DataError, with the `place`, for a column that
    is not there, twice there, or of a type that cannot become the contract's.
    """
    headers = [*schema.names, *(name for name in in_path if name not in schema.names)]
    try:
        found = match_headers(headers, contract)
    except DataError as error:
        raise DataError(f"{place}: {error}") from None
    columns = {}
    for name, (header, factor) in found.items():
        is_in_path = header not in schema.names
        kind = pa.string() if is_in_path else schema.field(header).type
        told = "in the path" if is_in_path else str(kind)
        read_as = _kind(kind, contract.columns[name], f"{place}: column {header}")
        columns[name] = FileColumn(header, told, factor, read_as, _is_text(kind) and not is_in_path, is_in_path)
        if not is_in_path and not _fits(kind, contract.columns[name]):
            wanted = contract.columns[name]
            part = "the key" if wanted.role == "key" else "a column"
            raise DataError(
                f"{place}: column {header} has the type {told}, which cannot be {part} of type {wanted.type}; write it "
                "as another type, or declare another one in customers.yaml"
            )
    return columns


def as_read(array: pa.Array, column: Column) -> pa.Array:
    """Return the values of a file as a warehouse would deliver them: as one type of a kind, a truth value as a number.

    Raises DataError for a type that holds no single value, such as a list.
    """
    if pa.types.is_boolean(array.type) and column.type in NUMERIC_TYPES:
        return array.cast(pa.int64())
    return plain(array)


def _kind(kind: pa.DataType, column: Column, place: str) -> pa.DataType:
    try:
        return as_read(pa.array([], kind), column).type
    except (DataError, pa.ArrowException):
        raise DataError(
            f"{place} has the type {kind}, which holds no single value; write numbers, text or dates"
        ) from None


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _is_whole(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def _is_number(kind: pa.DataType) -> bool:
    return _is_whole(kind) or bool(pa.types.is_floating(kind))


def _is_uuid(kind: pa.DataType) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    return bool(pa.types.is_fixed_size_binary(kind) and kind.byte_width == 16)


def _is_moment(kind: pa.DataType) -> bool:
    return bool(pa.types.is_date(kind) or pa.types.is_timestamp(kind))


_KEYS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "bigint": _is_number,
    "text": lambda kind: _is_text(kind) or _is_whole(kind) or _is_uuid(kind),
    "uuid": lambda kind: _is_text(kind) or _is_uuid(kind),
}


def _fits(kind: pa.DataType, column: Column) -> bool:
    """Return whether values of a type can be a column's; where they are text it depends on the values."""
    if pa.types.is_null(kind):
        return True
    if column.role == "key":
        return _KEYS[column.type](kind)
    if column.type in ("date", "timestamp"):
        return _is_text(kind) or _is_moment(kind)
    if column.type in NUMERIC_TYPES:
        return _is_text(kind) or _is_number(kind) or bool(pa.types.is_boolean(kind))
    return True
