"""What people write to name a warehouse."""

from __future__ import annotations

import json

import pytest
from psycopg2.extensions import parse_dsn

from clustering.errors import ConfigurationError
from clustering.warehouse import Warehouse
from clustering.warehouse.connection_texts import read_settings
from clustering.warehouse.urls import as_url
from tests.odd_passwords import PASSWORDS, texts

SOURCE = "the warehouse's URL"
OPTIONS = "-c search_path=crm,public -c geqo=off"


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_of_any_signs_is_read(password: str) -> None:
    """A password is the same in a URL, encoded or raw, in options, and in Airflow's JSON; libpq reads it from `uri`."""
    for text in texts(password, user="ann", host="db.example", database="shop"):
        read = parse_dsn(as_url(read_settings(text, SOURCE)))
        assert (read["user"], read["host"], read["dbname"]) == ("ann", "db.example", "shop"), text
        assert read["password"] == password, text


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("postgresql://ann@server:pw@host/db", {"user": "ann@server", "password": "pw", "host": "host"}),
        ("postgresql://ann:pw@/db?host=/run/postgresql", {"host": "/run/postgresql", "password": "pw"}),
        ("postgresql://ann:pw@%2Frun%2Fpostgresql/db", {"host": "/run/postgresql", "password": "pw"}),
        ("postgresql://one:5432,two:5433/db?target_session_attrs=read-write", {"host": "one,two", "port": "5432,5433"}),
        ("postgresql://ann@[::1]:5433/db", {"host": "::1", "port": "5433"}),
        ("postgresql://host/db?application_name=me@here", {"host": "host", "application_name": "me@here"}),
        (f"postgresql://host/db?options={OPTIONS}", {"options": OPTIONS}),
        ("postgresql://host/db?options=-c%20search_path%3Dcrm", {"options": "-c search_path=crm"}),
        ("postgresql+psycopg2://host/db?options=-c+search_path%3Dcrm", {"options": "-c search_path=crm"}),
        ("postgres://host/db?ssl=true", {"sslmode": "require"}),
        ("host=/run user=ann password='a b' dbname=shop", {"host": "/run", "password": "a b", "dbname": "shop"}),
        ("postgresql://ann:pw@host/db\r\n", {"dbname": "db"}),
        ("\ufeffpostgresql://ann:pw@host/db\n", {"password": "pw", "dbname": "db"}),
        ('"postgresql://ann:pw@host/db"\n', {"password": "pw", "dbname": "db"}),
    ],
)
def test_forms(text: str, settings: dict[str, str]) -> None:
    """Hosts, sockets, options and files with their newline are read in each form that people write."""
    read = read_settings(text, SOURCE)
    assert settings.items() <= read.items()
    assert parse_dsn(as_url(read)) == read


def test_extras_of_airflows_provider_are_read_or_left_out() -> None:
    """What only Airflow's hook needs is no option of libpq's; a password's newline is not part of it."""
    extra = {"cursor": "dictcursor", "iam": False, "sslmode": "require", "keepalives": True, "options": OPTIONS}
    extra |= {"sqlalchemy_query": {"a": "b"}, "connect_timeout": 5, "sslcert": None}
    fields = {"conn_type": "postgres", "login": "ann", "password": "a secret\n", "host": "db", "schema": "shop"}
    expected = {"user": "ann", "password": "a secret", "host": "db", "dbname": "shop", "sslmode": "require"}
    expected |= {"keepalives": "1", "options": OPTIONS, "connect_timeout": "5"}
    assert read_settings(json.dumps(fields | {"extra": extra}), SOURCE) == expected
    assert read_settings(json.dumps(fields | {"extra": json.dumps(extra)}), SOURCE) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://ada:geheim@host/shop", "postgresql://user:password@host"),
        ("geheim", "postgresql://user:password@host"),
        ("postgresql:geheim", "postgresql://user:password@host"),
        ("postgresql://ada:geheim", "postgresql://user:password@host"),
        ("postgresql://ada:geheim@[host/shop", "postgresql://user:password@host"),
        ("postgresql://ada:geheim@host:x/shop", "postgresql://user:password@host"),
        ("postgresql://ada:ge\nheim@host/shop", "a line break"),
        ("postgresql://ada:geheim@host/shop?sslmod=require", "did you mean sslmode?"),
        ("postgresql://ada:geheim@host/shop?heim=require", "has an option that libpq does not know"),
        ("user=ada password=ge heim host=host", "in quotes"),
        ("{geheim", "not a JSON object"),
        ('{"conn_type": "postgres", "geheim": 1}', "has a field that Airflow does not know"),
        ('{"conn_type": "postgres", "host": "postgresql://ada:geheim@host/shop"}', "its host is no name"),
        ('{"conn_type": "postgres", "host": "ada:ge@heim"}', "its host is no name"),
        ('{"conn_type": "postgres", "schema": "postgresql://ada:geheim@host/shop"}', "its database is no name"),
        ('{"conn_type": "postgres", "password": "geheim", "extra": {"sslmod": "x"}}', "did you mean sslmode?"),
        ('{"conn_type": "postgres", "password": "geheim", "extra": {"iam": true}}', "the option iam"),
        ('{"conn_type": "postgres", "password": "geheim", "extra": {"options": ["geheim"]}}', "more than one value"),
        ('{"conn_type": "postgres", "password": "geheim", "extra": "geheim"}', "not a JSON object"),
    ],
)
def test_what_cannot_be_read_is_refused_without_a_part_of_it(text: str, said: str) -> None:
    """One line says what is wrong, and repeats nothing that may be a secret."""
    with pytest.raises(ConfigurationError) as caught:
        Warehouse(text)
    assert said in str(caught.value)
    assert "heim" not in str(caught.value)
    assert "\n" not in str(caught.value)
