"""Sheets of Excel and LibreOffice, as text."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from clustering.errors import DataError
from clustering.files.layout import MOST_LINES_ABOVE, Fit


@dataclass(frozen=True)
class Sheet:
    """The rows below the headers of a sheet; `line` is that of the headers, counted from 1."""

    name: str
    headers: tuple[str, ...]
    line: int
    rows: Sequence[Sequence[Any]]


def read_sheet(file: Path, *, sheet: str | None, fit: Fit) -> Sheet:
    """Return the sheet called `sheet`, or the one with the most columns that are looked for.

    Of equals it is the first that is not hidden.

    Raises DataError for a workbook that cannot be read, is locked by a password, or has no such sheet.
    """
    from python_calamine import (  # no other file pays for the import
        CalamineError,
        PasswordError,
        SheetVisibleEnum,
        load_workbook,
    )

    try:
        with load_workbook(str(file)) as workbook:
            names = workbook.sheet_names
            if sheet is not None and sheet not in names:
                raise DataError(f"the workbook has no sheet {sheet}; it has {', '.join(names)}")
            seen = [one.name for one in workbook.sheets_metadata if one.visible == SheetVisibleEnum.Visible]
            # A hidden sheet is an old one, or of a program; it is taken where no other fits as well.
            wanted = [sheet] if sheet else sorted(names, key=lambda name: name not in seen)
            found = [_headed(name, workbook.get_sheet_by_name(name).to_python(), fit) for name in wanted]
    except PasswordError:
        raise DataError("the workbook is locked by a password; save it without one") from None
    except CalamineError as error:
        raise DataError(f"the workbook cannot be read: {error}; save the sheet as CSV") from None
    return max(found, key=lambda one: fit(one.headers))


def _headed(name: str, rows: Sequence[Sequence[Any]], fit: Fit) -> Sheet:
    above = [[as_text(cell) or "" for cell in row] for row in islice(rows, MOST_LINES_ABOVE)]
    place = max(range(len(above)), key=lambda at: (fit(above[at]), -at), default=0)
    headers = tuple(above[place]) if above else ()
    return Sheet(name, headers, place + 1, rows[place + 1 :])


def as_text(cell: Any) -> str | None:
    """Return a cell as a program writes it; an empty one is None.

    >>> [as_text(one) for one in (88006.0, 0.1, "00012", "", datetime.date(2014, 6, 16), True)]
    ['88006', '0.1', '00012', None, '2014-06-16', 'true']
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return str(cell)
