"""Connections in variables of the environment are read as Airflow reads them."""

from __future__ import annotations

import pytest

from clustering.errors import ConfigurationError
from clustering.exports.tables import url_of_database
from clustering.storage.connection_variables import connection_of_environment
from clustering.storage.named_connections import NamedConnection

FIELDS = ("postgres", "ann", "tulip#spade", "db.example", 6432, "shop")
URI = "postgres://ann:tulip%23spade@db.example:6432/shop?sslmode=require"
JSON = """
{"conn_type": "postgres", "login": "ann", "password": "tulip#spade", "host": "db.example", "port": 6432,
 "schema": "shop", "extra": {"sslmode": "require"}}
"""


@pytest.mark.parametrize("text", [URI, JSON])
def test_database_has_port_name_and_options(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms stand for the same URL."""
    monkeypatch.setenv("AIRFLOW_CONN_CRM", text)
    read = connection_of_environment("crm")
    assert read == NamedConnection(*FIELDS, {"sslmode": "require"})
    url = url_of_database("crm", read)
    assert (url.username, url.password, url.host, url.port, url.database) == FIELDS[1:]
    assert url.query["sslmode"] == "require"


@pytest.mark.parametrize("text", ["tulip", '{"conn_type": "postgres", "password": "tulip"', '{"extra": "tulip"}'])
def test_what_is_no_connection_is_refused_without_repeating_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable is named."""
    monkeypatch.setenv("AIRFLOW_CONN_CRM", text)
    with pytest.raises(ConfigurationError, match="AIRFLOW_CONN_CRM cannot be read") as caught:
        connection_of_environment("crm")
    assert "tulip" not in str(caught.value)


def test_variable_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it may look like."""
    monkeypatch.delenv("AIRFLOW_CONN_CRM", raising=False)
    with pytest.raises(ConfigurationError, match="the destination 'crm' is not known here: set AIRFLOW_CONN_CRM"):
        connection_of_environment("crm")
