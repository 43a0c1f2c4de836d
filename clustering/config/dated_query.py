"""The dated source: a query of the customers as they were at the end of a date, which stands in it as `:as_of`."""

from __future__ import annotations

import re

AS_OF = ":as_of"
# Longest first: what stands in quotes and comments is no place for the date, and `::as_of` is a cast.
_PARTS = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|/\*.*?\*/|::|:as_of\b""", re.DOTALL)


def around_date(query: str) -> list[str]:
    """Return what stands before, between and after the places of the date.

    >>> around_date("select * from history where day = :as_of and note <> ':as_of'")
    ['select * from history where day = ', " and note <> ':as_of'"]
    """
    places = [part.span() for part in _PARTS.finditer(query) if part.group() == AS_OF]
    starts = [0, *(end for _, end in places)]
    ends = [*(start for start, _ in places), len(query)]
    return [query[start:end] for start, end in zip(starts, ends, strict=True)]


def checked_query(query: str) -> str:
    """Return a dated source without the space around it; ValueError unless it is one query that names the date."""
    query = query.strip()
    if not re.match(r"(select|with|table|values)\b", query, re.IGNORECASE):
        raise ValueError("has to be a query that begins with select or with")
    if ";" in query:
        raise ValueError("has to be one statement without a semicolon")
    if len(around_date(query)) == 1:
        raise ValueError(f"has to name the date as {AS_OF}, outside of quotes and comments")
    return query
