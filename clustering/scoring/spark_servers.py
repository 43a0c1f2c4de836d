"""Which Spark Connect server labels files: the environment names it, or a connection of Airflow's."""

from __future__ import annotations

from urllib.parse import quote

from clustering.errors import ConfigurationError
from clustering.settings import WarehouseSettings
from clustering.storage.named_connections import AirflowConnection
from clustering.versions.stores import Connections

CONNECTION = "spark_connect"
SCHEME = "sc://"


def spark_server(connections: Connections) -> str:
    """Return the address of the server, with its token: what CLUSTERING_SPARK says, or else the connection.

    Raises ConfigurationError where neither names one.
    """
    named = WarehouseSettings.read().spark
    if named is not None:
        if not named.get_secret_value().startswith(SCHEME):
            raise ConfigurationError("CLUSTERING_SPARK is not of the form sc://host:15002 (not repeated here)")
        return named.get_secret_value()
    connection = connections(CONNECTION)
    if connection is None:
        raise ConfigurationError(
            f"no Spark Connect server is named: set CLUSTERING_SPARK to sc://host:15002, or add the connection "
            f"{CONNECTION} of this type under Admin, Connections"
        )
    return address_of_connection(connection)


def address_of_connection(connection: AirflowConnection) -> str:
    """Return the address that a connection of the type Spark Connect stands for, as Airflow's provider makes it.

    The login is the user, the password the token; `use_ssl` is an extra. Raises ConfigurationError without a host.
    """
    host = str(connection.host or "").removeprefix(SCHEME)
    if not host or "/" in host:
        raise ConfigurationError(f"the connection {CONNECTION} names no host alone, such as spark.example")
    options = {
        "user_id": connection.login,
        "token": connection.password,
        "use_ssl": connection.extra_dejson.get("use_ssl"),
    }
    told = ";".join(f"{name}={quote(str(value))}" for name, value in options.items() if value not in (None, ""))
    place = f"{host}:{connection.port}" if connection.port else host
    return f"{SCHEME}{place}/" + (f";{told}" if told else "")
