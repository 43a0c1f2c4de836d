"""Passwords of any signs, on a server that asks for them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle, islice
from pathlib import Path

import psycopg2
import pytest
from psycopg2 import sql

import embedded
from clustering.cli import main
from clustering.errors import WarehouseError
from clustering.warehouse import Warehouse
from clustering.warehouse.bulk import ArrowConnection
from clustering.warehouse.urls import as_url
from tests.odd_passwords import PASSWORDS, texts

USER = "ann"
COMMANDS = (["models"], ["--verbose", "migrate"], ["score"])


@pytest.fixture(scope="module")
def sockets(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a server that asks one user for a password, and return the directory of its socket."""
    server = embedded.start(tmp_path_factory.mktemp("asking"))
    rules = server.directory / "data" / "pg_hba.conf"
    rules.write_text(f"local all {USER} scram-sha-256\n{rules.read_text()}")
    give_password(server.url("postgres"), "create role {} login password {}", PASSWORDS[0])
    yield str(server.socket_directory)
    server.stop()


def give_password(url: str, statement: str, password: str) -> None:
    with closing(psycopg2.connect(url)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(sql.Identifier(USER), sql.Literal(password)))
        cursor.execute("select pg_reload_conf()")


def forms(password: str, sockets: str) -> list[str]:
    """Return the texts that name the server with a password, the socket's directory in place of a host."""
    place = sockets.replace("/", "%2F")
    return [
        text.replace("@sockets/", f"@{place}/")
        .replace("host=sockets", f"host={sockets}")
        .replace('"sockets"', f'"{sockets}"')
        for text in texts(password, user=USER, host="sockets", database="postgres")
    ]


@pytest.mark.parametrize("password", PASSWORDS)
def test_both_drivers_log_in_with_a_password_of_any_signs(sockets: str, password: str) -> None:
    """Whichever form names the warehouse, SCRAM finds the password to be the one that was given."""
    owner = as_url({"user": "postgres", "host": sockets, "dbname": "postgres"})
    give_password(owner, "alter role {} password {}", password)
    for text in forms(password, sockets):
        warehouse = Warehouse(text)
        with warehouse.transaction() as transaction:
            assert transaction.connection.exec_driver_sql("select current_user").scalar() == USER, text
        with ArrowConnection(warehouse.uri, read_only=True) as reader:
            assert reader.table("select current_user::text as name").to_pylist() == [{"name": USER}], text


@pytest.mark.parametrize("each", [1, pytest.param(3, marks=pytest.mark.slow)], ids=["in turn", "each"])
@pytest.mark.parametrize("password", PASSWORDS)
def test_no_part_of_a_password_is_told_when_it_is_refused(
    sockets: str,
    password: str,
    each: int,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither a command nor a driver repeats a word of a password that the server does not take."""
    other = f"{password}-wrong"
    with caplog.at_level(logging.DEBUG):
        for number, text in enumerate(forms(other, sockets)):
            monkeypatch.setenv("WAREHOUSE_URL", text)
            for words in islice(cycle(COMMANDS), number, number + each):
                assert main(words) == 1
            with pytest.raises(WarehouseError) as caught:
                ArrowConnection(Warehouse(text).uri)
            assert "password authentication failed" in str(caught.value)
            told = capfd.readouterr()
            assert "password authentication failed" in told.err
            for word in (other, *Path(other.replace(" ", "/").replace("@", "/")).parts):
                assert len(word) == 1 or word not in told.out + told.err + str(caught.value) + caplog.text, (text, word)
