"""Cells of CSV that a spreadsheet takes for no formula."""

from __future__ import annotations

from typing import Any

from psycopg2 import sql

# By OWASP's page on CSV injection; the last four are the full-width forms, which some spreadsheets read alike.
SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
_GUARDED = sql.SQL("case when {0} <> '' and strpos({1}, left({0}, 1)) > 0 then '''' || {0} else {0} end")


def cell(value: Any) -> Any:
    """Return a value as a spreadsheet may have it: a text that it would take for a formula gets an apostrophe.

    >>> [cell("=1+1"), cell("Ada"), cell(-3), cell(None)]
    ["'=1+1", 'Ada', -3, None]
    """
    return f"'{value}" if isinstance(value, str) and value[:1] and value[0] in SIGNS else value


def guarded(text: sql.Composable) -> sql.Composable:
    """Return the expression of the same for an expression of text."""
    return _GUARDED.format(text, sql.Literal(SIGNS))
