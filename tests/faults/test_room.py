"""A warehouse that runs out of room."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clustering import abandon_run
from clustering.errors import WarehouseError
from tests.faults.published import TODAY, assert_as_undisturbed, published
from tests.faults.server import session

pytestmark = pytest.mark.slow

# The server itself refuses a row, or an index, as it does when a file cannot grow.
REFUSE = """
    create function refuse() returns trigger language plpgsql as $$
    begin
        raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
    end $$;
    create function refuse_index() returns event_trigger language plpgsql as $$
    begin
        raise exception 'could not extend file "base/1/2": No space left on device' using errcode = 'disk_full';
    end $$;
    create function refuse_rows() returns event_trigger language plpgsql as $$
    declare
        made record;
    begin
        for made in
            select * from pg_event_trigger_ddl_commands()
            where schema_name = 'segmentation_staging' and object_identity like '%.labels\\_%'
        loop
            execute format(
                'create trigger refuse before insert on %s for each row when (new.customer_id = 30000)'
                ' execute function refuse()', made.object_identity);
        end loop;
    end $$;
"""
MOMENTS = {
    "copy": "ddl_command_end when tag in ('CREATE TABLE') execute function refuse_rows()",
    "index": "ddl_command_start when tag in ('CREATE INDEX') execute function refuse_index()",
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_room_ends_while_scoring(project, yesterday, undisturbed, moment):
    """A failed COPY or index fails the attempt as worth a retry and leaves nothing; with room again all is well."""
    project.sql(REFUSE)
    project.sql(f"create event trigger no_room on {MOMENTS[moment]}")
    run_id = project.plan(TODAY, shards=1)["run_id"]
    with pytest.raises(WarehouseError, match="No space left on device"):
        project.score(run_id)
    assert project.staged() == []
    assert published(project) == yesterday
    project.sql("drop event trigger no_room")
    project.score(run_id)
    project.publish(run_id)
    assert_as_undisturbed(project, undisturbed)


@pytest.fixture
def small_disk(server, project) -> Iterator[Callable[[str], Any]]:
    """Put the tables to come on a file system of six megabytes, and return a function that changes its size."""
    folder = Path(tempfile.mkdtemp(prefix="clustering-disk-"))  # every pytest that starts closes the parents of its own
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here; that needs root")
    owner = (server.directory / "data").stat()
    os.chown(folder, owner.st_uid, owner.st_gid)
    with session(project.warehouse.uri) as cursor:
        cursor.execute("select current_database()")
        database = cursor.fetchone()[0]
        cursor.execute("create tablespace small location %s", (str(folder),))
        cursor.execute("grant create on tablespace small to public")  # who scores is not who owns the server
        cursor.execute(f"alter database {database} set default_tablespace = small")
    project.warehouse.dispose()  # it holds for the sessions to come
    yield lambda size: subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)
    server.drop(database)
    with session(server.url("postgres")) as cursor:
        cursor.execute("drop tablespace small")
    subprocess.run(["umount", str(folder)], check=True)
    folder.rmdir()


@pytest.mark.parametrize("ending", ["more room", "no retry"])
def test_disk_is_full(project, yesterday, undisturbed, small_disk, ending):
    """On a full disk a run fails with that reason and yesterday stays; it goes on once there is room."""
    run_id = project.plan(TODAY, shards=1)["run_id"]
    with pytest.raises(WarehouseError, match="No space left on device"):
        project.score(run_id)
    assert project.staged() == []
    assert published(project) == yesterday
    if ending == "no retry":
        abandon_run(project.warehouse, run_id=run_id, note="the disk was full")
        assert published(project) == yesterday
        small_disk("200m")
        run_id = project.plan(TODAY, shards=1)["run_id"]
    small_disk("200m")
    project.score(run_id)
    project.publish(run_id)
    assert_as_undisturbed(project, undisturbed)
