"""Columns of a text file or a workbook, as text, and in which form they were found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from clustering.config import DateOrder, Formats
from clustering.errors import DataError
from clustering.files.delimited import read_text
from clustering.files.encodings import UTF_8, encoding_of
from clustering.files.layout import NAMES, Fit, find_layout
from clustering.files.opening import Kind
from clustering.files.workbooks import as_text, read_sheet

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
    signs: tuple[str, ...] = ()


RECOGNISED = FileOptions()
_FORMULA = r'(?s)^="(.*)"$'  # a text that a spreadsheet is kept from taking for a number, where all of a column are
OTHER = {".": ",", ",": "."}


def options_of(options: FileOptions, formats: Formats | None) -> FileOptions:
    """Return the options, with what the contract declares where an option says nothing."""
    if formats is None:
        return options
    decimal, thousands = options.decimal, options.thousands
    if decimal is None:
        decimal = formats.decimal if formats.decimal != thousands else OTHER[formats.decimal]
    if thousands is None:
        thousands = formats.thousands if formats.thousands != decimal else None
    return replace(
        options,
        decimal=decimal,
        thousands=thousands,
        dates=options.dates or formats.dates,
        missing=(*options.missing, *formats.missing),
        signs=(*options.signs, *formats.signs),
    )


@dataclass(frozen=True)
class TextColumns:
    """Columns of text (n,) by their place among the `headers`, what separates them, and what is unusual, in words.

    `typed` has, of the same columns, the values that are no text in the file, as programs write them; `columns` is null
    there.
    """

    headers: tuple[str, ...]
    columns: dict[int, pa.StringArray]
    delimiter: str
    said: list[str]
    typed: dict[int, pa.StringArray] = field(default_factory=dict)

    def without_blank_rows(self) -> TextColumns:
        """Leave out rows that have no value in any of the columns."""
        if not self.columns:
            return self
        present = [pc.fill_null(pc.not_equal(pc.utf8_trim_whitespace(one), ""), False) for one in self.columns.values()]
        present += [one.is_valid() for one in self.typed.values()]
        kept = reduce(pc.or_, present)
        blank = len(kept) - (pc.sum(kept).as_py() or 0)
        if not blank:
            return self
        columns, typed = (
            {place: one.filter(kept) for place, one in part.items()} for part in (self.columns, self.typed)
        )
        said = [*self.said, f"blank rows left out: {blank:,}"]
        return TextColumns(self.headers, columns, self.delimiter, said, typed)

    def whole(self, place: int, text: pa.StringArray) -> pa.StringArray:
        """Return a column of which `text` (n,) has been read, with the values that were no text."""
        return pc.coalesce(text, self.typed[place]) if place in self.typed else text


def text_columns(file: Path, kind: Kind, options: FileOptions, *, fit: Fit, choose: Choose) -> TextColumns:
    """Return the columns whose places `choose` takes from the headers, the key first where there is one.

    Raises DataError for a file that cannot be read.
    """
    read = _of_workbook if kind == "workbook" else _of_text
    return read(file, options, fit, choose)


def _of_workbook(file: Path, options: FileOptions, fit: Fit, choose: Choose) -> TextColumns:
    sheet = read_sheet(file, sheet=options.sheet, fit=fit)
    columns, typed = {}, {}
    for place in choose(sheet.headers):
        cells = [row[place] if place < len(row) else None for row in sheet.rows]
        columns[place] = pa.array([cell if isinstance(cell, str) and cell else None for cell in cells], pa.string())
        typed[place] = pa.array([None if isinstance(cell, str) else as_text(cell) for cell in cells], pa.string())
    return TextColumns(sheet.headers, columns, "", [f"sheet {sheet.name}", *_headers_in(sheet.line)], typed)


def _of_text(file: Path, options: FileOptions, fit: Fit, choose: Choose) -> TextColumns:
    encoding = options.encoding or encoding_of(file)
    layout = find_layout(file, encoding, delimiter=options.delimiter, fit=fit)
    places = choose(layout.headers)
    read = read_text(file, layout, places)
    said = [] if encoding == UTF_8 else [f"encoding {encoding}"]
    if layout.delimiter != ",":
        said.append(f"separated by {NAMES.get(layout.delimiter, repr(layout.delimiter))}")
    columns = {place: combined(column) for place, column in zip(places, read.columns, strict=True)}
    said += [*_headers_in(layout.line), *read.said]
    for place, text in columns.items():
        if pc.all(pc.match_substring_regex(text, _FORMULA)).as_py() and len(text) > text.null_count:
            columns[place] = pc.replace_substring_regex(text, _FORMULA, r"\1")
            said.append(f'{layout.headers[place]}: ="…" taken off, such as {text.drop_null()[0].as_py()!r}')
    return TextColumns(layout.headers, columns, layout.delimiter, said)


def _headers_in(line: int) -> list[str]:
    return [] if line == 1 else [f"headers in line {line}"]


def combined(column: pa.ChunkedArray) -> pa.StringArray:
    """Return a column in one piece; text of more than 2 GB in one column is refused."""
    try:
        array = column.combine_chunks()
    except pa.ArrowInvalid:
        raise DataError("a column holds more than 2 GB of text; give a Parquet file, or load it by COPY") from None
    return array if isinstance(array, pa.StringArray) else pa.concat_arrays(array.chunks)
