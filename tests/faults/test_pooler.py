"""Nights behind PgBouncer in its mode that keeps no session beyond a transaction: two dates at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg2
import pytest
from sqlalchemy.engine import make_url

from clustering import Registry, Warehouse
from tests.faults.published import TODAY, YESTERDAY, Published, assert_as_undisturbed
from tests.faults.server import wait_for
from tests.projects import Project
from tests.web.served import free_port

pytestmark = pytest.mark.slow

BOUNCER = shutil.which("pgbouncer", path=os.environ.get("PATH", "") + ":/usr/sbin")
SHARDS = 3
# A shard that is scored holds two transactions, and opens a third for a moment.
POOL = 2 * SHARDS * 3
SETTINGS = """
[databases]
* = {server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = {pool}
"""


@pytest.fixture
def pooled(project: Project) -> Iterator[Project]:
    """Return the project as it is reached through the pooler."""
    if BOUNCER is None:
        pytest.skip("pgbouncer is not installed: a pooler that keeps no sessions is not tried (Debian: pgbouncer)")
    url, port = make_url(project.warehouse.uri), free_port()
    sockets = str(url.query["host"])
    server = f"host={sockets} port={url.port or 5432} user={url.username}"
    warehouse = Warehouse(f"postgresql://{url.username}@127.0.0.1:{port}/{url.database}")
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)  # root runs no pooler, so it is the server's user
        (settings := Path(name, "pgbouncer.ini")).write_text(SETTINGS.format(server=server, port=port, pool=POOL))
        command = [BOUNCER, "--quiet", "--user", Path(sockets).owner(), str(settings)]
        with subprocess.Popen(command) as process:
            try:
                wait_for(lambda: answers(warehouse.uri))
                yield replace(project, warehouse=warehouse, registry=Registry(warehouse, project.registry.store))
            finally:
                process.terminate()


def answers(url: str) -> bool:
    """Return whether a server can be reached."""
    try:
        psycopg2.connect(url).close()
    except psycopg2.OperationalError:
        return False
    return True


def test_nights_need_no_session_beyond_a_transaction(pooled: Project, project: Project, undisturbed: Published) -> None:
    """Two dates are scored at once through a pooler of transactions; what is published is what is without it."""
    runs = [pooled.plan(day, shards=SHARDS)["run_id"] for day in (YESTERDAY, TODAY)]
    with ThreadPoolExecutor(2 * SHARDS) as pool:
        list(pool.map(lambda asked: pooled.score(*asked), [(run, shard) for run in runs for shard in range(SHARDS)]))
    for run in runs:
        pooled.publish(run)
    assert_as_undisturbed(project, undisturbed)
