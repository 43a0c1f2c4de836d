"""What a release has left in a warehouse is what every later one can take over."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Event

import psycopg2
import pytest

from clustering import Registry, Warehouse, forget, migrate
from clustering.config import load_configuration
from tests.projects import Project
from tests.releases.keeping import KEPT, MODELS, restore

RELEASES = sorted(path.name for path in KEPT.iterdir() if (path / MODELS).is_dir())
SCHEMA = """
select class.relname, class.relkind::text, column_name, data_type, is_nullable, column_default,
    col_description(class.oid, ordinal_position::int)
from information_schema.columns
join pg_class as class on class.relname = table_name and class.relnamespace = table_schema::regnamespace
where table_schema = 'segmentation'
order by 1, 3
"""
CONSTRAINTS = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid)
from pg_constraint where connamespace = 'segmentation'::regnamespace order by 1, 2
"""
HISTORY = "select * from segmentation.segment_history order by customer_id, model, valid_from"


@pytest.fixture(params=RELEASES)
def released(
    request: pytest.FixtureRequest, create_database: Callable[..., str], migrated_template: str, tmp_path: Path
) -> Project:
    """Return the warehouse of a release with its own configuration, as it was left; the roles are on the server."""
    uri = create_database()
    restore(request.param, uri, tmp_path / "store")
    warehouse, configuration = Warehouse(uri), load_configuration(KEPT / request.param / MODELS)
    return Project(warehouse, configuration, Registry(warehouse, tmp_path / "store"))


def test_schema_of_a_release_becomes_that_of_a_new_warehouse(
    released: Project, create_database: Callable[..., str]
) -> None:
    """Columns, defaults, comments and constraints are, after migrating, those of a warehouse that began now."""
    fresh = Warehouse(create_database())
    migrate(fresh, released.configuration.contract)
    migrate(released.warehouse, released.configuration.contract)
    began_now = Project(fresh, released.configuration, released.registry)
    for question in (SCHEMA, CONSTRAINTS):
        assert released.sql(question) == began_now.sql(question)


def test_what_a_release_has_published_stays_and_nights_go_on(released: Project) -> None:
    """Labels, segments and history are as they were left; the next night moves nobody who has not changed."""
    before = released.labels(), released.segments(), released.sql(HISTORY)
    migrate(released.warehouse, released.configuration.contract)
    assert (released.labels(), released.segments(), released.sql(HISTORY)) == before
    released.night("2026-01-10")
    assert [row[1:] for row in released.labels()] == [row[1:] for row in before[0]]
    moved = "select count(*) from segmentation.segment_migrations where as_of = '2026-01-10' and by_behaviour > 0"
    assert released.sql(f"{moved} and from_segment_id <> to_segment_id") == [(0,)]
    assert released.sql("select count(*) from segmentation.segment_health where trust is null") == [(0,)]


def test_what_is_being_published_while_migrating_is_where_the_feed_begins(released: Project) -> None:
    """A migration waits for whoever publishes, lest nobody is told of it."""
    waiting = (
        "select count(*) > 0 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    )
    with closing(psycopg2.connect(released.warehouse.uri)) as publishing, ThreadPoolExecutor(1) as pool:
        publishing.cursor().execute(
            "insert into segmentation.published_runs (model, as_of, run_id, model_version_id)"
            " select model, date '2026-02-01', run_id, model_version_id from segmentation.current_models"
        )
        done = pool.submit(migrate, released.warehouse, released.configuration.contract)
        while not done.done() and released.sql(waiting) != [(True,)]:
            Event().wait(0.1)
        publishing.commit()
        done.result()
    begun = "select distinct kind, as_of::text from segmentation.segment_changes"
    assert released.sql(begun) == [("start", "2026-02-01")]


def test_customers_of_a_release_can_be_forgotten(released: Project) -> None:
    migrate(released.warehouse, released.configuration.contract)
    forget(released.warehouse, released.configuration, released.registry, customer_id=7, requested_by="Ada")
    assert released.sql("select count(*) from segmentation.segment_history where customer_id = 7") == [(0,)]
