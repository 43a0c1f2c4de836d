"""The embedded server, for real."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

import embedded
from clustering.config import PROJECT
from clustering.errors import WarehouseError

ROUND_TRIP = """
import sys
from pathlib import Path
import psycopg2
import embedded
server = embedded.start(Path(sys.argv[1]))
psycopg2.connect(server.ensure_database("shop")).close()
server.stop()
print(server.started_here)
"""


@pytest.fixture
def directory() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="clustering-embedded-"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def server(directory: Path) -> Iterator[embedded.EmbeddedServer]:
    running = embedded.start(directory)
    yield running
    running.stop()


def ask(url: str, question: str) -> Any:
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(question)
        return cursor.fetchone()[0]


def test_version_and_settings(server: embedded.EmbeddedServer) -> None:
    """It is PostgreSQL 18, in UTF-8, with room for 200 connections and no open port."""
    url = server.url("postgres")
    assert ask(url, "show server_version").startswith("18")
    assert ask(url, "show server_encoding") == "UTF8"
    assert ask(url, "show max_connections") == "200"
    assert ask(url, "show listen_addresses") == ""


def test_start_finds_running_server(server: embedded.EmbeddedServer) -> None:
    """A second start uses the server that runs, and its stop leaves it alone unless asked."""
    again = embedded.start(server.directory)
    assert (server.started_here, again.started_here) == (True, False)
    again.stop()
    assert ask(server.url("postgres"), "select 1") == 1
    again.stop(found_running=True)
    with pytest.raises(psycopg2.OperationalError):
        ask(server.url("postgres"), "select 1")


def test_databases_outlive_the_server(directory: Path) -> None:
    """What was written is there after a stop and a start."""
    first = embedded.start(directory)
    ask(first.ensure_database("shop"), "create table basket as select 7 as apples; commit; select 1")
    first.stop()
    second = embedded.start(directory)
    assert second.started_here
    assert ask(second.ensure_database("shop"), "select apples from basket") == 7
    second.stop()


def test_recreate_database_empties_it(server: embedded.EmbeddedServer) -> None:
    """A database is made anew although somebody is connected to it."""
    url = server.ensure_database('odd "name" ä%')
    with closing(psycopg2.connect(url)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("create table basket ()")
        assert server.recreate_database('odd "name" ä%') == url
    assert ask(url, "select to_regclass('basket')") is None


def test_start_after_a_crash(directory: Path) -> None:
    """A server that was killed starts again."""
    server = embedded.start(directory)
    os.kill(int((directory / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    again = embedded.start(directory)
    assert ask(again.url("postgres"), "select 1") == 1
    server.stop()


def test_two_processes_start_it_once(directory: Path) -> None:
    """Of two processes that start it at the same time, one does and the other uses it."""
    code = ROUND_TRIP.replace("server.stop()", "")
    processes = [run_python(code, directory / "new") for _ in range(2)]
    outputs = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    embedded.start(directory / "new").stop(found_running=True)
    assert outputs == ["False", "True"]


def test_long_directory(directory: Path) -> None:
    """A path too long for a Unix socket gets a short one elsewhere, for this user only."""
    deep = directory / ("long" * 30) / "made on the way"
    server = embedded.start(deep)
    assert server.socket_directory.stat().st_mode & 0o077 == 0
    assert ask(server.url("postgres"), "select 1") == 1
    server.stop()
    server.socket_directory.rmdir()


def test_initialisation_cut_short(directory: Path) -> None:
    """What an interrupted first start left behind does not disturb the next."""
    (directory / "data.new").mkdir()
    (directory / "data.new" / "PG_VERSION").write_text("18\n")
    embedded.start(directory).stop()


def test_start_names_the_reason(directory: Path) -> None:
    """A server that does not start says why."""
    embedded.start(directory).stop()
    with (directory / "data" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(WarehouseError, match="no_such_setting"):
        embedded.start(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_ordinary_user(directory: Path) -> None:
    """An ordinary user starts it too, beside a server of root's."""
    nobody = pwd.getpwnam("nobody")
    os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    become = f"import os; os.setgroups([]); os.setgid({nobody.pw_gid}); os.setuid({nobody.pw_uid})"
    process = run_python(ROUND_TRIP.replace("server =", f"{become}\nserver =", 1), directory)
    output, errors = process.communicate(timeout=60)
    assert (output.strip(), errors) == ("True", "")


def run_python(code: str, *arguments: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    environment = {"PYTHONPATH": str(PROJECT / "tools"), "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd="/", env=environment, text=True, stdout=pipe, stderr=pipe)
