"""Rows of a text file, as text; a row with too many or too few fields costs no other row."""

from __future__ import annotations

import csv as fields
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from clustering.errors import DataError
from clustering.files.layout import Layout

PARSED_BYTES = 1 << 24
SHOWN = 60  # characters of an odd line
TOO_LONG = "too many fields"


@dataclass(frozen=True)
class TextRows:
    """Columns of text, and what was odd about their rows, in words."""

    columns: list[pa.ChunkedArray]
    said: tuple[str, ...] = ()


def read_text(file: Path, layout: Layout, places: list[int]) -> TextRows:
    """Read the columns at these places; a missing field is null, and so is an empty one.

    A row that is too short has no value in the fields that it lacks. One that is too long is read where what is over is
    empty; else the whole line stands in each of its columns but the first, behind words that make it no number, so that
    the row is rejected and the line is seen. Raises DataError for a file that cannot be parsed.
    """
    names = [str(place) for place in range(len(layout.headers))]
    wanted = [str(place) for place in places]
    odd: list[csv.InvalidRow] = []

    def keep(row: csv.InvalidRow) -> str:
        odd.append(row)
        return "skip"

    try:
        read = csv.read_csv(
            file,
            read_options=csv.ReadOptions(
                encoding=layout.encoding,
                skip_rows=layout.last_line,
                column_names=names,
                use_threads=False,  # with threads an odd row has no number
                block_size=PARSED_BYTES,
            ),
            parse_options=csv.ParseOptions(
                delimiter=layout.delimiter, newlines_in_values=True, invalid_row_handler=keep
            ),
            convert_options=csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict.fromkeys(wanted, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        if "Empty CSV" in str(error):
            return TextRows([pa.chunked_array([], pa.string()) for _ in places])
        raise DataError(f"cannot be read as text with columns: {error}") from None
    said = _breaks_within(file, layout, read.num_rows + len(odd))
    if not odd:
        return TextRows(read.columns, said)
    at = np.array([row.number - layout.last_line - 1 for row in odd], dtype=np.int64)
    more = _repaired([row.text for row in odd], layout, places)
    own = np.delete(np.arange(read.num_rows + len(odd)), at)
    table = pa.concat_tables([read, more]).take(pa.array(np.argsort(np.concatenate([own, at]))))
    told = f"rows with another number of fields than the headers: {len(odd):,}, such as {odd[0].text[:SHOWN]!r}"
    return TextRows(table.columns, (*said, told))


def _breaks_within(file: Path, layout: Layout, rows: int) -> tuple[str, ...]:
    """Say how many lines are parts of values; a quote that nobody closed makes them of whatever follows."""
    if layout.encoding.startswith("utf-16"):  # whose lines are not told from bytes
        return ()
    with file.open("rb") as lines:
        filled = sum(1 for line in islice(lines, layout.last_line, None) if line.strip())
    if filled <= rows:
        return ()
    return (f"lines that are parts of values within quotes: {filled - rows:,}; is a quote not closed?",)


def _record(line: str, layout: Layout) -> list[str]:
    try:
        return next(fields.reader([line], delimiter=layout.delimiter), [])
    except fields.Error:
        raise DataError(f"a quote is not closed in the row that begins with {line[:SHOWN]!r}") from None


def _repaired(lines: list[str], layout: Layout, places: list[int]) -> pa.Table:
    count = len(layout.headers)
    rows = []
    for line in lines:
        record = _record(line, layout)
        values = [field or None for field in record[:count]] + [None] * (count - len(record))
        if any(field.strip() for field in record[count:]):
            values = [value if place == places[0] else f"{TOO_LONG}: {line}" for place, value in enumerate(values)]
        rows.append(values)
    return pa.table({str(place): pa.array([row[place] for row in rows], pa.string()) for place in places})
