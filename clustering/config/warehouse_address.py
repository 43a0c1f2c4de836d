"""The warehouse as catalogues of data name it: without a login, so that it can stand wherever people look."""

from __future__ import annotations

from urllib.parse import urlsplit

from clustering.errors import ConfigurationError
from clustering.settings import ADDRESS, WarehouseSettings

PORT = 5432


def warehouse_address() -> str | None:
    """Return what the environment says of it, as `postgres://host:port/database`; None where it says nothing.

    Raises ConfigurationError for another form, without repeating what may be a password.
    """
    text = WarehouseSettings.read().address
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port or PORT
    except ValueError:
        host, port = None, PORT
    database = parts.path.strip("/") if host else ""
    plain = "@" not in text and not (host and (parts.query or parts.fragment))
    if not plain or not database or "/" in database or parts.scheme not in ("postgres", "postgresql"):
        raise ConfigurationError(
            f"{ADDRESS} is not of the form postgres://host:5432/database, without a login and options (not repeated "
            "here, since a password may be in it)"
        )
    return as_address(host or "", port, database)


def as_address(host: str, port: int | str, database: str) -> str:
    """Return how OpenLineage names a database of PostgreSQL.

    >>> as_address("dwh", 5432, "shop")
    'postgres://dwh:5432/shop'
    """
    return f"postgres://{f'[{host}]' if ':' in host else host}:{port}/{database}"
