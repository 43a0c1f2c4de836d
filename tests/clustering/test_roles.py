"""The roles of the server: what the DAGs' login can do, what BI can read, and servers where roles cannot be made."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from psycopg2 import sql
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

import embedded
from clustering import (
    Configuration,
    Registry,
    Warehouse,
    drop_expired,
    explain_customer,
    forget,
    migrate,
    name_segment,
)
from clustering.config import PROJECT
from clustering.demo.generator import generate_customers
from clustering.demo.loading import load_customers
from clustering.warehouse.roles import missing_grants
from tests.appointing import appoint
from tests.clustering.bi_contract import pinned
from tests.databases import database_of
from tests.docs.pages import anchors, rows
from tests.logins import administer
from tests.operations.test_backup import server_programs
from tests.projects import Project, retrain

READABLE = {name for name in pinned() if "(" not in name}
ROW_LEVEL = {"customer_segments", "current_customer_segments", "segment_changes", "segment_history", "customer_history"}
PICKER = """
select table_name from information_schema.tables where table_schema not in ('pg_catalog', 'information_schema')
"""
PICKED = "select relname from pg_class where relnamespace = 'segmentation'::regnamespace and relkind in ('r', 'p', 'v')"
OTHERS = ("create role segmentation_reader", "create role segmentation_dashboard")
RELATIONS = """
select format('%I.%I', namespace.nspname, class.relname), class.relname, class.relispartition
from pg_class as class
join pg_namespace as namespace on namespace.oid = class.relnamespace
where
    namespace.nspname in ('segmentation', 'segmentation_partitions', 'segmentation_staging', 'public')
    and class.relkind in ('r', 'p', 'v', 'm')
order by 1
"""


@pytest.fixture
def served(
    warehouse: Warehouse, configuration: Configuration, create_login: Callable[..., str], tmp_path: Path
) -> tuple[Project, Project]:
    """Return a project as its administrator sees it, and as a login sees it that is only a writer."""
    load_customers(warehouse, configuration.contract, generate_customers(1_500, seed=1))
    login = Warehouse(create_login(warehouse, "in role segmentation_writer"))
    writer = Project(login, configuration, Registry(login, tmp_path))
    return replace(writer, warehouse=warehouse, registry=Registry(warehouse, tmp_path)), writer


@dataclass(frozen=True)
class Seen:
    """A project as its administrator sees it, as its writer, and as a login of a BI tool."""

    admin: Project
    writer: Project
    reader: Project


@pytest.fixture(scope="module")
def seen_once(
    copy_for_module: Callable[[Project], Project],
    migrated_once: Project,
    create_login_for_module: Callable[..., str],
) -> Seen:
    """Return a project after two nights, as it is seen; not to be changed."""
    admin = copy_for_module(migrated_once)
    load_customers(admin.warehouse, admin.configuration.contract, generate_customers(1_500, seed=1))
    logins = [create_login_for_module(admin.warehouse, f"in role segmentation_{role}") for role in ("writer", "reader")]
    writer, reader = (_seen_by(admin, login) for login in logins)
    retrain(writer, "kmeans", "gmm")
    writer.night("2026-11-21")
    writer.night("2026-11-22")
    return Seen(admin, writer, reader)


@pytest.fixture
def seen(copy_project: Callable[[Project], Project], seen_once: Seen) -> Seen:
    """Return a copy of the project with two nights, for a test that changes it."""
    admin = copy_project(seen_once.admin)
    database = database_of(admin.warehouse.uri)
    logins = (urlsplit(one.warehouse.uri)._replace(path=f"/{database}") for one in (seen_once.writer, seen_once.reader))
    return Seen(admin, *(_seen_by(admin, urlunsplit(login)) for login in logins))


def _seen_by(project: Project, url: str) -> Project:
    """Return a project as the login of a URL sees it."""
    login = Warehouse(url)
    return replace(project, warehouse=login, registry=Registry(login, project.registry.store))


def test_writer_does_all_that_the_dags_do(served: tuple[Project, Project]) -> None:
    """Training, nights, retention, naming and forgetting need no right beyond the role."""
    _, writer = served
    decisions = retrain(writer)
    assert {decision["decision"] for decision in decisions} == {"promoted"}
    for day in ("2026-11-19", "2026-11-20", "2026-11-21"):
        writer.night(day)
    writer.night("2026-11-21")
    name_segment(writer.warehouse, model="kmeans", segment_id=1, name="Stars", set_by="Ada")
    kept = writer.with_contract(label_runs=1)
    assert len(drop_expired(writer.warehouse, kept.configuration)["dropped"]) == 3
    ((customer,),) = writer.sql("select min(customer_id) from segmentation.customer_segments")
    report = forget(writer.warehouse, writer.configuration, writer.registry, customer_id=customer, requested_by="Ada")
    assert report["removed"]["segmentation.customer_labels"] == 3
    told = explain_customer(writer.configuration, writer.registry, customer_id=customer + 1, models=["kmeans"])
    assert told.labels[0].explanation.pulls


def test_writer_cannot_rewrite_what_was_decided(served: tuple[Project, Project]) -> None:
    """Decisions and the log of changes are only added to; the contract's and the migrations' tables are read."""
    _, writer = served
    for table in ("promotions", "audit_log"):
        with pytest.raises(DBAPIError, match="permission denied"), writer.warehouse.transaction() as transaction:
            transaction.connection.exec_driver_sql(f"delete from segmentation.{table}")  # noqa: S608
    with pytest.raises(DBAPIError, match="permission denied"), writer.warehouse.transaction() as transaction:
        transaction.connection.exec_driver_sql("update segmentation.contract set key_type = 'text'")


def test_superuser_and_writer_take_turns(served: tuple[Project, Project]) -> None:
    """What a superuser has scored, or staged before it died, the DAGs' login goes on from."""
    appoint(served[0], "kmeans")
    _take_turns(*served)


@pytest.mark.slow
def test_owner_and_writer_take_turns(
    new_server: embedded.EmbeddedServer, configuration: Configuration, tmp_path: Path
) -> None:
    """So it does where the owner of the schema has no right but to create roles."""
    administer(
        new_server.ensure_database("postgres"), "create role maker login createrole", "create database shop owner maker"
    )
    url = new_server.url("shop")
    owner, writer = (
        Project(login, configuration, Registry(login, tmp_path / "store"))
        for login in (Warehouse(url.replace("postgres@", f"{name}@")) for name in ("maker", "airflow"))
    )
    migrate(owner.warehouse, configuration.contract)
    load_customers(owner.warehouse, configuration.contract, generate_customers(1_500, seed=1))
    administer(owner.warehouse.uri, "create role airflow login in role segmentation_writer")
    retrain(owner, "kmeans")
    _take_turns(owner, writer)


def _take_turns(owner: Project, writer: Project) -> None:
    owner.night("2026-11-17", models=["kmeans"])
    writer.night("2026-11-18", models=["kmeans"])
    owner.night("2026-11-19", models=["kmeans"])
    died = owner.plan("2026-11-20", models=["kmeans"])
    owner.score(died["run_id"])
    assert len(owner.staged()) == 3
    assert _not_the_writers(owner) == []
    writer.night("2026-11-20", models=["kmeans"])
    assert owner.staged() == []
    assert drop_expired(writer.warehouse, writer.with_contract(label_runs=1).configuration)["dropped"] == [1, 2, 3]


def _not_the_writers(project: Project) -> list[tuple[str]]:
    """Return the partitions and staged tables that belong to somebody else."""
    return project.sql(
        "select oid::regclass::text from pg_class where relkind in ('r', 'p') and (relispartition or"
        " relnamespace = 'segmentation_staging'::regnamespace) and relowner <> 'segmentation_writer'::regrole"
    )


def test_partitions_and_staged_tables_change_hands(served: tuple[Project, Project]) -> None:
    """A migration gives the writer what somebody else has made there, such as a restore."""
    admin, writer = served
    appoint(writer, "kmeans")
    writer.night("2026-11-21", models=["kmeans"])
    writer.score(writer.plan("2026-11-22", models=["kmeans"])["run_id"])
    made = admin.sql(
        "select oid::regclass::text from pg_class where relkind in ('r', 'p') and (relispartition or"
        " relnamespace = 'segmentation_staging'::regnamespace) and relowner = 'segmentation_writer'::regrole"
    )
    assert len(made) >= 7
    administer(admin.warehouse.uri, *(f"alter table {table} owner to current_user" for (table,) in made))
    with pytest.raises(Exception, match="must be owner"):
        writer.plan("2026-11-22", models=["kmeans"])
    assert missing_grants(admin.warehouse, admin.configuration.contract) == []
    assert _not_the_writers(admin) == []
    writer.night("2026-11-22", models=["kmeans"])


@pytest.mark.slow
def test_two_logins_share_their_work(
    served: tuple[Project, Project], create_login: Callable[..., str], tmp_path: Path
) -> None:
    """Logins that act as the role, as docs/database.md has it, publish and drop what another one has staged."""
    admin, _ = served
    logins = []
    for _ in range(2):
        url = create_login(admin.warehouse, "in role segmentation_writer")
        name = Warehouse(url).uri.split("//")[1].split(":")[0]
        administer(
            admin.warehouse.uri, sql.SQL("alter role {} set role = segmentation_writer").format(sql.Identifier(name))
        )
        login = Warehouse(url)
        logins.append(replace(admin, warehouse=login, registry=Registry(login, tmp_path)))
    first, second = logins
    retrain(first, "kmeans")
    planned = first.plan("2026-11-21", models=["kmeans"])
    for shard in planned["shards"]:
        first.score(planned["run_id"], shard)
    second.publish(planned["run_id"])
    first.night("2026-11-22", models=["kmeans"])
    assert drop_expired(second.warehouse, second.with_contract(label_runs=1).configuration)["dropped"] == [1]


def test_reader_sees_views_with_comments(seen_once: Seen) -> None:
    """SQLAlchemy's reflection finds every BI relation with a comment on it and on each of its columns."""
    engine = create_engine(seen_once.reader.warehouse.uri.replace("postgresql:", "postgresql+psycopg2:"))
    try:
        inspector = inspect(engine)
        found = set(inspector.get_view_names("segmentation")) | set(inspector.get_table_names("segmentation"))
        assert found >= READABLE
        with engine.connect() as connection:
            for name in sorted(READABLE):
                assert inspector.get_table_comment(name, "segmentation")["text"]
                assert all(column["comment"] for column in inspector.get_columns(name, "segmentation"))
                connection.execute(text(f"select * from segmentation.{name} limit 10")).all()  # noqa: S608
    finally:
        engine.dispose()


def test_picker_of_a_reader_shows_the_documented_relations(seen_once: Seen, create_login: Callable[..., str]) -> None:
    """Whatever right a role has on a relation of the database, it is one that docs/bi.md lists."""
    _picker_shows_the_documented_relations(seen_once.admin, create_login)


@pytest.mark.slow
def test_picker_of_a_reader_shows_the_documented_relations_after_thirty_nights(
    served: tuple[Project, Project], create_login: Callable[..., str]
) -> None:
    """Nights add none."""
    admin, writer = served
    appoint(writer, "kmeans")
    for day in range(1, 31):
        writer.night(f"2026-10-{day:02}", models=["kmeans"])
    _picker_shows_the_documented_relations(admin, create_login)


def _picker_shows_the_documented_relations(admin: Project, create_login: Callable[..., str]) -> None:
    listed = {name.strip("`") for name, _, _ in rows("docs/bi.md", "relation", "one row per", "answers")}
    relations = {name for name in listed if "(" not in name}
    assert relations == READABLE
    for role, seen in (("segmentation_reader", relations), ("segmentation_dashboard", relations - ROW_LEVEL)):
        login = replace(admin, warehouse=Warehouse(create_login(admin.warehouse, f"in role {role}")))
        assert {name for (name,) in login.sql(PICKER)} == seen
    assert {name for (name,) in admin.sql(PICKED)} <= anchors("docs/tables.md") | {"alembic_version"}


def test_psql_shows_the_comments(seen_once: Seen) -> None:
    """So does psql, of views and of their columns."""
    command = [
        str(server_programs() / "psql"),
        "-X",
        seen_once.reader.warehouse.uri,
        "-c",
        r"\dv+ segmentation.*",
        "-c",
        r"\d+ segmentation.segment_trend",
    ]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "One row per customer: the segment that the customer is in now" in shown
    assert "Number of the segment, stable across versions; 0 for outliers." in shown


def test_reader_calls_the_functions(seen_once: Seen) -> None:
    """A day's segments are read without a right on what they come from."""
    ((customer,),) = seen_once.reader.sql("select min(customer_id) from segmentation.customer_segments")
    day = "select model, segment_id from segmentation.segment_as_of('2026-11-21') where customer_id = %s order by 1"
    assert [model for model, _ in seen_once.reader.sql(day, customer)] == ["gmm", "kmeans"]


def test_reader_reads_nothing_else(seen: Seen) -> None:
    """Source, staging, partitions, manifests, rejected rows and the log are refused, and so is every change."""
    seen.admin.sql("create table segmentation_staging.sample_1 as select * from customers")
    refused = set()
    for quoted, name, is_partition in seen.admin.sql(RELATIONS):
        if name in READABLE and not is_partition:
            seen.reader.sql(f"select * from {quoted} limit 1")  # noqa: S608
            continue
        with pytest.raises(Exception, match="permission denied"):
            seen.reader.sql(f"select * from {quoted} limit 1")  # noqa: S608
        refused.add(name)
    assert refused >= {
        "customers",
        "customer_labels",
        "labels_kmeans",
        "labels_1_1",
        "run_shards",
        "rejected_customers",
        "sample_1",
    }
    for statement in (
        "update segmentation.segments set segment_name = ''",
        "create table segmentation.mine (id integer)",
        "select segmentation.grant_roles('public', 'customers')",
    ):
        with pytest.raises(Exception, match="permission denied"):
            seen.reader.sql(statement)


def test_view_made_anew_keeps_its_reader(seen: Seen) -> None:
    """A contract with other columns makes current_segments anew, and the role still reads it."""
    columns = dict(seen.reader.configuration.contract.columns)
    del columns["age"]
    migrate(seen.admin.warehouse, seen.reader.configuration.contract.model_copy(update={"columns": columns}))
    assert len(seen.reader.sql("select * from segmentation.current_segments")) >= 4


def test_new_partitions_need_no_grant(seen: Seen) -> None:
    """Nights after the grants are read through the views, and there are no default privileges."""
    seen.writer.night("2026-11-23")
    assert {
        row[0].isoformat() for row in seen.reader.sql("select distinct as_of from segmentation.customer_segments")
    } == {"2026-11-23"}
    assert seen.reader.sql("select count(*) from pg_default_acl") == [(0,)]


def test_grants_are_completed(warehouse: Warehouse, configuration: Configuration) -> None:
    """What somebody has revoked comes back with the next migration; a right beyond the role's stays."""
    administer(
        warehouse.uri,
        "revoke select on segmentation.segments from segmentation_reader",
        "grant select on segmentation.scoring_runs to segmentation_reader",
    )
    migrate(warehouse, configuration.contract)
    for table in ("segments", "scoring_runs"):
        with warehouse.transaction() as transaction:
            question = f"select has_table_privilege('segmentation_reader', 'segmentation.{table}', 'select')"
            assert transaction.connection.exec_driver_sql(question).scalar_one()


def test_loading_keeps_who_reads(warehouse: Warehouse, configuration: Configuration) -> None:
    """A table of customers that takes the place of another is read by the writer and by whoever read that one."""
    customers = generate_customers(100, seed=1)
    load_customers(warehouse, configuration.contract, customers)
    administer(warehouse.uri, "grant select on public.customers to pg_monitor")
    load_customers(warehouse, configuration.contract, customers)
    question = "select has_table_privilege(%(role)s, 'public.customers', 'select')"
    with warehouse.transaction() as transaction:
        for role, reads in {"pg_monitor": True, "segmentation_writer": True, "segmentation_reader": False}.items():
            assert transaction.connection.exec_driver_sql(question, {"role": role}).scalar_one() == reads


@pytest.mark.parametrize("reads", [False, True])
def test_source_of_another_owner(
    warehouse: Warehouse, configuration: Configuration, create_login: Callable[..., str], *, reads: bool
) -> None:
    """A table that the migrating user may not hand on, be it that it reads it, is named with the statement to run."""
    administer(warehouse.uri, "create table public.customers (customer_id bigint)")
    owner = create_login(warehouse)
    name = owner.split("//")[1].split(":")[0]
    administer(warehouse.uri, f"grant segmentation_writer to {name}")
    if reads:
        administer(warehouse.uri, f"grant select on public.customers to {name}")
    with Warehouse(owner).transaction() as transaction:
        asked = "select told from segmentation.grant_roles('public', 'customers') as told"
        told = [row.told for row in transaction.connection.exec_driver_sql(asked)]
    (line,) = [one for one in told if "public.customers" in one]
    assert line.endswith("let an administrator run: grant select on public.customers to segmentation_writer")
    assert missing_grants(warehouse, configuration.contract) == []


MIGRATE = """
import sys
from clustering.config import load_configuration
from clustering.warehouse import Warehouse, migrate
migrate(Warehouse(sys.argv[1]), load_configuration().contract)
"""


@pytest.fixture
def new_server(tmp_path: Path) -> Iterator[embedded.EmbeddedServer]:
    """Run a server of its own, that has no roles yet."""
    server = embedded.start(tmp_path / "server")
    yield server
    server.stop()


def test_user_who_may_not_create_roles(
    new_server: embedded.EmbeddedServer, configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    """The schema is made all the same, and a warning names the statement; after it a migration completes the rights."""
    server = new_server.ensure_database("postgres")
    administer(server, "create role plain login", "create database shop owner plain")
    plain = Warehouse(new_server.url("shop").replace("postgres@", "plain@"))
    with caplog.at_level(logging.WARNING):
        assert migrate(plain, configuration.contract)
    statement = "create role segmentation_writer nologin; grant segmentation_writer to plain;"
    assert f'plain may not create it: let an administrator run "{statement}"' in caplog.text
    assert len(missing_grants(plain, configuration.contract)) == 3
    load_customers(plain, configuration.contract, generate_customers(200, seed=1))
    administer(server, *OTHERS, statement, "create role bi login in role segmentation_reader")
    assert missing_grants(plain, configuration.contract) == []
    bi = Project(Warehouse(new_server.url("shop").replace("postgres@", "bi@")), configuration, None)  # type: ignore[arg-type]
    assert bi.sql("select * from segmentation.current_segments") == []
    with pytest.raises(Exception, match="permission denied"):
        bi.sql("select * from public.customers")


@pytest.mark.slow
def test_user_who_may_create_roles(new_server: embedded.EmbeddedServer, configuration: Configuration) -> None:
    """CREATEROLE suffices, without superuser: the user owns what it made through the role."""
    administer(
        new_server.ensure_database("postgres"), "create role maker login createrole", "create database shop owner maker"
    )
    maker = Warehouse(new_server.url("shop").replace("postgres@", "maker@"))
    migrate(maker, configuration.contract)
    assert missing_grants(maker, configuration.contract) == []
    with maker.transaction() as transaction:
        owner = "select relowner::regrole::text from pg_class where oid = 'segmentation.customer_labels'::regclass"
        assert transaction.connection.exec_driver_sql(owner).scalar_one() == "segmentation_writer"
        assert transaction.connection.exec_driver_sql("select * from segmentation.customer_segments").all() == []


@pytest.mark.slow
def test_user_who_is_no_member(new_server: embedded.EmbeddedServer, configuration: Configuration) -> None:
    """Where the roles are there already, whoever migrates has to become a member; until then nothing changes hands."""
    server = new_server.ensure_database("postgres")
    administer(server, *OTHERS, "create role segmentation_writer", "create role plain login")
    administer(server, "create database shop owner plain")
    plain = Warehouse(new_server.url("shop").replace("postgres@", "plain@"))
    migrate(plain, configuration.contract)
    (told,) = missing_grants(plain, configuration.contract)
    assert 'let an administrator run "grant segmentation_writer to plain;"' in told
    owner = Project(plain, configuration, None)  # type: ignore[arg-type]
    owned = "select relowner::regrole::text from pg_class where oid = 'segmentation.customer_labels'::regclass"
    assert owner.sql(owned) == [("plain",)]
    administer(server, "grant segmentation_writer to plain")
    assert missing_grants(plain, configuration.contract) == []
    assert owner.sql(owned) == [("segmentation_writer",)]


@pytest.mark.slow
def test_two_databases_at_once(new_server: embedded.EmbeddedServer) -> None:
    """Roles belong to the server: migrations of two of its databases create them side by side."""
    urls = [new_server.ensure_database(name) for name in ("one", "two", "three")]
    started = [
        subprocess.Popen([sys.executable, "-c", MIGRATE, url], cwd=PROJECT, stderr=subprocess.PIPE, text=True)
        for url in urls
    ]
    assert [(process.communicate(timeout=120)[1], process.returncode) for process in started] == [("", 0)] * 3


@pytest.mark.slow
def test_roles_that_exist_are_left_alone(new_server: embedded.EmbeddedServer, configuration: Configuration) -> None:
    """Roles that an administrator has made with other options keep them."""
    server = new_server.ensure_database("postgres")
    administer(server, "create role segmentation_reader connection limit 3", "create role segmentation_writer login")
    migrate(Warehouse(new_server.ensure_database("shop")), configuration.contract)
    kept = Project(Warehouse(server), configuration, None)  # type: ignore[arg-type]
    question = "select rolconnlimit, rolcanlogin from pg_roles where rolname like 'segmentation%' order by rolname"
    assert kept.sql(question) == [(-1, False), (3, False), (-1, True)]
