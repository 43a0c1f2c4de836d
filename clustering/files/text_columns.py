"""Columns of a text file or a workbook, as text, and in which form they were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import DateOrder, Formats
from clustering.errors import DataError
from clustering.files.delimited import read_text
from clustering.files.encodings import UTF_8, encoding_of
from clustering.files.layout import NAMES, Fit, find_layout
from clustering.files.opening import Kind
from clustering.files.workbooks import read_sheet

Choose = Callable[[Sequence[str]], list[int]]
"""The places of the columns that are wanted, from the headers; raises DataError where one is missing."""


@dataclass(frozen=True)
class FileOptions:
    """What somebody says of a file; what is None is recognised."""

    encoding: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    dates: DateOrder | None = None
    sheet: str | None = None
    missing: tuple[str, ...] = ()


RECOGNISED = FileOptions()


def options_of(options: FileOptions, formats: Formats | None) -> FileOptions:
    """Return the options, with what the contract declares where an option says nothing."""
    if formats is None:
        return options
    return replace(
        options,
        decimal=options.decimal or formats.decimal,
        thousands=formats.thousands if options.thousands is None else options.thousands,
        dates=options.dates or formats.dates,
        missing=(*options.missing, *formats.missing),
    )


@dataclass(frozen=True)
class TextColumns:
    """Columns of text (n,) by their place among the `headers`, what separates them, and what is unusual, in words."""

    headers: tuple[str, ...]
    columns: dict[int, pa.StringArray]
    delimiter: str
    said: list[str]

    def without_blank_rows(self) -> TextColumns:
        """Leave out rows that have no value in any of the columns."""
        if not self.columns:
            return self
        present = [pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(one), ""), False) for one in self.columns.values()]
        kept = present[0]
        for one in present[1:]:
            kept = pc.or_(kept, one)
        blank = len(kept) - (pc.sum(kept).as_py() or 0)
        if not blank:
            return self
        columns = {place: one.filter(kept) for place, one in self.columns.items()}
        return TextColumns(self.headers, columns, self.delimiter, [*self.said, f"blank rows left out: {blank:,}"])


def text_columns(file: Path, kind: Kind, options: FileOptions, *, fit: Fit, choose: Choose) -> TextColumns:
    """Return the columns whose places `choose` takes from the headers, the key first where there is one.

    Raises DataError for a file that cannot be read.
    """
    if kind == "workbook":
        return _of_workbook(file, options, fit, choose).without_blank_rows()
    return _of_text(file, options, fit, choose).without_blank_rows()


def _of_workbook(file: Path, options: FileOptions, fit: Fit, choose: Choose) -> TextColumns:
    sheet = read_sheet(file, sheet=options.sheet, fit=fit)
    columns = {
        place: pa.array([row[place] if place < len(row) else None for row in sheet.rows], pa.string())
        for place in choose(sheet.headers)
    }
    return TextColumns(sheet.headers, columns, "", [f"sheet {sheet.name}", *_headers_in(sheet.line)])


def _of_text(file: Path, options: FileOptions, fit: Fit, choose: Choose) -> TextColumns:
    encoding = options.encoding or encoding_of(file)
    layout = find_layout(file, encoding, delimiter=options.delimiter, fit=fit)
    places = choose(layout.headers)
    read = read_text(file, layout, places)
    said = [] if encoding == UTF_8 else [f"encoding {encoding}"]
    if layout.delimiter != ",":
        said.append(f"separated by {NAMES.get(layout.delimiter, repr(layout.delimiter))}")
    columns = {place: combined(column) for place, column in zip(places, read.columns, strict=True)}
    return TextColumns(layout.headers, columns, layout.delimiter, [*said, *_headers_in(layout.line), *read.said])


def _headers_in(line: int) -> list[str]:
    return [] if line == 1 else [f"headers in line {line}"]


def combined(column: pa.ChunkedArray) -> pa.StringArray:
    """Return a column in one piece; text of more than 2 GB in one column is refused."""
    try:
        array = column.combine_chunks()
    except pa.ArrowInvalid:
        raise DataError("a column holds more than 2 GB of text; give a Parquet file, or load it by COPY") from None
    return array if isinstance(array, pa.StringArray) else pa.concat_arrays(array.chunks)
