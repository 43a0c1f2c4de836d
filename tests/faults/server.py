"""A PostgreSQL server that tests may end in every way, and what they need to hit it at the right moment."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from psycopg2 import sql

import embedded
from tests.databases import Server

PUBLISHING_WAITS_FOR = "lock table segmentation.segments in access exclusive mode"
CLAIMING_WAITS_FOR = "select from segmentation.run_shards where run_id = %s for update"
PATIENCE = 60  # seconds for what has to happen sooner or later


class FragileServer(Server):
    """An embedded server of its own, to crash and to start again."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._server = embedded.start(directory)
        super().__init__(self._server.url)

    def crash(self) -> None:
        """Shut the server down at once, without a checkpoint: what was going on is lost, and it has to recover."""
        postmaster = psutil.Process(int((self.directory / "data" / "postmaster.pid").read_text().split()[0]))
        postmaster.send_signal(signal.SIGQUIT)
        # A process whose parent has not asked for its end stays in the table.
        wait_for(lambda: not postmaster.is_running() or postmaster.status() == psutil.STATUS_ZOMBIE)

    def restart(self) -> None:
        """Start the server again."""
        self._server = embedded.start(self.directory)

    def stop(self) -> None:
        """End the server."""
        self._server.stop(found_running=True)


@contextmanager
def session(url: str) -> Iterator[Any]:
    """Open a session beside those under test, and yield a cursor whose statements commit by themselves."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


@contextmanager
def held(url: str, statement: str, *values: Any) -> Iterator[None]:
    """Run a statement and keep its locks until the block ends, or the server does."""
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        yield
        with suppress(psycopg2.Error):
            connection.rollback()


def waiting(cursor: Any) -> list[int]:
    """Return the processes that wait for a lock."""
    cursor.execute("select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
    return [pid for (pid,) in cursor.fetchall()]


def at_work(cursor: Any, kind: str = "") -> list[int]:
    """Return the processes in a transaction: the readers, which have written nothing, the writers, or all of them."""
    cursor.execute(
        "select pid, backend_xid is not null from pg_stat_activity where datname = current_database()"
        " and pid <> pg_backend_pid() and backend_type = 'client backend' and xact_start is not null"
    )
    return [pid for pid, writes in cursor.fetchall() if kind in ("", "writer" if writes else "reader")]


def hit(cursor: Any, processes: list[int], blow: str) -> None:
    """End sessions ("terminate") or what they are at ("cancel"), as an administrator does."""
    function = sql.Identifier(f"pg_{blow}_backend")
    cursor.execute(sql.SQL("select {}(pid) from unnest(%s::int[]) as pid").format(function), (processes,))


def wait_until_alone(url: str) -> None:
    """Wait until the server has rolled back what its dead clients left open."""
    with session(url) as cursor:
        wait_for(lambda: not _others(cursor))


def wait_for(happened: Callable[[], Any], *, pause: float = 0.002) -> Any:
    """Wait until a function returns something true, and return it."""
    limit = time.monotonic() + PATIENCE
    while not (result := happened()):
        assert time.monotonic() < limit, f"waited {PATIENCE} s in vain"
        time.sleep(pause)
    return result


def _others(cursor: Any) -> int:
    cursor.execute(
        "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
        " and backend_type = 'client backend' and state <> 'idle'"
    )
    return int(cursor.fetchone()[0])
