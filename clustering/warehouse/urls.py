"""The warehouse's URL: whatever names a warehouse becomes one URL that both drivers read in the same way."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from clustering.config.warehouse_address import PORT, as_address
from clustering.errors import ConfigurationError
from clustering.settings import WarehouseSettings
from clustering.storage.named_connections import AirflowConnection
from clustering.warehouse.connection_texts import Settings, read_settings, settings_of_fields

CONNECTION = "warehouse"
LOCAL = "localhost"
_REMEDY = f"set AIRFLOW_CONN_{CONNECTION.upper()}, or add it under Admin, Connections, with the type Postgres"
_SOURCE = f"Airflow's connection {CONNECTION!r}"
_PLAIN_HOST = re.compile(r"[A-Za-z0-9._-]+")


def url_of_connection(connection: AirflowConnection | None) -> str:
    """Return the URL that Airflow's connection `warehouse` stands for, password included.

    What stands in AIRFLOW_CONN_WAREHOUSE is read here where Airflow has made nothing of it, or a connection without a
    login: it does so of passwords with signs such as `#` or `/` that are not percent-encoded. Raises ConfigurationError
    when there is no such connection or it is not one of PostgreSQL.
    """
    typed = WarehouseSettings.read().connection
    if typed and (connection is None or not connection.login):
        return as_url(_typed(typed.get_secret_value()))
    if connection is None:
        raise ConfigurationError(f"Airflow has no connection {CONNECTION!r}; {_REMEDY}")
    return url_of_fields(connection, _SOURCE)


def url_of_fields(connection: AirflowConnection, source: str) -> str:
    """Return the URL of a connection's fields and extra options, password included; `source` names it in messages.

    Raises ConfigurationError where it is not one of PostgreSQL.
    """
    fields = {name: getattr(connection, name) for name in ("conn_type", "host", "port", "login", "password", "schema")}
    return as_url(settings_of_fields(fields, connection.extra_dejson, source))


def address_of(url: str) -> str:
    """Return the database that a URL names as catalogues do, without a login.

    Of several hosts the first counts; a socket is on this machine.

    >>> address_of("postgresql://ann:secret@db,spare/shop?sslmode=require")
    'postgres://db:5432/shop'
    """
    settings = read_settings(url, "the warehouse's URL")
    hosts, ports = (settings.get(name, "").split(",")[0] for name in ("host", "port"))
    host = LOCAL if hosts[:1] in ("", "/", "@") else hosts
    return as_address(host, ports or PORT, settings.get("dbname") or settings.get("user", ""))


def as_url(settings: Mapping[str, str]) -> str:
    """Return the URL of libpq's settings, all percent-encoded that has to be for one release of libpq or another.

    >>> as_url({"user": "ann", "password": "a b", "host": "db", "dbname": "shop", "options": "-c geqo=off"})
    'postgresql://ann:a%20b@db/shop?options=-c%20geqo%3Doff'
    """
    rest = dict(settings)
    who = place = ""
    if "user" in rest:
        who = _quoted(rest.pop("user"))
        if "password" in rest:
            who += f":{_quoted(rest.pop('password'))}"
        who += "@"
    if _PLAIN_HOST.fullmatch(rest.get("host", "")):
        place = rest.pop("host")
        if rest.get("port"):
            place += f":{rest.pop('port')}"
    database = _quoted(rest.pop("dbname", ""))
    query = "&".join(f"{name}={_quoted(value)}" for name, value in rest.items())
    return f"postgresql://{who}{place}" + (f"/{database}" if database or query else "") + (f"?{query}" if query else "")


def _typed(text: str) -> Settings:
    return read_settings(text, _SOURCE, plus_is_space=True)


def _quoted(text: str) -> str:
    return quote(text, safe="")
