"""The warehouse's URL from a connection of Airflow's, which is known here by its attributes alone."""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy.engine import URL

from clustering.errors import ConfigurationError

CONNECTION = "warehouse"
_REMEDY = f"set AIRFLOW_CONN_{CONNECTION.upper()}, or add it under Admin, Connections, with the type Postgres"


class AirflowConnection(Protocol):
    """What a connection of Airflow's says."""

    @property
    def conn_type(self) -> Any: ...
    @property
    def login(self) -> Any: ...
    @property
    def password(self) -> Any: ...
    @property
    def host(self) -> Any: ...
    @property
    def port(self) -> Any: ...
    @property
    def schema(self) -> Any: ...
    @property
    def extra_dejson(self) -> Any: ...


def url_of_connection(connection: AirflowConnection | None) -> str:
    """Return the URL that Airflow's connection `warehouse` stands for, password included.

    Raises ConfigurationError when there is no such connection or it is not one of PostgreSQL.
    """
    if connection is None:
        raise ConfigurationError(f"Airflow has no connection {CONNECTION!r}; {_REMEDY}")
    if connection.conn_type not in ("postgres", "postgresql"):
        raise ConfigurationError(f"the connection {CONNECTION!r} has the type {connection.conn_type!r}; {_REMEDY}")
    query = {name: str(value) for name, value in connection.extra_dejson.items()}
    host: str | None = connection.host
    if host and host.startswith("/"):  # a directory with a socket
        query["host"], host = host, None
    url = URL.create(
        "postgresql",
        username=connection.login or None,
        password=connection.password or None,
        host=host or None,
        port=connection.port,
        database=connection.schema or None,
        query=query,
    )
    return url.render_as_string(hide_password=False)
