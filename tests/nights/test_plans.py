"""Plans of readers hold the current label sets as constants, and never longer than these hold."""

from __future__ import annotations

import re
from contextlib import closing, contextmanager

import psycopg2
import pytest

from clustering.config import PROJECT
from clustering.scoring.retention import drop_expired
from clustering.warehouse import migrate

SHOWN = "select model, max(as_of)::text, count(distinct run_id) from segmentation.{} group by model order by model"
PREPARED = """
set plan_cache_mode = force_generic_plan;
prepare by_default as select model, max(as_of)::text, count(*) from segmentation.customer_segments group by model;
prepare by_model (text) as
    select model, max(as_of)::text, count(*) from segmentation.current_customer_segments
    where model = $1 group by model;
"""
FUNCTION = """
create function public.newest(model text) returns table (as_of text, customers bigint) language plpgsql as $$
begin
    return query
        select max(current.as_of)::text, count(*) from segmentation.current_customer_segments as current
        where current.model = $1;
end $$
"""


@contextmanager
def session(project, *, isolation="READ COMMITTED"):
    with closing(psycopg2.connect(project.warehouse.uri)) as connection:
        connection.set_session(isolation_level=isolation, autocommit=isolation == "READ COMMITTED")
        with connection.cursor() as cursor:
            yield cursor


def ask(cursor, statement):
    cursor.execute(statement)
    return cursor.fetchall()


def test_prepared_statements_show_each_publication(project):
    """A statement that is planned once shows what is published, also before the first night and for a date again."""
    with session(project) as reader:
        reader.execute(PREPARED)
        assert ask(reader, "execute by_default") == ask(reader, "execute by_model ('gmm')") == []
        for day, removed in (("2026-11-20", 0), ("2026-11-21", 0), ("2026-11-21", 100), ("2026-11-22", 0)):
            project.sql(
                "delete from customers where customer_id in (select customer_id from customers limit %s)", removed
            )
            labelled = project.night(day, shards=2)["rows_labelled"]
            for _ in range(3):
                assert ask(reader, "execute by_default") == [("kmeans", day, labelled)]
                assert ask(reader, "execute by_model ('gmm')") == [("gmm", day, labelled)]


def test_function_of_an_analyst_shows_each_publication(project):
    """What a function in PL/pgSQL has planned for the session is planned anew after a night."""
    project.sql(FUNCTION)
    with session(project) as reader:
        for day in ("2026-11-20", "2026-11-21"):
            labelled = project.night(day)["rows_labelled"]
            for _ in range(7):  # the sixth call may take a generic plan
                assert ask(reader, "select * from public.newest('kmeans')") == [(day, labelled)]


def test_transaction_that_is_older_than_a_night_plans_its_own(after_night):
    """Who asks for the first time after a publication, in a snapshot from before it, sees the night of the snapshot."""
    project = after_night("2026-11-20")
    with session(project, isolation="REPEATABLE READ") as reader:
        reader.execute("select 1 from pg_class limit 1")
        project.night("2026-11-21")
        former = [(model, "2026-11-20", 1) for model in ("dbscan", "gmm", "kmeans")]
        assert ask(reader, SHOWN.format("current_customer_segments")) == former
        assert ask(reader, SHOWN.format("customer_segments")) == former[2:]
        reader.connection.rollback()
        assert ask(reader, SHOWN.format("customer_segments")) == [("kmeans", "2026-11-21", 1)]


def test_statement_that_was_planned_in_an_old_transaction_is_planned_anew_by_retention(after_night):
    """What was prepared under a snapshot from before a night follows the pointer again when retention has run."""
    project = after_night("2026-11-20")
    with session(project, isolation="REPEATABLE READ") as reader:
        reader.execute("select 1 from pg_class limit 1")
        project.night("2026-11-21")
        reader.execute(PREPARED)
        assert [row[1] for row in ask(reader, "execute by_default")] == ["2026-11-20"]
        reader.connection.commit()
        drop_expired(project.warehouse, project.configuration)
        assert [row[1] for row in ask(reader, "execute by_default")] == ["2026-11-21"]


@pytest.mark.parametrize(("chosen", "shown"), [("gmm", "gmm"), (None, "dbscan")])
def test_prepared_statement_shows_another_default_model(after_night, chosen, shown):
    """A default model that migrate passes on reaches statements that were planned with the former one."""
    project = after_night("2026-11-20")
    with session(project) as reader:
        reader.execute(PREPARED)
        assert [row[0] for row in ask(reader, "execute by_default")] == ["kmeans"]
        migrate(project.warehouse, project.with_contract(default_model=chosen).configuration.contract)
        assert [row[0] for row in ask(reader, "execute by_default")] == [shown]


def test_announcing_waits_for_no_reader(after_night):
    """Nor does a reader wait for who announces: the lock is one that no reader's conflicts with."""
    project = after_night("2026-11-20")
    with session(project, isolation="REPEATABLE READ") as reader, session(project) as other:
        ask(reader, SHOWN.format("current_customer_segments"))
        with project.warehouse.transaction() as transaction:
            transaction.connection.exec_driver_sql("set local lock_timeout = '1s'")
            transaction.execute("pointer/announce")
            other.execute("set lock_timeout = '1s'")
            assert len(ask(other, SHOWN.format("current_customer_segments"))) == 3


def test_pointer_is_written_in_one_file():
    """Whatever changes which labels are current stands beside the statement that announces it."""
    tables = "published_runs|model_retirements|contract"
    writes = re.compile(rf"(insert into|update|delete from|truncate) segmentation\.({tables})\b")
    found = {path.name for path in (PROJECT / "sql").glob("*.sql") if writes.search(path.read_text(encoding="utf-8"))}
    assert found == {"pointer.sql"}
