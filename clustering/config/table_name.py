"""The name of the customers' table as people write it: each part plain, or in double quotes as in SQL."""

from __future__ import annotations

import re

_PART = r'(?:[\w$-]+|"(?:[^"\0]|"")+")'
_NAME = re.compile(rf"(?:(?P<schema>{_PART})\.)?(?P<table>{_PART})")
_WITH_DATABASE = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
LONGEST = 63  # bytes, beyond which PostgreSQL cuts a name


def split_name(name: str) -> tuple[str, str]:
    """Return schema (`public` where none is named) and table of a name.

    Upper and lower case are kept as they are. Raises ValueError for what is no name.

    >>> split_name('dwh-prod."customers.2024"')
    ('dwh-prod', 'customers.2024')
    """
    found = _NAME.fullmatch(name)
    if found is None:
        if _WITH_DATABASE.fullmatch(name):
            raise ValueError("names a database, which the connection does; leave its part out")
        raise ValueError(
            'has to be table or schema.table; a part with other signs stands in double quotes: public."my table"'
        )
    schema, table = (_plain(part) for part in (found["schema"] or "public", found["table"]))
    for part in (schema, table):
        if len(part.encode()) > LONGEST:
            raise ValueError(f"has a part of more than {LONGEST} bytes, which no table of PostgreSQL has")
    return schema, table


def checked_name(name: str) -> str:
    """Return a name that can be split; ValueError for another."""
    split_name(name)
    return name


def _plain(part: str) -> str:
    return part[1:-1].replace('""', '"') if part.startswith('"') else part
