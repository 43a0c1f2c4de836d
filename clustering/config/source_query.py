"""A query of customers as people write it: one statement, in which `:as_of` and `:known` stand for dates."""

from __future__ import annotations

import re
from collections.abc import Sequence

AS_OF = ":as_of"  # up to which is counted
KNOWN = ":known"  # up to which is known; the same date, but for who asks what passing time alone does
# Longest first: what stands in quotes and comments is text, and `::as_of` is a cast.
_PARTS = re.compile(
    r"""
      (?P<quoted>(?<!\w)[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])(\$(?:[^\W\d]\w*)?\$).*?\2)
    | (?P<comment>--[^\n]*|/\*.*?\*/)
    | (?P<cast>::\s*\w+)
    | (?P<value>(?<![\w\[\])}'"]):[A-Za-z_]\w*)
    | (?P<end>;)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOCKS = re.compile(
    r"\b(?:current_date|current_time|current_timestamp|localtime|localtimestamp)\b"
    r"|\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp)\s*\(",
    re.IGNORECASE,
)
_BEGINNING = re.compile(r"[(\s]*(select|with|table|values)\b", re.IGNORECASE)


def around_dates(query: str) -> tuple[list[str], list[str]]:
    """Return what stands before, between and after the places of the dates, and which date stands in each.

    >>> around_dates("select * from history where day = :as_of and note <> ':as_of'")
    (['select * from history where day = ', " and note <> ':as_of'"], [':as_of'])
    """
    places = [part for part in _PARTS.finditer(query) if part["value"] in (AS_OF, KNOWN)]
    starts = [0, *(part.end() for part in places)]
    ends = [*(part.start() for part in places), len(query)]
    return [query[start:end] for start, end in zip(starts, ends, strict=True)], [part["value"] for part in places]


def with_dates(query: str, as_of: str, known: str | None = None) -> str:
    """Return a query with other texts in the places of its dates, by default the same one in all of them.

    >>> with_dates("select :as_of - max(day) from orders where day <= :known", "date '2026-01-31'")
    "select date '2026-01-31' - max(day) from orders where day <= date '2026-01-31'"
    """
    (first, *texts), dates = around_dates(query)
    written = {AS_OF: as_of, KNOWN: as_of if known is None else known}
    return first + "".join(written[date] + text for date, text in zip(dates, texts, strict=True))


def names_date(query: str) -> bool:
    """Return whether a query names the date.

    >>> names_date("select * from history where day = :as_of"), names_date("select ':as_of'::date")
    (True, False)
    """
    return AS_OF in around_dates(query)[1]


def names_known(query: str) -> bool:
    """Return whether a query names apart up to which date it knows what has happened."""
    return KNOWN in around_dates(query)[1]


def clocks(query: str) -> list[str]:
    """Return what a query calls that tells the present time, whatever date it is asked of.

    >>> clocks("select now(), 'now()', current_date - day as age from orders where day <= :as_of -- current_time")
    ['now()', 'current_date']
    """
    code = _PARTS.sub(lambda part: " " if part["quoted"] or part["comment"] else part.group(), query)
    found = (part.group().lower().replace("(", "()") for part in _CLOCKS.finditer(code))
    return list(dict.fromkeys("".join(one.split()) for one in found))


def checked_query(query: str) -> str:
    """Return a query without the space and the semicolon around it; ValueError unless it is one query.

    A date that it names where it would be read as text is an error too, and a comment that has taken in the rest of a
    query, as where YAML has folded its lines into one.
    """
    query = query.strip()
    parts = list(_PARTS.finditer(query))
    ends = [part.start() for part in parts if part["end"]]
    if ends and not _without_comments(query[ends[0] :]).strip("; \n\t"):
        query = query[: ends.pop(0)].rstrip()
        ends = []
    if ends:
        raise ValueError("has to be one statement; there is more after its semicolon")
    _check_comments(query, parts)
    if not _BEGINNING.match(_without_comments(query)):
        raise ValueError("has to be a query that begins with select or with")
    for value in (part["value"] for part in parts if part["value"]):
        if value not in (AS_OF, KNOWN):
            raise ValueError(f"names {value}; the date is {AS_OF}, and there is no other value but {KNOWN}")
    if names_known(query) and not names_date(query):
        raise ValueError(f"names {KNOWN}, which is for beside {AS_OF}: the date up to which is counted")
    if not names_date(query) and any(AS_OF in part.group() for part in parts if not part["comment"]):
        raise ValueError(f"has to name the date as {AS_OF} outside of quotes, and not as a cast")
    return query


def checked_dated_query(query: str) -> str:
    """Return a query that names the date; ValueError for another."""
    query = checked_query(query)
    if not names_date(query):
        raise ValueError(f"has to name the date as {AS_OF}, outside of quotes and comments")
    return query


def _check_comments(query: str, parts: Sequence[re.Match[str]]) -> None:
    """Raise ValueError for a comment that ends with its line, where that line seems to hold more of the query."""
    to_line_end = [part for part in parts if part.group().startswith("--") and part.start() < len(query)]
    hides_date = not names_date(query) and any(AS_OF in part.group() for part in to_line_end)
    if hides_date or (to_line_end and "\n" not in query):
        raise ValueError(
            "has a comment by -- that takes in the rest of its line; use | after the key, which keeps lines apart, "
            "where > makes them one, or write the comment as /* … */"
        )


def _without_comments(query: str) -> str:
    return _PARTS.sub(lambda part: " " if part["comment"] else part.group(), query)
