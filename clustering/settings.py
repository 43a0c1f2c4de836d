"""How much may be posted at once, and how long a night may take, from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass

from clustering.errors import ConfigurationError


@dataclass(frozen=True)
class Limits:
    """The most rows and bytes of one request to the API."""

    rows: int
    bytes: int


def api_limits() -> Limits:
    """Return the limits of the API: `CLUSTERING_API_MAX_ROWS` and `CLUSTERING_API_MAX_BYTES`.

    Raises ConfigurationError for a value that is not a positive whole number.
    """
    return Limits(rows=_limit("CLUSTERING_API_MAX_ROWS", 5_000), bytes=_limit("CLUSTERING_API_MAX_BYTES", 4 * 1024**2))


def dag_rows() -> int:
    """Return the most rows of one run of the DAG cluster_customers: `CLUSTERING_DAG_MAX_ROWS`.

    Raises ConfigurationError for a value that is not a positive whole number.
    """
    return _limit("CLUSTERING_DAG_MAX_ROWS", 20_000)


def night_hours() -> int:
    """Return after how many hours a night that is not done is late: `CLUSTERING_NIGHT_HOURS`.

    Raises ConfigurationError for a value that is not a positive whole number.
    """
    return _limit("CLUSTERING_NIGHT_HOURS", 4)


def _limit(variable: str, default: int) -> int:
    value = os.environ.get(variable, "").strip() or str(default)
    if not (value.isascii() and value.isdigit() and int(value) > 0):
        raise ConfigurationError(f"{variable} is {value!r}; it has to be a whole number above 0")
    return int(value)
