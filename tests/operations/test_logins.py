"""The owner, the writer and the reader of a warehouse on a server of somebody else's: none of them is a superuser."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

import embedded
from clustering import Registry, Warehouse, migrate
from clustering.config import PROJECT, Configuration
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from tests.appointing import SETTINGS, appoint
from tests.operations.test_backup import server_programs
from tests.projects import Project

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OWNER, WRITER, READER = "some_owner", "some_writer", "some_reader"
TODAY, TOMORROW = "2026-11-22", "2026-11-23"

Url = Callable[[str], str]


@pytest.fixture
def url(tmp_path: Path) -> Iterator[Url]:
    """Return the URL of a login for a database whose owner is an ordinary user who may create roles."""
    server = embedded.start(tmp_path / "server")
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f"create role {OWNER} login createrole")
        cursor.execute(f"create database shop owner {OWNER}")
    yield lambda login: server.url("shop").replace("://postgres@", f"://{login}@")
    server.stop()


def make_logins(url: Url) -> None:
    """Run deploy/logins.sql as the owner."""
    environment = {
        **os.environ,
        "WRITER": WRITER,
        "WRITER_PASSWORD": "of the writer",
        "READER": READER,
        "READER_PASSWORD": "it's a 'quoted' one",
        "SOURCE_SCHEMA": "public",
    }
    command = [
        str(server_programs() / "psql"),
        "--no-psqlrc",
        "--quiet",
        "--file",
        str(PROJECT / "deploy/logins.sql"),
        url(OWNER),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_logins_are_enough(url: Url, configuration: Configuration, tmp_path: Path) -> None:
    """The owner migrates, the writer scores nights and drops old labels, and the reader reads the views alone."""
    owner = Warehouse(url(OWNER))
    migrate(owner, configuration.contract)
    make_logins(url)
    make_logins(url)
    load_customers(owner, configuration.contract, generate_customers(3_000, seed=1))
    writer = Warehouse(url(WRITER))
    keeping_one = configuration.contract.model_copy(update={"label_runs": 1})
    few = configuration.model_copy(update={"contract": keeping_one})
    project = Project(writer, few, Registry(writer, tmp_path / "store"))
    for model in SETTINGS:
        appoint(project, model)
    project.night(TODAY)
    project.night(TOMORROW)
    assert project.staged() == []
    reader = replace(project, warehouse=Warehouse(url(READER)))
    assert reader.segments() == project.segments() != []
    for login, statement in (
        (reader, "select from public.customers"),
        (reader, "delete from segmentation.segments"),
        (reader, "create table segmentation.mine ()"),
        (project, "delete from public.customers"),
        (project, "create role somebody"),
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            login.sql(statement)
    assert migrate(owner, configuration.contract) == []
