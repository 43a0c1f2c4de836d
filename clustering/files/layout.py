"""Where the headers of a text file stand, and what separates its columns.

The columns that are looked for are known, so nothing has to be guessed from the rows: titles and blank lines above the
headers do not matter, nor do commas within numbers.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clustering.errors import DataError

Fit = Callable[[Sequence[str]], int]
"""How many of the columns that are looked for have one of these headers."""

DELIMITERS = (",", ";", "\t", "|")
NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MOST_LINES_ABOVE = 50
_HEAD = 1 << 18  # characters
_NO_TEXT = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DECLARED = re.compile(r"^\ufeff?\"?sep=(.)\"?$")


@dataclass(frozen=True)
class Layout:
    """A text file's `headers`, in line `line` counted from 1, which ends with line `last_line`."""

    encoding: str
    delimiter: str
    headers: tuple[str, ...]
    line: int
    last_line: int


def find_layout(file: Path, encoding: str, *, delimiter: str | None, fit: Fit) -> Layout:
    """Return the layout in which the most columns that are looked for are found; of equals the first.

    Raises DataError for text that is not in `encoding`.
    """
    head = _head(file, encoding)
    declared = _DECLARED.match(head.split("\n", 1)[0].strip())
    given = delimiter or (declared and declared[1])
    tried = [
        (fit(headers), Layout(encoding, one, tuple(headers), line, last))
        for one in ((given,) if given else DELIMITERS)
        for headers, line, last in _records(head, one)
    ]
    if not tried:
        return Layout(encoding, given or ",", (), 1, 1)
    return max(tried, key=lambda one: (one[0], 0 if one[0] else len(one[1].headers), -one[1].line))[1]


def _head(file: Path, encoding: str) -> str:
    try:
        with file.open(encoding=encoding, newline="") as stream:
            head = stream.read(_HEAD).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise DataError(
            f"not written in {encoding}: {error.reason} at byte {error.start:,}; name its encoding with --encoding"
        ) from None
    except LookupError:
        raise DataError(f"there is no encoding {encoding}; --encoding takes names such as utf-8 or cp1252") from None
    if _NO_TEXT.search(head):
        raise DataError("neither text with columns, nor an Excel workbook, nor a Parquet file")
    return head


def _records(head: str, delimiter: str) -> Iterator[tuple[list[str], int, int]]:
    reader = csv.reader(io.StringIO(head, newline=""), delimiter=delimiter)
    line = 0
    try:
        for record in islice(reader, MOST_LINES_ABOVE):
            if any(field.strip() for field in record):
                yield record, line + 1, reader.line_num
            line = reader.line_num
    except csv.Error:  # a line that is longer than any header
        return
