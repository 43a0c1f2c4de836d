"""Connections as variables of the environment name them, for who works without Airflow."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from clustering.errors import ConfigurationError
from clustering.settings import connection_variable
from clustering.storage.named_connections import NamedConnection


def connection_of_environment(name: str) -> NamedConnection:
    """Return the connection that `AIRFLOW_CONN_<NAME>` describes, as a URI or JSON, as Airflow reads it.

    Raises ConfigurationError where it is not set or is neither, without repeating it.
    """
    variable, text = connection_variable(name)
    if text is None:
        raise ConfigurationError(
            f"the destination {name!r} is not known here: set {variable}, as JSON such as "
            '{"conn_type": "aws", "extra": {"uri": "s3://bucket/folder"}}'
        )
    try:
        return _of_json(json.loads(text)) if text.startswith("{") else _of_uri(text)
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"{variable} cannot be read as a connection of Airflow's (not repeated here for what is in it)"
        ) from None


def connection_if_set(name: str) -> NamedConnection | None:
    """Return the connection that `AIRFLOW_CONN_<NAME>` describes; None where it is not set."""
    return connection_of_environment(name) if connection_variable(name)[1] else None


def _of_json(fields: Mapping[str, Any]) -> NamedConnection:
    extra = fields.get("extra") or {}
    known = {name: fields.get(name) for name in ("login", "password", "host", "port", "schema")}
    named = json.loads(extra) if isinstance(extra, str) else dict(extra)
    return NamedConnection(conn_type=str(fields.get("conn_type", "")), extra_dejson=named, **known)


def _of_uri(text: str) -> NamedConnection:
    parts = urlsplit(text)
    if not parts.scheme:
        raise ValueError("no scheme")
    extra = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
    if "__extra__" in extra:
        extra |= json.loads(extra.pop("__extra__"))
    login, password = (unquote(one) if one else None for one in (parts.username, parts.password))
    schema = unquote(parts.path.removeprefix("/")) or None
    return NamedConnection(parts.scheme, login, password, parts.hostname, parts.port, schema, extra)
