"""Passwords as people have them, and the texts that name a warehouse with one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import quote

PASSWORDS = [
    "correct horse battery",
    "zwölf@Boxkämpfer@jagen",
    "sluice/gate/42",
    "half#moon#99",
    "hundred%percent%",
    "what?else:then",
    'it\'s "quoted" \\here',
    "plus+and&ampersand=equals",
    "日本語のパスワード",
    "[brackets]{braces}",
]


def texts(password: str, *, user: str, host: str, database: str) -> Iterator[str]:
    """Yield a URL with the password encoded and raw, options, Airflow's JSON and its URI; `host` is a plain name."""
    encoded = quote(password, safe="")
    escaped = password.replace("\\", "\\\\").replace("'", "\\'")
    for scheme in ("postgresql", "postgres", "postgresql+psycopg2"):
        yield f"{scheme}://{user}:{encoded}@{host}/{database}"
        yield f"{scheme}://{user}:{password}@{host}/{database}"
    yield f"host={host} user={user} password='{escaped}' dbname={database}"
    yield json.dumps({"conn_type": "postgres", "login": user, "password": password, "host": host, "schema": database})
