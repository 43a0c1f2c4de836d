"""The schema: migrations, and what the contract adds."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from clustering.config import PROJECT, Column, Configuration, Contract
from clustering.errors import ConfigurationError, WarehouseError
from clustering.warehouse import Transaction, Warehouse, migrate, queries
from clustering.warehouse.migrate import REVISIONS

MIGRATE = """
import sys
from clustering.config import load_configuration
from clustering.warehouse import Warehouse, migrate
print(*migrate(Warehouse(sys.argv[1]), load_configuration().contract))
"""
FILES = sorted(path.stem for path in (queries.DIRECTORY / "migrations").glob("*.sql"))
NUMBERS = [name[:4] for name in FILES]
VIEWS = sorted(path.stem for path in (queries.DIRECTORY / "views").glob("*.sql"))
AFTER_AVERAGES = [
    "rule",
    "rule_sql",
    "rule_coverage",
    "rule_precision",
    "rule_fidelity",
    "stability",
    "stability_band",
    "structure",
    "run_id",
    "model_version_id",
    "averages_empty_because",
]
CATALOGUE = """
    select relation.relname, relation.relkind, relation.oid, attribute.attname, relation.relacl::text,
        format_type(attribute.atttypid, attribute.atttypmod), col_description(relation.oid, attribute.attnum),
        obj_description(relation.oid, 'pg_class')
    from pg_class as relation
    join pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum > 0
    where relation.relnamespace = 'segmentation'::regnamespace and relation.relkind in ('r', 'p', 'v')
        and not attribute.attisdropped
    order by relation.relname, attribute.attnum
"""


def ask(warehouse: Warehouse, question: str, **values: Any) -> list[Any]:
    with warehouse.transaction() as transaction:
        result = transaction.connection.exec_driver_sql(question, values)
        return list(result.all()) if result.returns_rows else []


def view_columns(warehouse: Warehouse) -> list[str]:
    return [row.attname for row in ask(warehouse, CATALOGUE) if row.relname == "current_segments"]


def changed(contract: Contract, **columns: Column | None) -> Contract:
    kept = {name: column for name, column in ({**contract.columns, **columns}).items() if column is not None}
    return contract.model_copy(update={"columns": kept})


def with_key(contract: Contract, key_type: str) -> Contract:
    key = contract.columns[contract.key].model_copy(update={"type": key_type})
    return changed(contract, **{contract.key: key})


def test_every_file_is_a_revision() -> None:
    """Every migration has a revision of the same name."""
    assert sorted(path.stem for path in (REVISIONS / "versions").glob("*.py")) == FILES


def test_migrate_twice(empty_warehouse: Warehouse, configuration: Configuration) -> None:
    """The first time applies everything, the second changes nothing at all."""
    assert migrate(empty_warehouse, configuration.contract) == NUMBERS
    before = ask(empty_warehouse, CATALOGUE)
    assert migrate(empty_warehouse, configuration.contract) == []
    assert ask(empty_warehouse, CATALOGUE) == before
    assert ask(empty_warehouse, "select version_num from segmentation.alembic_version") == [(NUMBERS[-1],)]
    assert ask(empty_warehouse, "select to_regnamespace('segmentation_staging') is not null") == [(True,)]
    assert ask(empty_warehouse, "select relname from pg_class where relnamespace = 'public'::regnamespace") == []


@contextmanager
def reading_everything(warehouse: Warehouse) -> Iterator[Transaction]:
    """Hold a transaction open that has read every view, and whose locks no exclusive lock goes along with."""
    relations = sorted({f"segmentation.{row.relname}" for row in ask(warehouse, CATALOGUE)})
    assert len(relations) > len(VIEWS)
    with warehouse.transaction() as reader:
        for view in VIEWS:
            reader.connection.exec_driver_sql(f"select * from segmentation.{view}")  # noqa: S608
        reader.connection.exec_driver_sql(f"lock table {', '.join(relations)} in row share mode")
        yield reader


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let migrations give up after two seconds."""
    for name, value in {"ATTEMPTS": 2, "LOCK_SECONDS": 1, "PAUSE_SECONDS": 0}.items():
        monkeypatch.setattr(import_module("clustering.warehouse.migrate"), name, value)


@pytest.mark.usefixtures("impatient")
def test_second_migration_neither_waits_for_a_reader_nor_disturbs_it(
    warehouse: Warehouse, configuration: Configuration
) -> None:
    """A migration with nothing to change passes by readers that hold a transaction open on every view."""
    with reading_everything(warehouse) as reader:
        assert migrate(warehouse, configuration.contract) == []
        for view in VIEWS:
            reader.connection.exec_driver_sql(f"select * from segmentation.{view}")  # noqa: S608


@pytest.mark.usefixtures("impatient")
def test_migration_that_a_reader_holds_up_ends_and_names_it(warehouse: Warehouse, configuration: Configuration) -> None:
    """What has to change and cannot leaves everything as it is, and says whose transaction is in the way."""
    before, fewer = ask(warehouse, CATALOGUE), changed(configuration.contract, age=None)
    with reading_everything(warehouse) as reader:
        pid = reader.connection.exec_driver_sql("select pg_backend_pid()").scalar_one()
        started = time.monotonic()
        with pytest.raises(
            WarehouseError, match=rf"nothing was changed: 2 times.*\(pid {pid} of \w+ with clustering, since"
        ):
            migrate(warehouse, fewer)
        assert time.monotonic() - started < 30
        assert ask(warehouse, CATALOGUE) == before
        reader.connection.exec_driver_sql("select * from segmentation.current_segments")
    assert migrate(warehouse, fewer) == []
    assert "avg_age" not in view_columns(warehouse)


def test_migration_goes_on_when_a_reader_has_ended(
    warehouse: Warehouse, configuration: Configuration, caplog: pytest.LogCaptureFixture
) -> None:
    """A transaction that ends while a migration tries again is no error."""
    with ThreadPoolExecutor(1) as pool, caplog.at_level(logging.INFO):
        with reading_everything(warehouse):
            done = pool.submit(migrate, warehouse, changed(configuration.contract, age=None))
            while "attempt 1 of" not in caplog.text:
                assert not done.done()
                time.sleep(0.01)
        assert done.result() == []
    assert "avg_age" not in view_columns(warehouse)


@pytest.mark.slow
def test_two_processes(create_database: Callable[[], str]) -> None:
    """Of two processes that migrate at the same time, one does the work and the other finds it done."""
    url = create_database()
    command = [sys.executable, "-W", "error", "-c", MIGRATE, url]
    pipe = subprocess.PIPE
    processes = [subprocess.Popen(command, cwd=PROJECT, text=True, stdout=pipe, stderr=pipe) for _ in range(3)]
    outputs = [process.communicate(timeout=60) for process in processes]
    assert sorted(outputs) == [("\n", ""), ("\n", ""), (" ".join(NUMBERS) + "\n", "")]


def test_everything_is_commented(warehouse: Warehouse) -> None:
    """Every table, view and column of the schema says what it is."""
    rows = ask(warehouse, CATALOGUE)
    assert {"segments", "customer_labels", "current_segments", "current_customer_segments"} <= {r.relname for r in rows}
    assert [f"{row.relname}.{row.attname}" for row in rows if not row.col_description] == []
    assert {row.relname for row in rows if not row.obj_description} == set()
    functions = "select proname from pg_proc where pronamespace = 'segmentation'::regnamespace"
    assert ask(warehouse, functions)
    assert ask(warehouse, f"{functions} and obj_description(oid, 'pg_proc') is null") == []


@pytest.mark.parametrize("key_type", ["bigint", "text", "uuid"])
def test_key_type_is_fixed(empty_warehouse: Warehouse, configuration: Configuration, key_type: str) -> None:
    """Labels have the contract's key; another key later is refused and changes nothing."""
    migrate(empty_warehouse, with_key(configuration.contract, key_type))
    before = ask(empty_warehouse, CATALOGUE)
    types = {row.format_type for row in before if row.attname in ("customer_id", "lower_bound")}
    assert types == {key_type, "text"}  # rejected rows keep theirs as text
    other = "uuid" if key_type == "text" else "text"
    with pytest.raises(ConfigurationError, match=rf"customer_id\.type: '{other}'.* '{key_type}' keys"):
        migrate(empty_warehouse, with_key(configuration.contract, other))
    assert ask(empty_warehouse, CATALOGUE) == before


def test_averages_follow_the_contract(warehouse: Warehouse, configuration: Configuration) -> None:
    """A new column gets its average in table and view, in the contract's order; one that has gone leaves the view."""
    assert view_columns(warehouse)[7:] == [
        "share",
        "avg_age",
        "avg_annual_income",
        "avg_spending_score",
        *AFTER_AVERAGES,
    ]
    visits = Column(type="integer", role="profile", description="Visits per year")
    assert migrate(warehouse, changed(configuration.contract, age=None, visits=visits)) == []
    assert view_columns(warehouse)[8:] == [
        "avg_annual_income",
        "avg_spending_score",
        "avg_visits",
        *AFTER_AVERAGES,
    ]
    described = {(row.relname, row.attname): row.col_description for row in ask(warehouse, CATALOGUE)}
    assert ("segments", "avg_age") in described
    assert described["segments", "avg_visits"] == "Average of visits: Visits per year. Null: averages_empty_because."
    assert (
        described["current_segments", "avg_visits"]
        == "Average of visits: Visits per year. Null: averages_empty_because."
    )


def test_new_description(warehouse: Warehouse, configuration: Configuration) -> None:
    """A new description reaches the comments; the view stays the same object."""
    before = ask(warehouse, "select 'segmentation.current_segments'::regclass::oid")
    age = configuration.contract.columns["age"].model_copy(update={"description": "Years: 100% 'real' {or} not"})
    migrate(warehouse, changed(configuration.contract, age=age))
    comments = {row.relname: row.col_description for row in ask(warehouse, CATALOGUE) if row.attname == "avg_age"}
    assert set(comments.values()) == {"Average of age: Years: 100% 'real' {or} not. Null: averages_empty_because."}
    assert ask(warehouse, "select 'segmentation.current_segments'::regclass::oid") == before


def test_readers_keep_their_right(warehouse: Warehouse, configuration: Configuration) -> None:
    """Who may read the view may read the one that takes its place."""
    ask(warehouse, "grant select on segmentation.current_segments to public")
    ask(warehouse, "grant select on segmentation.current_segments to pg_monitor")
    migrate(warehouse, changed(configuration.contract, age=None))
    for role in ("pg_monitor", "pg_signal_backend"):
        right = "select has_table_privilege(%(role)s, 'segmentation.current_segments', 'select')"
        assert ask(warehouse, right, role=role) == [(True,)]


def test_views_that_stand_on_the_view(warehouse: Warehouse, configuration: Configuration) -> None:
    """A view of somebody's own is never dropped: the migration is refused and names it."""
    ask(warehouse, "create view public.report as select * from segmentation.current_segments")
    with pytest.raises(ConfigurationError, match="report"):
        migrate(warehouse, changed(configuration.contract, age=None))
    assert "avg_age" in view_columns(warehouse)


def test_schema_of_a_newer_release(warehouse: Warehouse, configuration: Configuration) -> None:
    """A schema that is ahead of the code is left alone."""
    ask(warehouse, "update segmentation.alembic_version set version_num = '9999'")
    with pytest.raises(ConfigurationError, match="9999"):
        migrate(warehouse, configuration.contract)


def test_user_without_rights(create_database: Callable[..., str], configuration: Configuration) -> None:
    """Without the right to create a schema nothing is half done."""
    warehouse = Warehouse(create_database())
    ask(warehouse, f"alter database {database(warehouse)} set role pg_monitor")
    warehouse.dispose()  # what a session is begins with it
    with pytest.raises(DBAPIError, match="permission denied"):
        migrate(warehouse, configuration.contract)
    assert ask(warehouse, "select to_regnamespace('segmentation')::text") == [(None,)]


def test_logging_is_left_alone(empty_warehouse: Warehouse, configuration: Configuration) -> None:
    """Migrating neither replaces handlers nor silences loggers."""
    mine = logging.getLogger("somebody.else")
    before = (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level)
    migrate(empty_warehouse, configuration.contract)
    assert (list(logging.root.handlers), logging.root.level, logging.getLogger("alembic").level) == before
    assert not mine.disabled


def database(warehouse: Warehouse) -> str:
    return str(ask(warehouse, "select quote_ident(current_database())")[0][0])
